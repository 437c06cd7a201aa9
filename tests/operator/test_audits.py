"""Which commands are in the audit: all but those that only read and show no whole number."""

import argparse
from types import SimpleNamespace
from typing import Any

from duologue.operator import audits
from duologue.operator.__main__ import parser

_READ = """
    app list, app show, audit, call find, call list, call show, console, deny list, do-not-call check, do-not-call list,
    endpoint list, lock list, logs, memory list, memory show, notification list, notification show, person show,
    prompt list, rates show, sp list, sp show, tail, trunk check, usage
"""


def _commands(parser: argparse.ArgumentParser) -> set[str]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        return {parser.get_default("words")}
    return {words for action in below for each in action.choices.values() for words in _commands(each)}


def _is_noted(**asked: Any) -> bool:
    entries: list[Any] = []
    platform: Any = SimpleNamespace(audit=SimpleNamespace(add=entries.append), identity="olga")
    audits.note(argparse.Namespace(**asked), platform)
    return bool(entries)


def test_every_command_is_noted_but_those_that_read():
    """The console notes its actions itself (tests/console)."""
    read = {words for words in _commands(parser()) if not _is_noted(words=words)}
    assert read == {" ".join(each.split()) for each in _READ.split(",")}


def test_whoever_sees_whole_numbers_is_noted():
    assert _is_noted(words="call show", call="1_2_3_20261123090000", numbers=True)

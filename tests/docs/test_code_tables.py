"""The pages print what the product gives: the API's codes, and the operator's settings and commands."""

import argparse
import re
from collections.abc import Iterator

from duologue.operator.__main__ import parser
from tests.architecture.tree import ROOT
from tools.code_tables import PAGE, filled

OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_the_tables_are_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert text == filled(text), "stale: python -m tools.code_tables writes them again"


def test_what_to_do_is_said_once_of_every_result_code():
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## Result codes") : text.index("## How a call ended")]
    advice, table = section.split("<!-- results:")
    said = [code for row in re.findall(r"^\| (\d[^|]*) \|", advice, re.MULTILINE) for code in row.split(", ")]
    first, last = next(each for each in said if " to " in each).split(" to ")
    codes = set(re.findall(r"^\| (\d+) \|", table, re.MULTILINE))
    ranged = {code for code in codes if first <= code <= last}
    assert sorted([*(each for each in said if " to " not in each), *ranged]) == sorted(codes)


def _commands(of: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    deeper = [action.choices for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not deeper:
        yield name, of
    for choices in deeper:
        first_names = {id(command): word for word, command in reversed(choices.items())}  # an alias is the same command
        for word, command in choices.items():
            if first_names[id(command)] == word:
                yield from _commands(command, f"{name} {word}".strip())


COMMANDS = dict(_commands(parser()))


def test_every_setting_of_an_app_is_in_the_operators_table():
    rows = re.findall(r"^\| (`--.+?) \|", OPERATIONS, re.MULTILINE)
    documented = [option for row in rows for option in re.findall(r"--[a-z-]+", row)]
    for command in ("app add", "app set"):
        options = {action.option_strings[0] for action in COMMANDS[command]._actions if action.option_strings}
        assert sorted(documented) == sorted(options - {"-h", "--json"}), command


def test_every_command_is_on_the_operators_page():
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", OPERATIONS)] == []

"""`duologue deny …` and `duologue do-not-call …`: numbers that are not dialled."""

import argparse
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.access.accounts import App
from duologue.domain.errors import InvalidField
from duologue.domain.numbers.deny_list import (
    MOST_PATTERNS,
    MOST_PATTERNS_OF_APP,
    Entries,
    Entry,
    Verdict,
    check_pattern,
    check_why,
    is_broad,
)
from duologue.domain.numbers.known_traps import TRAPS
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.files import read_lines
from duologue.operator.platform import Platform, Said

_PATTERN = "the beginning of the numbers, such as +1712432; N stands for 2 to 9, X for any digit"


def add_to(kinds: Any) -> None:
    deny = kinds.add_parser("deny", help="ranges of numbers that are not dialled").add_subparsers(
        metavar="add|allow|remove|list|import", required=True
    )
    for word, what in (
        ("add", "deny numbers, on the whole platform or to one app"),
        ("allow", "allow numbers of a denied range or of a known trap, on the whole platform"),
    ):
        command = deny.add_parser(word, help=what)
        command.add_argument("pattern", help=_PATTERN)
        command.add_argument("--why", default="", help="for the platform's list; no SP sees it")
        verdict = Verdict.DENY if word == "add" else Verdict.ALLOW
        command.set_defaults(command=_add, verdict=verdict, app=None, yes=False)
        if word == "add":
            _add_app(command)
            _add_yes(command)
    command = deny.add_parser("remove", help="remove what add or allow has put on a list")
    command.add_argument("pattern", help="as `deny list` prints it")
    _add_app(command)
    command.set_defaults(command=_remove)
    command = deny.add_parser("list", help="the platform's list and the known traps with their sources, or an app's")
    _add_app(command)
    command.set_defaults(command=_list)
    command = deny.add_parser("import", help="deny what a file has: a pattern in each line, perhaps a comma and why")
    command.add_argument("file")
    _add_app(command)
    _add_yes(command)
    command.set_defaults(command=_import, verdict=Verdict.DENY)

    numbers = kinds.add_parser("do-not-call", help="persons who must not be called").add_subparsers(
        metavar="add|remove|check|list|import", required=True
    )
    for word, do, what in (
        ("add", _forbid, "call a number no more, for any app"),
        ("remove", _permit, "allow calls to it again"),
        ("check", _check, "whether it is on the list"),
    ):
        command = numbers.add_parser(word, help=what)
        command.add_argument("number", help="E.164")
        command.set_defaults(command=do)
        if word == "add":
            command.add_argument("--why", default="", help="for the list; no SP sees it")
    command = numbers.add_parser("list", help="all of them, masked: only hashes are stored")
    command.set_defaults(command=_list_numbers)
    command = numbers.add_parser("import", help="add what a file has: a number in each line, perhaps a comma and why")
    command.add_argument("file")
    command.set_defaults(command=_import_numbers)


def _add_app(command: argparse.ArgumentParser) -> None:
    command.add_argument("--app", metavar="KEY", help="of this app alone")


def _add_yes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--yes", action="store_true", help="also a pattern as short as +1 or +4, all of some countries"
    )


def _add(asked: argparse.Namespace, platform: Platform) -> Said:
    return _change(platform, asked.app, dict([_entry(asked, asked.pattern, asked.why)]))


def _import(asked: argparse.Namespace, platform: Platform) -> Said:
    entries = read_lines(asked.file, lambda text, why: _entry(asked, text, why))
    return _change(platform, asked.app, dict(entries))


def _entry(asked: argparse.Namespace, text: str, why: str) -> tuple[str, Entry]:
    """Raises InvalidField."""
    pattern, entry = check_pattern(text), Entry(asked.verdict, check_why(why))
    if why and asked.app is not None:
        raise InvalidField("reason", "is kept on the platform's list only: leave it out with --app")
    if is_broad(pattern) and entry.verdict is Verdict.DENY and not asked.yes:
        raise InvalidField("pattern", f"{text} denies whole country codes: if that is meant, repeat it with --yes")
    return pattern, entry


def _change(platform: Platform, app_key: str | None, added: Entries) -> Said:
    """An app keeps the patterns only."""
    if app_key is not None:
        return _change_app(platform, app_key, lambda had: tuple(dict.fromkeys((*had, *added))))

    def change(entries: Entries) -> Entries:
        after = {**entries, **added}
        _check_few(after, MOST_PATTERNS)
        return after

    return {"patterns": len(platform.deny_book.change_entries(change))}


def _remove(asked: argparse.Namespace, platform: Platform) -> Said:
    def listed(had: Collection[str]) -> None:
        if asked.pattern not in had:
            raise InvalidField("pattern", f"{asked.pattern} is not on the list; a known trap is opened by deny allow")

    if asked.app is not None:

        def of_app(had: tuple[str, ...]) -> tuple[str, ...]:
            listed(had)
            return tuple(pattern for pattern in had if pattern != asked.pattern)

        return _change_app(platform, asked.app, of_app)

    def change(entries: Entries) -> Entries:
        listed(entries)
        return {pattern: entry for pattern, entry in entries.items() if pattern != asked.pattern}

    return {"patterns": len(platform.deny_book.change_entries(change))}


def _change_app(platform: Platform, key: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Said:
    def changed(app: App) -> App:
        after = change(app.denied_prefixes)
        _check_few(after, MOST_PATTERNS_OF_APP)
        return replace(app, denied_prefixes=after)

    app = platform.accounts.change_app(key, changed)
    return {"app_key": app.key, "patterns": len(app.denied_prefixes)}


def _check_few(patterns: Collection[str], most: int) -> None:
    """Raises InvalidField."""
    if len(patterns) > most:
        raise InvalidField("patterns", f"must be at most {most}")


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    if asked.app is not None:
        return {"app_key": asked.app, "denied": sorted(platform.accounts.app(asked.app).denied_prefixes)}
    entries = sorted(platform.deny_book.entries().items())
    listed = [{"pattern": pattern, "verdict": each.verdict.value, "why": each.why} for pattern, each in entries]
    return {"patterns": listed, "known_traps": [trap._asdict() for trap in TRAPS]}


def _number(text: str) -> PhoneNumber:
    return PhoneNumber.parse(text, field="number")


def _dialled_as(text: str, platform: Platform) -> PhoneNumber:
    """A number as requests must write it: the list is searched by its hash. Raises InvalidField."""
    number = _number(text)
    planned = platform.plan.describe(number)
    if not (planned.assigned and planned.possible):
        raise InvalidField("number", f"{text} has a country code that does not exist, or the wrong number of digits")
    if planned.e164 != number.e164:
        raise InvalidField("number", f"{text} is dialled as {planned.e164}: without the trunk prefix or the like")
    return number


def _forbid(asked: argparse.Namespace, platform: Platform) -> Said:
    number = _dialled_as(asked.number, platform)
    platform.deny_book.do_not_call(number, SystemClock().now(), check_why(asked.why))
    return {"number": asked.number, "do_not_call": True}


def _permit(asked: argparse.Namespace, platform: Platform) -> Said:
    was = platform.deny_book.may_call(_number(asked.number))
    return {"number": asked.number, "do_not_call": False, "was": was}


def _check(asked: argparse.Namespace, platform: Platform) -> Said:
    number = _number(asked.number)
    return {"number": asked.number, "do_not_call": number in platform.deny_book.of((number,)).do_not_call}


def _list_numbers(_asked: argparse.Namespace, platform: Platform) -> Said:
    listed = sorted(platform.deny_book.on_do_not_call(), key=lambda each: (each.since, each.masked))
    return {"numbers": [{"number": each.masked, "since": each.since.isoformat(), "why": each.why} for each in listed]}


def _import_numbers(asked: argparse.Namespace, platform: Platform) -> Said:
    numbers = read_lines(asked.file, lambda text, why: (_dialled_as(text, platform), check_why(why)))
    for number, why in numbers:
        platform.deny_book.do_not_call(number, SystemClock().now(), why)
    return {"numbers": len(numbers)}

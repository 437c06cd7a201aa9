"""`duologue logs`: what all functions logged about one call."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said
from duologue.operator.printed import harmless

_CALL_ID = re.compile(r"\d+_\d+_\d+_(\d{14})", re.ASCII)
_BEFORE = timedelta(minutes=1)
"""Clocks of functions differ a little."""


def add_to(kinds: Any) -> None:
    command = kinds.add_parser("logs", help="the log lines of all functions about one call, oldest first")
    command.add_argument("call", help="the call's id or session id")
    command.set_defaults(command=_logs)


def _logs(asked: argparse.Namespace, platform: Platform) -> Said | None:
    """With --json JSON; otherwise it prints a line for each, also into a pipe."""
    call_id = asked.call.partition("@")[0]
    lines = platform.call_logs.lines(call_id, _accepted(call_id) - _BEFORE)
    said = {
        "call": call_id,
        "lines": [
            {
                "at": line.at.astimezone(UTC).isoformat(timespec="milliseconds"),
                "function": line.function,
                "level": line.level,
                "message": line.message,
                "request": line.request,
                **{name: value for name, value in (line.fields or {}).items() if name != "call_id"},
            }
            for line in lines
        ],
    }
    if asked.json:
        return said
    print(_text(said), flush=True)
    return None


def _accepted(call_id: str) -> datetime:
    """When the call began, which is the end of its id: logs of before need not be searched. Raises InvalidField."""
    try:
        match = _CALL_ID.fullmatch(call_id)
        return datetime.strptime(match[1] if match else "", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        text = "must be a call's id or session id, such as 1_2_3_20261123090000@duologue.example.com"
        raise InvalidField("call", text) from error


def _text(said: Said) -> str:
    """One line each; what has several lines, such as a stack trace, below it."""
    if not said["lines"]:
        return "No log line names this call: it is another stack's, or older than KeepLogsDays."
    return "\n".join(_shown(dict(line)) for line in said["lines"])


def _shown(line: dict[str, Any]) -> str:
    at, function, level, message = (str(line.pop(name)) for name in ("at", "function", "level", "message"))
    line.pop("request")
    below = [str(line.pop(name)) for name in list(line) if "\n" in str(line[name])]
    fields = " ".join(f"{name}={value}" for name, value in line.items())
    first = f"{at[11:23]}  {function:17}  {level:7}  {message}{'  ' if fields else ''}{fields}"
    return harmless("\n".join([first, *(f"    {each}" for text in below for each in text.splitlines())]))

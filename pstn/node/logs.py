"""Logs of a node: one JSON object per line on standard output, and nothing in it that identifies a person.

Rule 1: what looks like a telephone number is masked in every text of a line, whoever wrote it.
Rule 2: secrets, tokens, headers and bodies of requests, and the events of calls are not logged.
"""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NEXT = r"(?:(?: (?![0-9]{4}-[0-9]{2}-[0-9]{2}\b|[0-9]{1,2}:[0-9])|[.-])?[0-9])"  # of no date or time that follows
_NUMBER = re.compile(
    rf"{_UUID}"
    r"|(?P<plus>\+|%2[Bb])(?P<spaced>"
    r"[1-9][0-9]{6,14}(?![0-9])"
    r"|1[ .-]?(?:[0-9]{3}|\([0-9]{3}\))[ .-]?[0-9]{3}[ .-]?[0-9]{4}(?![0-9])"
    r"|(?![0-9]+\.[0-9]+(?!\.?[0-9]))"  # a decimal
    rf"[2-9](?:{_NEXT}{{6,12}}|[0-9]{{0,2}}[ -]?\([0-9]{{1,5}}\){_NEXT}{{4,10}})(?![0-9]))"
    r"|(?<![0-9A-Za-z])(?<![0-9]\.)[0-9]{7,15}(?![0-9A-Za-z])"  # neither the fraction of a decimal
)
"""In one piece, or else in groups as people write it: ten digits after +1, up to thirteen in all elsewhere."""
_BETWEEN = str.maketrans("", "", " .()-")
_SHOWN_FIRST, _SHOWN_LAST = 3, 2
_OWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def masked(text: str) -> str:
    """Telephone numbers without all but their first three and last two digits."""
    return _NUMBER.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    if found["plus"]:
        return found["plus"] + _stars(found["spaced"].translate(_BETWEEN))
    return _stars(found[0]) if found[0].isdigit() else found[0]


def _stars(digits: str) -> str:
    return f"{digits[:_SHOWN_FIRST]}{'*' * (len(digits) - _SHOWN_FIRST - _SHOWN_LAST)}{digits[-_SHOWN_LAST:]}"


class JsonLines(logging.Formatter):
    """`node`: its id, in every line."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname, "node": self._node, "message": record.getMessage()}
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(_masked(line), default=lambda value: masked(str(value)), ensure_ascii=False)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(str(key)): _masked(each) for key, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, (list, tuple)) else value


def set_up(node: str, into: TextIO | None = None) -> None:
    """Log everything from INFO up; of the libraries, warnings only: botocore says where it found credentials."""
    handler = logging.StreamHandler(into or sys.stdout)
    handler.setFormatter(JsonLines(node))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for library in ("botocore", "urllib3", "uvicorn", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)

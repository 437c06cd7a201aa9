"""`duologue audit`: who fetched recordings, and who changed what.

Commands that change something, or export people's numbers, are noted first.
"""

import argparse
import getpass
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.access.audit import AuditEntry, AuditFilter
from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said

_MOST = 1000
_DAYS = 30
_READ_ONLY = {"show", "list", "audit", "find", "tail", "usage", "console", "logs", "check"}
_NAMED = ("key", "sp", "id", "app")
"""The arguments that name whose data is changed; no other value is noted."""


def add_to(kinds: Any) -> None:
    command = kinds.add_parser("audit", help="who fetched recordings, and who changed what; newest first")
    command.add_argument("--app", default="", metavar="KEY", help="only about this app")
    command.add_argument("--call", default="", metavar="ID", help="only about this call, by its id or session id")
    command.add_argument("--kind", default="", metavar="KIND", help='such as recording.fetch, or the beginning: "app "')
    command.add_argument("--since", metavar="TIME", help=f"ISO 8601 (default: {_DAYS} days ago)")
    command.add_argument("--limit", type=int, default=100, metavar="N", help=f"1 to {_MOST} (default: %(default)s)")
    command.set_defaults(command=_audit, refuse=command.error)


def note(asked: argparse.Namespace, platform: Platform) -> None:
    """Note a command that is more than reading, before it is run. Raises OutsideUnavailable: it must not be run."""
    words: str = asked.words
    if words.rpartition(" ")[2] in _READ_ONLY and not getattr(asked, "numbers", False):
        return
    values = {name: value for name, value in vars(asked).items() if name not in _OWN}
    given = {name: value for name, value in values.items() if isinstance(value, str | int | list)}
    named = next((str(given[name]) for name in _NAMED if given.get(name)), "")
    detail = " ".join(sorted(name for name, value in given.items() if value not in ("", False, [])))
    is_about_app = words.startswith(("app ", "prompt ", "endpoint ")) and "add" not in words
    app = named if is_about_app else str(given.get("app") or "")
    platform.audit.add(
        AuditEntry(
            at=SystemClock().now(),
            kind=words,
            who=who(platform),
            app=app,
            call=" ".join(dict.fromkeys(_calls(values))),
            detail=detail if named in ("", app) else f"{named}: {detail}",
        )
    )


def _calls(values: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the calls that a command names: by themselves, or by their notifications."""
    for text in (*_words(values.get("calls")), *_words(values.get("call"))):
        yield text.partition("@")[0]
    for text in _words(values.get("ids")):
        yield text.rpartition("-")[0]


def _words(value: object) -> list[str]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) and value else []


_OWN = {"words", "stack", "accounts_table", "key_id", "memories_key", "prompts_bucket", "line_numbers", "number"}
"""Arguments that are the command's own, and the number of a person."""


def who(platform: Platform) -> str:
    """The IAM identity; on a laptop, where all have the same, the local user."""
    return f"local user {getpass.getuser()}" if "AWS_ENDPOINT_URL" in os.environ else platform.identity


def _audit(asked: argparse.Namespace, platform: Platform) -> Said:
    if not 1 <= asked.limit <= _MOST:
        asked.refuse(f"--limit must be 1 to {_MOST}")
    now = SystemClock().now()
    wanted = AuditFilter(asked.app, asked.call.partition("@")[0], asked.kind)
    entries = platform.audit_reader.entries(wanted, _since(asked.since, now), now, asked.limit)
    return {"entries": [_shown(entry) for entry in entries]}


def _since(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now - timedelta(days=_DAYS)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidField("--since", "must be a time in ISO 8601, such as 2026-11-28T09:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _shown(entry: AuditEntry) -> Said:
    texts = {"app_key": entry.app, "call": entry.call, "source": entry.source, "detail": entry.detail}
    shown = {"at": entry.at.isoformat(), "kind": entry.kind, "who": entry.who}
    return shown | {name: text for name, text in texts.items() if text}

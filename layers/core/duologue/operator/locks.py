"""`duologue lock …`: addresses that are locked after wrong credentials, or soon will be."""

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.access.attempts import Attempt, Failures
from duologue.domain.access.source_address import subscriber_of
from duologue.operator.platform import Platform, Said


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("lock", help="addresses locked after wrong credentials").add_subparsers(
        metavar="list|clear", required=True
    )
    command = commands.add_parser("list", help="locks, and failures of the last minutes that may become one")
    _add_filters(command)
    command.set_defaults(command=_list)
    command = commands.add_parser("clear", help="forget them, so that correct credentials are accepted at once")
    _add_filters(command)
    command.add_argument("--all", action="store_true", help="of all apps and addresses, and of unknown app keys")
    command.set_defaults(command=_clear, refuse=command.error)


def _add_filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--app", metavar="KEY", help="of this app only")
    command.add_argument("--source", metavar="ADDRESS", help="of this address only, of IPv6 its /64")


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    return {"locks": [_shown(attempt, failures) for attempt, failures in _matching(asked, platform)]}


def _clear(asked: argparse.Namespace, platform: Platform) -> Said:
    if asked.all == bool(asked.app or asked.source):
        asked.refuse("name the locks by --app, --source or both; or all of them by --all")
    found = list(_matching(asked, platform))
    for attempt, _ in found:
        platform.auth_locks.forget(attempt)
    return {"cleared": [_shown(attempt, failures) for attempt, failures in found]}


def _matching(asked: argparse.Namespace, platform: Platform) -> Iterator[tuple[Attempt, Failures]]:
    if asked.app is not None:
        platform.accounts.app(asked.app)
    now, source = SystemClock().now(), None if asked.source is None else subscriber_of(asked.source)
    for attempt, failures in platform.auth_locks.all_failures():
        wanted = asked.app in (None, attempt.app_key) and source in (None, attempt.source)
        if wanted and not _is_over(failures, now):
            yield attempt, failures


def _is_over(failures: Failures, now: datetime) -> bool:
    return failures.ends_at is None or failures.ends_at <= now


def _shown(attempt: Attempt, failures: Failures) -> Said:
    """Without an app: log-ins with unknown app keys."""
    until = failures.locked_until
    return {
        "app_key": attempt.app_key or None,
        "source": attempt.source,
        "proof": attempt.proof.value,
        "failures": failures.counted,
        "locked_until": None if until is None else until.isoformat(),
    }

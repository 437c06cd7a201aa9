"""`duologue usage`: what apps used, by the day (UTC)."""

import argparse
from datetime import date, timedelta
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.accounting.usage import DayUsage, total
from duologue.domain.errors import InvalidField
from duologue.operator.platform import Platform, Said

_MICRO = 1_000_000
_MOST_DAYS, _DAYS = 100, 7


def add_to(kinds: Any) -> None:
    command = kinds.add_parser("usage", help="calls, minutes and estimated spend by the day, in UTC")
    command.add_argument("--app", metavar="KEY", help="one app, day by day (default: all apps of one day)")
    command.add_argument("--day", metavar="DATE", help="the day, or the last one of --days (default: today)")
    command.add_argument("--days", type=int, metavar="N", help=f"with --app, 1 to {_MOST_DAYS} (default: {_DAYS})")
    command.set_defaults(command=_usage, refuse=command.error)


def _usage(asked: argparse.Namespace, platform: Platform) -> Said:
    if asked.days is not None and not (asked.app and 1 <= asked.days <= _MOST_DAYS):
        asked.refuse(f"--days is 1 to {_MOST_DAYS}, and only with --app")
    day = _day(asked.day)
    if asked.app is None:
        apps = platform.usages.of_day(day)
        shown = [{"app_key": app, **_shown(usage)} for app, usage in sorted(apps.items())]
        return {"day": day.isoformat(), "apps": shown, "total": _shown(total(apps.values()))}
    days = [day - timedelta(days=ago) for ago in range(asked.days or _DAYS)]
    used = platform.usages.of_apps([asked.app], days)
    if not used:
        platform.accounts.app_without_secrets(asked.app)
    shown = [{"day": each.isoformat(), **_shown(used.get((asked.app, each), DayUsage()))} for each in days]
    return {"app_key": asked.app, "days": shown, "total": _shown(total(used.values()))}


def _day(text: str | None) -> date:
    if text is None:
        return SystemClock().now().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidField("--day", "must be a date such as 2026-11-28") from error


def _shown(usage: DayUsage) -> Said:
    return {
        "calls": usage.calls,
        "talked": usage.talked,
        "talk_minutes": round(usage.talk_s / 60, 1),
        "telephone_usd": usage.cost / _MICRO,
    }

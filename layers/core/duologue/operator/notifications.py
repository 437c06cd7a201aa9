"""`duologue notification …`: notifications that wait for an attempt or were given up."""

import argparse
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.call_control.history import DeliveryState
from duologue.domain.errors import InvalidField
from duologue.domain.notifying.sp_url import SpUrl
from duologue.operator.platform import Platform, Said
from duologue.usecases.notifying.manage_notifications import ManageNotifications, Outstanding
from duologue.wire.huawei.deliveries import deliveries_of
from duologue.wire.huawei.standard_webhooks import message_id

_MOST = 10_000
_ALL = "of all apps, except for removed ones"


def add_to(kinds: Any) -> None:
    kind = kinds.add_parser("notification", aliases=["notice"], help="notifications that wait or were given up")
    commands = kind.add_subparsers(metavar="list|show|retry-now|cancel", required=True)
    command = commands.add_parser("list", help=f"those that wait or were given up, by default {_ALL}")
    _add_selection(command)
    command.set_defaults(command=_list, refuse=command.error)
    command = commands.add_parser("show", help="all notifications of a call, with every attempt")
    command.add_argument("call", help="the call's id or session id")
    command.set_defaults(command=_show)
    what = "attempt them within a minute, also those that were given up"
    command = commands.add_parser("retry-now", aliases=["resend"], help=what)
    _add_selection(command)
    command.set_defaults(command=_retry_now, refuse=command.error)
    command = commands.add_parser("cancel", help="attempt them no more, and list them no more")
    _add_selection(command)
    command.set_defaults(command=_cancel, refuse=command.error)


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument("ids", nargs="*", metavar="ID", help="of a notification, its webhook-id")
    command.add_argument("--call", metavar="ID", help="those of this call: its id or session id")
    command.add_argument("--app", metavar="KEY", help="those of this app, which may have been removed")
    command.add_argument(
        "--origin", metavar="URL", help=f"those for this scheme, host and port; without --app and --call: {_ALL}"
    )
    command.add_argument(
        "--limit",
        type=int,
        default=1000,
        metavar="N",
        help=f"the most to list or change, 1 to {_MOST} (default: %(default)s)",
    )


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    return _done(asked, platform, "notifications", lambda manage, each: True)


def _retry_now(asked: argparse.Namespace, platform: Platform) -> Said:
    return _changed(asked, platform, "retried", ManageNotifications.retry_now)


def _cancel(asked: argparse.Namespace, platform: Platform) -> Said:
    return _changed(asked, platform, "cancelled", ManageNotifications.cancel)


def _done(
    asked: argparse.Namespace, platform: Platform, name: str, do: Callable[[ManageNotifications, Outstanding], bool]
) -> Said:
    """Those of the selection for which `do` returns true, as they were before. `more`: there may be others.

    Raises:
        UnknownApp: nothing is selected, and there is no such app. (Notifications may outlive their app.)
        InvalidField: an id is none.
    """
    if not 1 <= asked.limit <= _MOST:
        asked.refuse(f"--limit must be 1 to {_MOST}")
    manage = _manage(platform)
    selected = (each for each in _selected(asked, platform, manage) if not asked.app or each.notice.app == asked.app)
    done = list(islice((each for each in selected if do(manage, each)), asked.limit))
    if asked.app and not done:
        platform.accounts.app(asked.app)
    return {name: [_shown(each) for each in done], "more": len(done) == asked.limit}


def _changed(
    asked: argparse.Namespace, platform: Platform, name: str, do: Callable[[ManageNotifications, Outstanding], bool]
) -> Said:
    """As `_done`, but never of all apps by default; of ids also which ones were not changed, and why."""
    if not (asked.ids or asked.call or asked.app or asked.origin):
        asked.refuse("name notifications by ID, --call, --app or --origin")
    said = _done(asked, platform, name, do)
    if not asked.ids:
        return said
    changed = {each["id"] for each in said[name]}
    left = [each for each in asked.ids if each not in changed]
    return said | {"unchanged": [{"id": each, "why": _why_unchanged(each, asked, platform, said)} for each in left]}


def _why_unchanged(text: str, asked: argparse.Namespace, platform: Platform, said: Said) -> str:
    call_id, sequence = _place(text)
    history = platform.histories.history(call_id)
    delivery, manage = history.deliveries.get(sequence), _manage(platform)
    if delivery is None or (asked.app and history.call.app != asked.app):
        return "there is no such notification" + (f" of the app {asked.app}" if asked.app else "")
    if delivery.state in _FINAL:
        return _FINAL[delivery.state]
    if asked.origin and not any(manage.of_call(call_id, sequence, asked.origin)):
        return "it is not for --origin"
    return "--limit was reached" if said["more"] else "it is due already, or has just changed"


_FINAL = {
    DeliveryState.ACKNOWLEDGED: "it was acknowledged",
    DeliveryState.OVERTAKEN: "a later event has made it pointless",
    DeliveryState.CANCELLED: "it was cancelled",
}
"""States that no command ends."""


def _selected(asked: argparse.Namespace, platform: Platform, manage: ManageNotifications) -> Iterator[Outstanding]:
    origin = SpUrl.parse(asked.origin, field="--origin").text if asked.origin else ""
    if asked.ids:
        for call_id, sequence in [_place(each) for each in asked.ids]:
            yield from manage.of_call(call_id, sequence, origin)
    elif asked.call:
        yield from manage.of_call(_call_id(asked.call), origin_of=origin)
    else:
        apps = [asked.app] if asked.app else [app.app_key for app in platform.accounts.listed_apps()]
        for app in apps:
            yield from manage.of_app(app, origin)


def _place(text: str) -> tuple[str, int]:
    """The call and the sequence of a notification's id. Raises InvalidField."""
    call_id, _, sequence = text.rpartition("-")
    if "@" in text or not sequence.isdecimal():
        raise InvalidField(text, f"is not the id of a notification; those of a call: --call {text}")
    return call_id, int(sequence)


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    history = platform.histories.history(_call_id(asked.call))
    return {"app_key": history.call.app, **deliveries_of(history, platform.host)}


def _manage(platform: Platform) -> ManageNotifications:
    return ManageNotifications(platform.histories, platform.app_events, platform.notification_log, SystemClock())


def _call_id(text: str) -> str:
    return text.partition("@")[0]


def _shown(each: Outstanding) -> Said:
    delivery, last = each.delivery, each.delivery.attempts[-1] if each.delivery.attempts else None
    return {
        "id": message_id(each.notice.call_id, each.notice.sequence),
        "app_key": each.notice.app,
        "url": each.url,
        "state": delivery.state.value,
        "since": delivery.since.isoformat(),
        "attempts": len(delivery.attempts),
        "next_attempt_at": None if delivery.due is None else delivery.due.isoformat(),
        "last_status": None if last is None else last.status,
        "note": delivery.note or (last.note if last else ""),
    }

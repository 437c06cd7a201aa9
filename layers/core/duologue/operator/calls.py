"""`duologue call …` and `duologue tail`: find calls, show one, end those in progress, watch them."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.call_control.trace import FlowStep, TracedEvent
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import InvalidField, OutsideUnavailable, UnknownCall, UnreadableCall
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.call_words import sentence, short, talk_of
from duologue.operator.console.search import NotSearchable, Search, call_id_in, wanted
from duologue.operator.masking import add_numbers_option, masked
from duologue.operator.memories import shown as memory_shown
from duologue.operator.platform import Platform, Said
from duologue.operator.sip_words import sip_words
from duologue.usecases.operating.end_calls import EndedByOperator
from duologue.usecases.ports.accounts import AccountBook
from duologue.usecases.ports.call_lists import CallsWanted
from duologue.wire.huawei.deliveries import deliveries_of
from duologue.wire.huawei.histories import FACT_NAMES, history_of

_MOST = 100
_LOOK_EVERY_S = 2.0
_RECENT = timedelta(minutes=1)
_TALKED = {"talked": True, "failed": False}


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("call", help="find, show and end calls").add_subparsers(
        metavar="find|list|show|stop", required=True
    )
    command = commands.add_parser("find", help="the calls of a number as people write it, or one call by its id")
    command.add_argument("text", metavar="NUMBER|ID", help="such as +1 202 555 0111, 2025550111, 0111, or a session id")
    command.add_argument("--limit", type=int, default=25, metavar="N", help=f"1 to {_MOST} (default: %(default)s)")
    command.set_defaults(command=_find, refuse=command.error)
    command = commands.add_parser("list", help="calls, newest first; both numbers are masked")
    _add_filters(command)
    command.add_argument("--open", action="store_true", help="only calls that are not over")
    command.add_argument("--since", metavar="TIME", help="accepted at this time or later, ISO 8601")
    command.add_argument("--until", metavar="TIME", help="accepted before this time")
    command.add_argument(
        "--result", choices=[*_TALKED, *map(str, EndReason)], help="both parties were connected, or why it ended"
    )
    command.add_argument("--number", metavar="NUMBER", help="of either party: E.164, or the last four digits")
    command.add_argument("--display-number", metavar="NUMBER", help="shown to either party, E.164")
    command.add_argument("--limit", type=int, default=25, metavar="N", help=f"1 to {_MOST} (default: %(default)s)")
    command.add_argument("--cursor", default="", metavar="TEXT", help="continue the list that printed it")
    command.set_defaults(command=_list, refuse=command.error)
    command = commands.add_parser(
        "show", help="one call: legs, events, flow, notifications, recording, memory and costs"
    )
    command.add_argument("call", help="the call's id or session id")
    add_numbers_option(command)
    command.set_defaults(command=_show)
    command = commands.add_parser("stop", help="end calls; the SP is notified with 8017, as if it had stopped them")
    command.add_argument("calls", nargs="+", metavar="call", help="the call's id or session id")
    command.set_defaults(command=_stop)
    command = kinds.add_parser("tail", help="print what happens to calls while it happens; Ctrl-C ends it")
    _add_filters(command)
    command.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end by itself after this time")
    command.set_defaults(command=_tail)


def _add_filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--app", metavar="KEY", help="only of this app")
    command.add_argument("--sp", metavar="ID", help="only of this SP's apps")


def _find(asked: argparse.Namespace, platform: Platform) -> Said:
    limit = _limit(asked)
    if not asked.text.strip():
        raise InvalidField("number", "is empty")
    call_id = call_id_in(asked.text)
    if call_id is not None:
        return {"calls": [_listed(platform.histories.history(call_id).call)], "cursor": None}
    try:
        search = wanted(Search(asked.text), SystemClock().now(), UTC, _DisplayNumbers(platform.accounts))
    except NotSearchable as error:
        raise InvalidField(repr(asked.text), f"is neither a telephone number nor the id of a call. {error}") from error
    page = platform.call_lists.page(search, limit)
    return {"calls": [_listed(call) for call in page.calls], "cursor": page.after}


@dataclass(frozen=True, slots=True)
class _DisplayNumbers:
    accounts: AccountBook

    def __contains__(self, number: object) -> bool:
        return self.accounts.is_display_number(str(number))


def _limit(asked: argparse.Namespace) -> int:
    if not 1 <= asked.limit <= _MOST:
        asked.refuse(f"--limit must be 1 to {_MOST}")
    return int(asked.limit)


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    limit = _limit(asked)
    number = asked.number or ""
    shown = asked.display_number or ""
    digits = number if number.isdecimal() and len(number) == 4 else ""
    filters = CallsWanted(
        app_keys=_apps(asked, platform),
        number=PhoneNumber.parse(number, field="--number") if number and not digits else None,
        last_digits=digits,
        display_number=PhoneNumber.parse(shown, field="--display-number").e164 if shown else "",
        open_only=asked.open,
        since=_moment(asked.since, "--since"),
        until=_moment(asked.until, "--until"),
        ends=frozenset({EndReason(asked.result)}) if asked.result in set(EndReason) else frozenset(),
        talked=_TALKED.get(asked.result or ""),
    )
    page = platform.call_lists.page(filters, limit, asked.cursor)
    if asked.app and not page.calls and not asked.cursor:
        platform.accounts.app_without_secrets(asked.app)  # calls may outlive their app
    return {"calls": [_listed(call) for call in page.calls], "cursor": page.after}


def _apps(asked: argparse.Namespace, platform: Platform) -> frozenset[str] | None:
    """Raises UnknownSp."""
    if asked.app:
        return frozenset({asked.app})
    if asked.sp:
        platform.accounts.sp(asked.sp)
        return frozenset(app.app_key for app in platform.accounts.listed_apps() if app.sp == asked.sp)
    return None


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidField(option, "must be a time in ISO 8601, such as 2026-11-28T09:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _listed(call: Call) -> Said:
    return {
        "call": call.id,
        "accepted_at": _written(call.accepted_at),
        "sp": call.sp,
        "app_key": call.app,
        "caller": str(call.caller.number),
        "callee": str(call.callee.number),
        "phase": call.phase.name.lower(),
        "ended": None if call.ending is None else call.ending.value,
        "result": short(call),
        "talk_s": round(talk_of(call, SystemClock().now()).total_seconds()),
    }


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    """What another service did not tell is said in `unread`; the rest is shown."""
    shown, host = platform.show_call(_id(asked.call)), platform.host
    history = shown.history
    call = history.call
    unread = {"flow": shown.flow.unread, "recordingFile": shown.recording.unread, "memory": shown.memory.unread}
    recording, memory = shown.recording.value, shown.memory.value
    said = {
        "summary": _summary(call),
        **({"note": note} if (note := _note(call)) else {}),
        "app_key": history.call.app,
        **_with_sip_words(history_of(history, host), call),
        "notifications": deliveries_of(history, host)["notifications"],
        "networkEvents": [_event(event) for event in shown.events],
        "flow": [_step(step) for step in shown.flow.value or ()],
        "recordingFile": None if recording is None else {"key": recording.key, "bytes": recording.size},
        "memory": None if memory is None else memory_shown(memory),
        "unread": {name: why for name, why in unread.items() if why},
    }
    return said if asked.numbers else masked(said, (call.caller.number, call.callee.number))


def _summary(call: Call) -> str:
    said = sentence(call, SystemClock().now())
    return f"Return call to {call.caller.display_number.e164}: {said}" if call.is_return_call else said


def _note(call: Call) -> str:
    """What nobody is told of this call; empty: nothing."""
    missing = {"status": call.notify.status_url, "fee": call.notify.fee_url}
    kinds = {"status": "events", "fee": "the CDR"}
    unset = [kind for kind, url in missing.items() if not url]
    if not unset:
        return ""
    options = " ".join(f"--{kind}-url URL" for kind in unset)
    return (
        f"No URL was set for {' and '.join(kinds[kind] for kind in unset)}, so nobody is notified: "
        f"duologue app set {call.app} {options}"
    )


def _with_sip_words(said: Said, call: Call) -> Said:
    """Each leg that was not answered with its SIP status."""
    for leg in (call.caller, call.callee):
        if str(leg.party) in said and leg.outcome is not None and leg.outcome.sip_status:
            said[str(leg.party)] |= {"sip": sip_words(leg.outcome.sip_status)}
    return said


def _event(event: TracedEvent) -> Said:
    said = {"at": None if event.at is None else _written(event.at), "networkCall": event.network_call, "key": event.key}
    return said | {"facts": [FACT_NAMES[type(fact)] for fact in event.facts]}


def _step(step: FlowStep) -> Said:
    left = None if step.left_at is None else _written(step.left_at)
    return {"state": step.state, "enteredAt": _written(step.entered_at), "leftAt": left, "error": step.error or None}


def _tail(asked: argparse.Namespace, platform: Platform) -> None:
    """Print a line for each change, as JSON with --json, or into a pipe or a file."""
    until = None if asked.seconds is None else SystemClock().now() + timedelta(seconds=asked.seconds)
    if asked.app:
        platform.accounts.app_without_secrets(asked.app)  # of none, nothing would ever be printed
    try:
        for call in _changes(platform, _apps(asked, platform), until):
            said = {"at": _written(SystemClock().now()), **_listed(call)}
            print(json.dumps(said) if asked.json or not sys.stdout.isatty() else _line(said), flush=True)
    except KeyboardInterrupt:
        return


def _changes(platform: Platform, apps: frozenset[str] | None, until: datetime | None) -> Iterator[Call]:
    """Calls that are in another phase than at the look before; at first those that are open."""
    lists, phases, began = platform.call_lists, dict[str, Phase](), SystemClock().now()
    while until is None or SystemClock().now() < until:
        since = max(began, SystemClock().now() - _RECENT)  # some begin and end between two looks
        pages = (CallsWanted(app_keys=apps, open_only=True), CallsWanted(app_keys=apps, since=since))
        calls = {call.id: call for wanted in pages for call in lists.page(wanted, _MOST).calls}
        for call_id, phase in phases.items():
            if phase is not Phase.OVER and call_id not in calls:
                with suppress(UnknownCall, UnreadableCall):  # it was erased, or is damaged
                    calls[call_id] = platform.histories.history(call_id).call
        for call in sorted(calls.values(), key=lambda call: call.accepted_at):
            if phases.get(call.id) != call.phase:
                yield call
        phases = {call.id: call.phase for call in calls.values()}
        platform.sleep(_LOOK_EVERY_S)


def _line(said: Said) -> str:
    ending = " (ending)" if said["phase"] == "ending" else ""
    words = (said["at"], said["call"], said["caller"], said["callee"], f"{said['result']}{ending}")
    return "  ".join(map(str, words)) + (f"  {said['talk_s']} s" if said["talk_s"] else "")


def _stop(asked: argparse.Namespace, platform: Platform) -> Said:
    """A call that cannot be ended does not keep the others from being ended."""
    ended: list[EndedByOperator] = []
    failed: dict[str, UnknownCall | OutsideUnavailable] = {}
    for text in asked.calls:
        try:
            ended.append(platform.end_calls.one(_id(text)))
        except (UnknownCall, OutsideUnavailable) as error:
            failed[text] = error
    if failed and len(asked.calls) == 1:
        raise failed[asked.calls[0]]
    if failed:
        reasons = ("there is none" if isinstance(error, UnknownCall) else str(error) for error in failed.values())
        named = ", ".join(f"{text} ({why})" for text, why in zip(failed, reasons, strict=True))
        raise OutsideUnavailable(f"these calls were not ended, all others were: {named}")
    return {"calls": shown(ended)}


def shown(ended: Iterable[EndedByOperator]) -> list[Said]:
    """`was`: the phase of the call before; `over`: there was nothing to end."""
    return [{"call": each.call_id, "app_key": each.app, "was": each.phase.name.lower()} for each in ended]


def _id(text: str) -> str:
    return text.partition("@")[0]


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

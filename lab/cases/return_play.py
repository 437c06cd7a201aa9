"""Play one return call on a running lab: a callback, what happens to its memory, then somebody dials."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lab.cases.play import (
    AFTERWARDS_S,
    NetworkWatch,
    Pair,
    Played,
    PlayedCall,
    execution_status,
    find_heard,
    left_over,
    play,
    recording_at,
)
from lab.cases.return_calls import ReturnCase
from lab.lab import Lab
from lab.sp.account import change_app
from lab.sp.client import Reply
from lab.sp.receiver import Notification
from lab.sp.service_provider import ServiceProvider
from pstn.feed import NetworkEvent
from pstn.lines.behaviours import Behaviour, answers
from pstn.lines.phone_state import PhoneCall
from pstn.switches import Switches

_TALK_S = 1.0
"""How long a first talk goes on before somebody dials."""
WITHHELD = "anonymous"
"""What the platform calls a caller without a number."""


@dataclass(frozen=True)
class People:
    """The numbers of a callback's two parties, and of a third person."""

    calling: str
    called: str
    third: str

    @classmethod
    def of(cls, pair: Pair) -> "People":
        """`third`: like the called party's number, in another area."""
        return cls(pair.caller, pair.callee, pair.callee.replace("+1202", "+1312", 1))


@dataclass
class PlayedReturn(PlayedCall):
    """One return call as each side saw it. What is None or empty did not happen."""

    case: ReturnCase
    pair: Pair
    """The dialler, and who is to be rung."""
    display: str
    """The display number that is dialled."""
    switches: Switches
    sp: ServiceProvider
    asked_at: datetime
    """When the display number was dialled."""
    transaction: str = ""
    session: str = ""
    callback: Played | None = None
    changed: Reply | None = None
    """The answer to the SP's change of the memory."""
    stopped: Reply | None = None
    caller_calls: list[PhoneCall] = field(default_factory=list)
    """Of the dialler's phone, from the dial on."""
    callee_calls: list[PhoneCall] = field(default_factory=list)
    """Of the phone to be rung, from the dial on; those that it made itself are left out."""
    others: list[PhoneCall] = field(default_factory=list)
    """Of the phone that must stay silent, from the dial on."""
    network_events: list[NetworkEvent] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    recording: bytes | None = None
    looked_up: dict[str, Any] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    twin: "PlayedReturn | None" = None
    """The other party's return call at the same time."""

    @property
    def call_id(self) -> str:
        return self.session.partition("@")[0]

    @property
    def connected(self) -> bool:
        return self.case.connected

    @property
    def shown_caller(self) -> str:
        """The dialler, as the SP is told."""
        return self.pair.caller if self.case.caller_id is None else WITHHELD

    @property
    def steps(self) -> list[str]:
        alone = ("callin", "disconnect", "fee")
        legs = {self.pair.callee: " B"}
        return [
            each.kind + ("" if each.kind in alone else legs.get(each.called or "", " ?")) for each in self.notifications
        ]


def play_return(
    lab: Lab,
    watch: NetworkWatch,
    sp: ServiceProvider,
    case: ReturnCase,
    people: People,
    *,
    tell: Callable[[str], None] = lambda text: None,
) -> PlayedReturn:
    """Play the case to its end. Its app's notifications go to the SP's receiver, also where no request names a URL.

    `tell` is called with what somebody does, just before it is done.

    What does not happen in time is missing from the result.
    """
    sp.client.set_notification_urls(sp.receiver.status_url, sp.receiver.fee_url)
    if case.callback is None:
        _forget(sp, people.called)  # an earlier case of the same people may have left a memory
    with ThreadPoolExecutor(1, "callback") as pool, ExitStack() as restoring:
        callback = _callback(lab, watch, sp, case, people, pool)
        changed = _change(lab, sp, case, people, callback, tell, restoring)
        back = Pair(people.called, people.third if case.rung == "third person" else people.calling)
        silent = people.calling if case.rung == "third person" else people.third
        if case.both:
            _behave(lab, {people.calling: answers(0.5, talks=1.0), people.called: answers()})
            _collect(lab, watch, _dial(lab, sp, replace(case, both=False), back), silent, tell)
        if not case.during_talk:
            _behave(lab, {back.caller: case.dialler, back.callee: case.target})
        played = _dial(lab, sp, case, back)
        if case.both:
            played.twin = _dial(lab, sp, case, Pair(back.callee, back.caller))
            _collect(lab, watch, played.twin, silent, tell)
        _collect(lab, watch, played, silent, tell)
        played.callback, played.changed = callback.result() if callback else None, changed
    return played


def _callback(
    lab: Lab, watch: NetworkWatch, sp: ServiceProvider, case: ReturnCase, people: People, pool: ThreadPoolExecutor
) -> "Future[Played] | None":
    """The callback that is remembered: it is over, or both parties talk."""
    if case.callback is None:
        return None
    since = len(sp.receiver.notifications)
    playing = pool.submit(play, lab, watch, sp, case.callback, Pair(people.calling, people.called))

    def talks() -> bool:
        told = sp.receiver.notifications[since:]
        return any(each.kind == "answer" and each.called == people.called for each in told)

    if case.during_talk:
        sp.receiver.wait_until(talks, case.seconds)
        time.sleep(_TALK_S)
    else:
        playing.result()
    return playing


def _behave(lab: Lab, behaviours: Mapping[str, Behaviour]) -> None:
    for number, behaviour in behaviours.items():
        lab.pstn.exchange.phones[number].behaviour = behaviour


def _change(
    lab: Lab,
    sp: ServiceProvider,
    case: ReturnCase,
    people: People,
    callback: "Future[Played] | None",
    tell: Callable[[str], None],
    restoring: ExitStack,
) -> Reply | None:
    """What happens to the memory. The app's settings are restored at the end."""
    display, client = sp.numbers[1], sp.client
    match case.change:
        case "repointed":
            tell("→ changes who is rung")
            version = client.memory(display, people.called).body.get("callMemory", {}).get("version", 0)
            return client.repoint(display, people.called, people.third, version)
        case "forgotten":
            tell("→ deletes the memory")
            return _forget(sp, people.called)
        case "default number":
            key = sp.account.app_key
            change_app(lab.environment, key, "--unknown-callers", "number", "--callback-number", people.third)
            restoring.callback(change_app, lab.environment, key, "--unknown-callers", "refuse", "--callback-number", "")
        case "expired" if callback:
            _expire(lab, callback.result().call_id)
    return None


def _forget(sp: ServiceProvider, dialler: str) -> Reply:
    """Delete what the SP's second display number remembers for a dialler. There may be nothing."""
    display = sp.numbers[1]
    version = sp.client.memory(display, dialler).body.get("callMemory", {}).get("version", 0)
    return sp.client.forget(display, dialler, version)


def _expire(lab: Lab, call_id: str) -> None:
    """Set the expiry of the memory that this call made a second back."""
    table, name = lab.client("dynamodb"), lab.outputs["AccountsTable"]
    rows = table.scan(TableName=name, ConsistentRead=True)["Items"]
    (row,) = (
        row for row in rows if row["pk"]["S"].startswith("MEMORY#") and row.get("session", {}).get("S") == call_id
    )
    table.update_item(
        TableName=name,
        Key={key: row[key] for key in ("pk", "sk")},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )


def _dial(lab: Lab, sp: ServiceProvider, case: ReturnCase, pair: Pair) -> PlayedReturn:
    """Dial the display number by hand."""
    display = sp.numbers[1]
    played = PlayedReturn(case, pair, display, lab.pstn.exchange.switches, sp, datetime.now(UTC))
    played.transaction = lab.call_in(pair.caller, display, case.caller_id) or ""
    return played


def _collect(lab: Lab, watch: NetworkWatch, played: PlayedReturn, silent: str, tell: Callable[[str], None]) -> None:
    sp, case = played.sp, played.case

    def session() -> str:
        wanted = ("callin", played.shown_caller, played.display)
        told = (each for each in list(sp.receiver.notifications) if each.at >= played.asked_at)
        return next((each.session_ids[0] for each in told if (each.kind, each.caller, each.called) == wanted), "")

    sp.receiver.wait_until(lambda: bool(session()), case.seconds)
    played.session = session()
    if case.stop and sp.receiver.wait_for(played.session, "callout", case.seconds, played.pair.callee):
        tell("→ requests the end")
        played.stopped = sp.client.stop(played.session)
    if played.session:
        sp.receiver.wait_for_fee(played.session, case.seconds)
    shown = played.pair.caller if case.caller_id is None else case.caller_id
    played.transaction = played.transaction or watch.call_from(shown, played.display, played.asked_at) or ""
    if played.transaction:
        watch.wait_until_over(played.transaction, AFTERWARDS_S)
    flow = execution_status(lab, played.call_id) if played.session and case.rung else "SUCCEEDED"
    phones, since = lab.pstn.exchange.phones, played.asked_at
    calls = {
        number: [call for call in phones[number].calls if call.called_at >= since]
        for number in (played.pair.caller, played.pair.callee, silent)
    }
    played.caller_calls = [call for call in calls[played.pair.caller] if not call.incoming]
    played.callee_calls = [call for call in calls[played.pair.callee] if call.incoming]
    played.others = [call for call in calls[silent] if call.incoming]
    find_heard(lab, [*played.caller_calls, *played.callee_calls])
    played.network_events = watch.events(played.transaction)
    played.left_over = left_over(lab, played.call_id, played.network_events, flow)
    played.notifications = sp.receiver.about(played.session)
    played.looked_up = sp.client.look_up(played.session).body
    if link := played.cdr.get("recordFileDownloadUrl"):
        played.recording = recording_at(str(link))

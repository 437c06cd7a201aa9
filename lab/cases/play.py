"""Play one case on a running lab, over HTTP as an SP, and collect the results.

    watch = NetworkWatch(lab.pstn)
    played = play(lab, watch, sp, case, pair)
    failures = check(played)                    (see lab.cases.checks)

Calls on different pairs of numbers may be played at the same time, from threads.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.cases.catalogue import Case
from lab.cases.heard_prompts import prompts_in
from lab.lab import Lab
from lab.nodes.company import CompanyLine
from lab.sp.client import Reply
from lab.sp.receiver import Notification
from lab.sp.recordings import open_recording
from lab.sp.service_provider import ServiceProvider
from pstn.feed import NetworkEvent
from pstn.lines.phone_state import Phone, PhoneCall
from pstn.service import PstnService
from pstn.switches import Switches

AFTERWARDS_S = 20.0
"""How long the flow may take to end after the CDR was sent. R2: it is resumed at once, else from the stream."""
_PUBLISHED_S = 90.0
"""How long a recording may take to arrive after its CDR: it waits for its turn (`PublishConcurrency`)."""
_POLL_S = 0.1


@dataclass(frozen=True)
class Pair:
    """The two numbers of one call."""

    caller: str
    callee: str


class PlayedCall:
    """What can be told of any played call."""

    notifications: list[Notification]
    caller_calls: list[PhoneCall]
    callee_calls: list[PhoneCall]

    @property
    def caller(self) -> PhoneCall | None:
        return self.caller_calls[0] if self.caller_calls else None

    @property
    def callee(self) -> PhoneCall | None:
        return self.callee_calls[0] if self.callee_calls else None

    @property
    def disconnect(self) -> dict[str, Any]:
        return next(
            (
                dict(notification.body["statusInfo"])
                for notification in self.notifications
                if notification.kind == "disconnect"
            ),
            {},
        )

    @property
    def cdr(self) -> dict[str, Any]:
        return next(
            (dict(notification.body["feeLst"][0]) for notification in self.notifications if notification.kind == "fee"),
            {},
        )


@dataclass
class Played(PlayedCall):
    """One callback as each side saw it. What is None or empty did not happen."""

    case: Case
    pair: Pair
    switches: Switches
    sp: ServiceProvider
    asked_at: datetime
    reply: Reply
    stopped: Reply | None = None
    caller_calls: list[PhoneCall] = field(default_factory=list)
    callee_calls: list[PhoneCall] = field(default_factory=list)
    network_events: list[NetworkEvent] = field(default_factory=list)
    """In order: SMA events, the platform's answers, the phones."""
    notifications: list[Notification] = field(default_factory=list)
    recording: bytes | None = None
    """What the CDR's link to the recording returned."""
    looked_up: dict[str, Any] = field(default_factory=dict)
    """The platform's record of the call when it was over."""
    left_over: list[str] = field(default_factory=list)
    """Resources that the call still occupies, in words."""

    @property
    def session(self) -> str:
        return str(self.reply.body.get("sessionId", ""))

    @property
    def call_id(self) -> str:
        """The part of the session id by which the platform identifies the call internally."""
        return self.session.partition("@")[0]

    @property
    def connected(self) -> bool:
        return self.case.connected

    @property
    def steps(self) -> list[str]:
        """The notifications in order, written as in `catalogue`."""
        legs = {self.pair.caller: " A", self.pair.callee: " B"}
        ends = ("disconnect", "fee")
        return [
            notification.kind + ("" if notification.kind in ends else legs.get(str(notification.called), " ?"))
            for notification in self.notifications
        ]


class NetworkWatch:
    """Collects network events by call. Several threads may wait for events."""

    def __init__(self, pstn: PstnService) -> None:
        self._changed = threading.Condition()
        self._by_call: dict[str, list[NetworkEvent]] = {}
        self._to: dict[str, list[NetworkEvent]] = {}
        self._refused: dict[str, list[NetworkEvent]] = {}
        pstn.subscribe(self._take)

    def call_to(self, number: str, since: datetime) -> str | None:
        """The network call whose leg A goes to this number."""
        with self._changed:
            placed = [event for event in self._to.get(number, []) if event.at >= since]
        return placed[0].transaction if placed else None

    def call_from(self, shown: str, number: str, since: datetime) -> str | None:
        """The network call of a phone that dialled this number. `shown`: what it carries as From."""
        with self._changed:
            came = [event for event in self._to.get(number, []) if event.at >= since]
        return next((event.transaction for event in came if event.detail.get("shown") == shown), None)

    def events(self, call: str | None) -> list[NetworkEvent]:
        with self._changed:
            return list(self._by_call.get(call or "", []))

    def wait_for_dial(self, number: str, since: datetime, seconds: float) -> bool:
        """Whether a call to this number is placed or refused in time."""

        def tried() -> bool:
            known = self._to.get(number, []) + self._refused.get(number, [])
            return any(event.at >= since for event in known)

        with self._changed:
            return self._changed.wait_for(tried, seconds)

    def wait_until_over(self, call: str, seconds: float) -> bool:
        with self._changed:
            ended = self._changed.wait_for(lambda: any(m.kind == "over" for m in self._by_call[call]), seconds)
            return ended and self._changed.wait_for(lambda: _answered(self._by_call[call]), seconds)

    def _take(self, event: NetworkEvent) -> None:
        with self._changed:
            if event.transaction:
                self._by_call.setdefault(event.transaction, []).append(event)
            if event.kind in ("placed", "called_in"):
                self._to.setdefault(str(event.detail["to"]), []).append(event)
            if event.kind == "refused" and "to" in event.detail:
                self._refused.setdefault(str(event.detail["to"]), []).append(event)
            self._changed.notify_all()


def _answered(network_events: list[NetworkEvent]) -> bool:
    """Whether every invocation was answered."""
    asked = sum(event.kind in ("event", "repeat") for event in network_events)
    return asked == sum(event.kind in ("answer", "failure") for event in network_events)


def play(
    lab: Lab,
    watch: NetworkWatch,
    sp: ServiceProvider,
    case: Case,
    pair: Pair,
    *,
    on_dialled: Callable[[], None] = lambda: None,
    on_stop: Callable[[], None] = lambda: None,
) -> Played:
    """Play the case to its end, with the network's switches at the time of the dial.

    `on_dialled` is called once that time has passed; `on_stop` just before the SP stops the call.

    What does not happen in time is missing from the result.
    """
    phones = lab.pstn.exchange.phones
    switches = lab.pstn.exchange.switches
    caller, callee = Phone(case.caller), Phone(case.callee)
    phones[pair.caller], phones[pair.callee] = caller, callee
    asked_at = datetime.now(UTC)
    wanted = {"userData": case.name, "partyTypeRequiredInDisconnect": "true"}
    if case.record:
        wanted["recordFlag"] = "true"
    reply = sp.place(pair.caller, pair.callee, maxDuration=case.minutes, **wanted)
    played = Played(case, pair, switches, sp, asked_at, reply)
    try:
        if reply.status != 200:
            return played
        watch.wait_for_dial(pair.caller, asked_at, case.seconds)
    finally:
        on_dialled()
    _stop_in_time(played, on_stop)
    sp.receiver.wait_for_fee(played.session, case.seconds)
    call = watch.call_to(pair.caller, asked_at)
    if call is not None:
        watch.wait_until_over(call, AFTERWARDS_S)
    execution = execution_status(lab, played.call_id)
    played.caller_calls, played.callee_calls = list(caller.calls), list(callee.calls)
    find_heard(lab, [*played.caller_calls, *played.callee_calls])
    played.network_events = watch.events(call)
    played.left_over = left_over(lab, played.call_id, played.network_events, execution)
    played.notifications = sp.receiver.about(played.session)
    played.looked_up = sp.client.look_up(played.session).body
    if link := played.cdr.get("recordFileDownloadUrl"):
        played.recording = recording_at(str(link))
    return played


def find_heard(lab: Lab, calls: Iterable[PhoneCall]) -> None:
    """Behind a trunk, a phone knows which prompts it heard by their sound only."""
    line = lab.pstn.exchange.line
    if isinstance(line, CompanyLine):
        for call in calls:
            call.heard[:] = prompts_in(line.heard_by(call), call.called_at)


def _stop_in_time(played: Played, on_stop: Callable[[], None]) -> None:
    """Stop the call as an SP would, after a notification."""
    when = {"caller rings": ("callout", True), "callee rings": ("callout", False), "in talk": ("answer", False)}
    if played.case.stop is None:
        return
    kind, to_caller = when[played.case.stop]
    called = played.pair.caller if to_caller else played.pair.callee
    if played.sp.receiver.wait_for(played.session, kind, played.case.seconds, called):
        on_stop()
        played.stopped = played.sp.client.stop(played.session)


def recording_at(link: str) -> bytes | None:
    """Poll the link: the CDR does not wait for the recording, so it may arrive before it."""
    give_up = time.monotonic() + _PUBLISHED_S
    while True:
        opened = open_recording(link)
        try:
            if opened.status == 200:
                return b"".join(opened.chunks())
        finally:
            opened.close()
        if time.monotonic() > give_up:
            return None
        time.sleep(_POLL_S)


def execution_status(lab: Lab, call_id: str) -> str:
    """How the call's execution ended; "RUNNING" or "MISSING" some time after the CDR.

    That of a return call is started beside it, so it may begin after the end.
    """
    flows = lab.client("stepfunctions")
    arn = f"{lab.outputs['CallbackFlow'].replace(':stateMachine:', ':execution:')}:{call_id}"
    give_up = time.monotonic() + AFTERWARDS_S
    while True:
        try:
            status = str(flows.describe_execution(executionArn=arn)["status"])
        except flows.exceptions.ExecutionDoesNotExist:
            status = "MISSING"
        if status not in ("RUNNING", "MISSING") or time.monotonic() > give_up:
            return status
        time.sleep(_POLL_S)  # Step Functions can only be polled for the end of an execution


def left_over(lab: Lab, call_id: str, network_events: list[NetworkEvent], execution: str) -> list[str]:
    """Resources of a call that should have been released at its end. `execution`: its status."""
    found = [] if execution == "SUCCEEDED" else [f"its execution is {execution}"]
    exchange, network_calls = lab.pstn.exchange, {event.transaction for event in network_events}
    with exchange.lock:
        legs = exchange.legs_up() + exchange.legs_ringing()
    found += [f"{tag} is up or rings" for call, tag in legs if call in network_calls]
    table = lab.client("dynamodb")
    rows = table.scan(TableName=lab.outputs["AccountsTable"], ConsistentRead=True)["Items"]
    if any(row.get("call", {}).get("S") == call_id for row in rows if row["pk"]["S"].startswith(("SLOTS#", "PAIR#"))):
        found.append("its slot is held")
    listed = table.scan(TableName=lab.outputs["CallsTable"], IndexName="open-calls")["Items"]
    if any(item["call"]["S"] == call_id and item["open"]["S"].startswith("open#") for item in listed):
        found.append("it is still in the index of open calls")
    return found

"""Place a callback: record it with its slot, then start its flow. Nothing is dialled here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from duologue.call_control.facts import CallAccepted
from duologue.call_control.machine import close
from duologue.domain.accounts import App
from duologue.domain.call import Call
from duologue.domain.callback_request import LONGEST_TALK, CallbackRequest
from duologue.domain.errors import AlreadyDone, CallAlreadyAccepted, OutsideUnavailable, RaceLost
from duologue.domain.leg import Leg
from duologue.domain.outcome import EndReason, Party
from duologue.usecases.ports import Calls, Change, Clock, Flows, SavedCall

_log = logging.getLogger(__name__)
_TRIES = 8
_LAST_MINUTE = timedelta(minutes=1)
_A_MOMENT = timedelta(seconds=1)
"""A wait of nothing is no wait: a call of one minute hears that its last minute begins a second after the answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the platform waits. Every wait is longer than the work beneath it (R3)."""

    callee_ring: timedelta = timedelta(seconds=30)
    """How long the callee may ring; the network takes 1 to 120 s."""
    caller_ring: timedelta = timedelta(seconds=120)
    """How long the network may let the caller ring: it has no parameter for it (R7)."""
    prompts: timedelta = timedelta(seconds=15)
    """The longest prompts that stand before or after a ring."""
    margin: timedelta = timedelta(seconds=20)
    dial_retries: timedelta = timedelta(seconds=30)
    """How long a dial that the network has no room for is tried again (R5)."""
    take_up: timedelta = timedelta(minutes=2)
    """How long an accepted call may wait for its flow to start before the sweeper closes it (R13)."""

    @property
    def caller_wait(self) -> timedelta:
        return self.caller_ring + self.margin

    @property
    def callee_wait(self) -> timedelta:
        return self.prompts + self.callee_ring + self.prompts + self.margin

    def whole(self, longest_talk: timedelta) -> timedelta:
        """The longest that a call can take from its acceptance; the sweeper looks at what is older."""
        dials = self.dial_retries * 2
        return self.take_up + dials + self.caller_wait + self.callee_wait + longest_talk + timedelta(minutes=5)


def place_callback(
    request: CallbackRequest,
    app: App,
    *,
    calls: Calls,
    flows: Flows,
    clock: Clock,
    new_call_id: Callable[[datetime], str],
    patience: Patience,
) -> Call:
    """Accept one callback.

    Raises:
        LimitReached: all concurrent calls of the app are in use; nothing was recorded.
        OutsideUnavailable: it could not be recorded or started; nothing was or will be dialled.
    """
    call = _record(request, app, calls, clock, new_call_id, patience)
    try:
        _start(flows, call, flow_input(call, patience, _prelude(request, app)))
    except OutsideUnavailable:
        _withdraw(call, calls, clock)
        raise
    return call


def flow_input(call: Call, patience: Patience, prelude: timedelta = timedelta(0)) -> dict[str, Any]:
    """What the state machine knows of a call: whom to ring showing what, and how long each wait may take (R3).

    `prelude`: how long the app's own prompt before the callee's dial lasts; the platform's are in `patience`.
    """
    whole = patience.whole(call.longest_talk) + prelude
    given: dict[str, Any] = {
        "callId": call.id,
        "caller": {"number": call.caller.number.e164, "shows": call.caller.shows.e164},
        "callerWaitSeconds": _seconds(patience.caller_wait),
        "calleeWaitSeconds": _seconds(patience.callee_wait + prelude),
        "talkSeconds": _seconds(call.longest_talk),
        "closeBy": (call.accepted_at + whole).isoformat(),
    }
    if call.longest_talk < LONGEST_TALK:
        unannounced = max(call.longest_talk - _LAST_MINUTE, _A_MOMENT)
        given["talkSeconds"] = _seconds(unannounced)
        given["lastMinuteSeconds"] = _seconds(call.longest_talk - unannounced)
    return given


def _record(
    request: CallbackRequest,
    app: App,
    calls: Calls,
    clock: Clock,
    new_call_id: Callable[[datetime], str],
    patience: Patience,
) -> Call:
    for _ in range(_TRIES):
        now = clock.now()
        call = _call(request, app, new_call_id(now), now, patience)
        try:
            close_by = now + patience.take_up
            calls.accept(call, CallAccepted(now), slots=app.concurrent_calls, close_by=close_by)
        except (RaceLost, CallAlreadyAccepted):  # another call took the last look at the slots, or drew the same id
            continue
        return call
    raise OutsideUnavailable(f"app {app.key}: {_TRIES} races for a slot lost in a row")


def _call(request: CallbackRequest, app: App, call_id: str, now: datetime, patience: Patience) -> Call:
    return Call(
        id=call_id,
        sp=app.sp,
        app=app.key,
        caller=Leg(Party.CALLER, request.caller, request.caller_sees),
        callee=Leg(Party.CALLEE, request.callee, request.callee_sees),
        accepted_at=now,
        ring_limit=patience.callee_ring,
        longest_talk=request.longest_talk,
        bind_number=request.bind_number.e164,
        notify=request.notify,
        audio=request.audio,
        plays_before_callee=request.wants_prompt_before_callee,
        user_data=request.user_data,
        wants_party_type=request.wants_party_type,
        facts=1,
    )


def _prelude(request: CallbackRequest, app: App) -> timedelta:
    name = request.audio.before_callee if request.wants_prompt_before_callee else None
    return timedelta(seconds=app.prompts[name] if name in app.prompts else 0)


def _start(flows: Flows, call: Call, given: dict[str, Any]) -> None:
    """Start the flow; once more if that is not known to have worked: the name makes a repeat harmless (R13)."""
    try:
        flows.start(call.id, given)
    except OutsideUnavailable:
        flows.start(call.id, given)


def _withdraw(call: Call, calls: Calls, clock: Clock) -> None:
    """The SP is about to be told no. Close the call untold, so that a flow which did start may not dial.

    If that fails too the sweeper closes it, and the SP is told of a call that it thinks refused: never the reverse.
    """
    decision = close(call, clock.now(), EndReason.NEVER_STARTED)
    try:
        calls.save(Change(before=SavedCall(call, version=1), after=decision.call, closes=True))
    except (OutsideUnavailable, RaceLost, AlreadyDone):
        _log.exception("a call that did not start is left to the sweeper", extra={"call_id": call.id})


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())

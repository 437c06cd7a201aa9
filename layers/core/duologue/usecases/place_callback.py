"""Place a callback: record it with its slot, then start its flow. Nothing is dialled here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.domain.acceptance_limits import AcceptanceLimits, limits_for
from duologue.domain.accounts import App
from duologue.domain.call import Call, Phase
from duologue.domain.callback_request import LONGEST_TALK, CallbackRequest
from duologue.domain.due import SWEEP_MARGIN, TAKE_UP, due_by
from duologue.domain.errors import AlreadyDone, CallAlreadyAccepted, OutsideUnavailable, RaceLost
from duologue.domain.idempotency import IdempotencyKey
from duologue.domain.leg import Leg
from duologue.domain.outcome import Party
from duologue.usecases.ports.calls import Acceptance, Calls, Change, SavedCall
from duologue.usecases.ports.flows import FlowOrder, Flows
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_TRIES = 12
_FIRST_IS_OVER = timedelta(seconds=15)
"""A request that has not started its flow by then was cut off: the function that serves it has 10 s."""
_LAST_MINUTE = timedelta(minutes=1)
_A_MOMENT = timedelta(seconds=1)
"""A wait of nothing is no wait: a call of one minute hears that its last minute begins a second after the answer."""


@dataclass(frozen=True, slots=True)
class RingTimeouts:
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

    @property
    def caller_wait(self) -> timedelta:
        return self.caller_ring + self.margin

    @property
    def callee_wait(self) -> timedelta:
        return self.prompts + self.callee_ring + self.prompts + self.margin

    def before_talk(self, prelude: timedelta) -> timedelta:
        """The longest that a call can take from its acceptance to its talk, if everything is late."""
        return TAKE_UP + self.dial_retries * 2 + self.caller_wait + prelude + self.callee_wait + SWEEP_MARGIN


def place_callback(
    request: CallbackRequest,
    app: App,
    *,
    calls: Acceptance,
    flows: Flows,
    clock: Clock,
    new_call_id: Callable[[datetime], str],
    timeouts: RingTimeouts,
    pause: Callable[[int], None],
    key: IdempotencyKey | None = None,
    is_test: bool = False,
) -> Call:
    """Accept one callback, within the limits of its app (domain/acceptance_limits.py has their order).

    `pause` waits a little before a write that lost a race is tried again; it is told how often that happened.
    `key`: the SP's mark of this request. `is_test`: it comes through the sandbox.

    Raises:
        RequestRepeated, KeyReused: the key was used before.
        TooManyCalls, LimitReached, CalleeLimitReached: a limit is reached; nothing was recorded, nothing counted.
        OutsideUnavailable: it could not be recorded or started; nothing was or will be dialled.
    """
    for lost in range(_TRIES):
        now = clock.now()
        call = _call(request, app, new_call_id(now), now, timeouts)
        limits = limits_for(app, request.callee, now, key, is_test=is_test)
        try:
            calls.accept(call, slots=app.concurrent_calls, close_by=due_by(call), limits=limits)
        except (RaceLost, CallAlreadyAccepted):  # a call at the same time counts on the same, or drew the same id
            if key is not None:
                calls.check_repeat(app.key, key, now)
            pause(lost)
            continue
        _start_or_withdraw(call, limits, app, calls, flows, clock, timeouts)
        return call
    raise OutsideUnavailable(f"app {app.key}: {_TRIES} races for a slot lost in a row")


def resume_callback(
    call_id: str, app: App, *, calls: Calls, flows: Flows, clock: Clock, timeouts: RingTimeouts
) -> None:
    """Finish what the first of several repeated requests began: start the call's flow, if that may not have happened.

    Raises:
        OutsideUnavailable: it could not be started; the next repeat tries again.
    """
    call = calls.load(call_id).call
    if call.phase is Phase.ACCEPTED and clock.now() - call.accepted_at > _FIRST_IS_OVER:
        flows.start(flow_order(call, timeouts, _prelude(call, app)))


def flow_order(call: Call, timeouts: RingTimeouts, prelude: timedelta = timedelta(0)) -> FlowOrder:
    """How long each wait of a call's flow may take (R3).

    `prelude`: how long the app's own prompt before the callee's dial lasts; the platform's are in `timeouts`.
    """
    unannounced = max(call.longest_talk - _LAST_MINUTE, _A_MOMENT) if call.announces_end else call.longest_talk
    return FlowOrder(
        call_id=call.id,
        caller_wait=timeouts.caller_wait,
        callee_wait=timeouts.callee_wait + prelude,
        talk=unannounced,
        last_minute=max(call.longest_talk - unannounced, _A_MOMENT),
    )


def _call(request: CallbackRequest, app: App, call_id: str, now: datetime, timeouts: RingTimeouts) -> Call:
    call = Call(
        id=call_id,
        sp=app.sp,
        app=app.key,
        caller=Leg(Party.CALLER, request.caller, request.caller_sees),
        callee=Leg(Party.CALLEE, request.callee, request.callee_sees),
        accepted_at=now,
        ring_limit=timeouts.callee_ring,
        longest_talk=request.longest_talk or LONGEST_TALK,
        announces_end=request.longest_talk is not None,
        bind_number=request.bind_number.e164,
        notify=request.notify,
        audio=request.audio,
        plays_before_callee=request.wants_prompt_before_callee,
        wants_recording=request.wants_record,
        keep_recording_days=app.keep_recordings_days,
        user_data=request.user_data,
        wants_party_type=request.wants_party_type,
        facts=1,
    )
    return replace(call, before_talk=timeouts.before_talk(_prelude(call, app)))


def _prelude(call: Call, app: App) -> timedelta:
    name = call.audio.before_callee if call.plays_before_callee else None
    return timedelta(seconds=app.prompts.get(name or "", 0))


def _start_or_withdraw(
    call: Call,
    limits: AcceptanceLimits,
    app: App,
    calls: Acceptance,
    flows: Flows,
    clock: Clock,
    timeouts: RingTimeouts,
) -> None:
    """Start the flow; once more if that is not known to have worked: the name makes a repeat harmless (R13)."""
    order = flow_order(call, timeouts, _prelude(call, app))
    try:
        _start(flows, order)
    except OutsideUnavailable:
        _withdraw(call, limits, calls, clock)
        raise


def _start(flows: Flows, order: FlowOrder) -> None:
    try:
        flows.start(order)
    except OutsideUnavailable:
        flows.start(order)


def _withdraw(call: Call, limits: AcceptanceLimits, calls: Acceptance, clock: Clock) -> None:
    """The SP is about to be told no. Close the call untold, so that a flow which did start may not dial.

    With an idempotency key it is told all the same: a repeat may have been answered with this call meanwhile. If the
    closing fails the sweeper does it, and the SP is told of a call that it thinks refused: never the reverse.
    """
    from duologue.call_control.events import NeverTakenUp  # they take time to load, and almost no request needs them
    from duologue.call_control.machine import decide

    decision = decide(call, NeverTakenUp(clock.now()))
    facts, after = (decision.facts, decision.call) if limits.key else ((), replace(decision.call, facts=call.facts))
    try:
        calls.withdraw(Change(SavedCall(call, version=1), after, facts, finalizes=True), limits)
    except (OutsideUnavailable, RaceLost, AlreadyDone):
        _log.exception("a call that did not start is left to the sweeper", extra={"call_id": call.id})

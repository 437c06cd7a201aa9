"""Place a callback: record it with its slot, then start its flow. Nothing is dialled here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from duologue.domain.access.accounts import App
from duologue.domain.accounting.acceptance_limits import AcceptanceLimits, dialled_days, limits_for
from duologue.domain.accounting.day_budget import budget_for
from duologue.domain.calls.call import LAST_MINUTE, Call, NotifyTo, Phase
from duologue.domain.calls.callback_request import LONGEST_TALK, CallbackRequest
from duologue.domain.calls.due import SWEEP_MARGIN, TAKE_UP, due_by
from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.memory_draft import MemoryDraft
from duologue.domain.calls.outcome import Party
from duologue.domain.errors import (
    AlreadyDone,
    CallAlreadyAccepted,
    LimitReached,
    NumberRateReached,
    OutsideUnavailable,
    RaceLost,
    RequestRepeated,
    SpRateReached,
    TooManyCalls,
)
from duologue.domain.media.audio import Audio
from duologue.domain.memory.call_memory import MemoryTerms, RememberedParty
from duologue.usecases.numbers.check_numbers import DiallingRules, check_numbers
from duologue.usecases.numbers.estimate_spend import rates_for
from duologue.usecases.ports.call_changes import Change, SavedCall
from duologue.usecases.ports.calls import Acceptance, Calls
from duologue.usecases.ports.flows import FlowOrder, Flows
from duologue.usecases.ports.memories import MemorySeal
from duologue.usecases.ports.notifying import SpUrls
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import Pause

_log = logging.getLogger(__name__)
_TRIES = 12
"""Of 500 requests of one app at once none needs more than 7 (bench/growth.md)."""
FIRST_IS_OVER = timedelta(seconds=15)
"""A request that has not started its flow by then was aborted: the function has 14 s."""
_FULL = (LimitReached, TooManyCalls, SpRateReached, NumberRateReached)
_A_MOMENT = timedelta(seconds=1)
"""The shortest wait: in a call of one minute the last-minute prompt comes a second after the answer."""


@dataclass(frozen=True, slots=True)
class RingTimeouts:
    """How long the platform waits. Every wait is longer than the work it covers (R3)."""

    callee_ring: timedelta = timedelta(seconds=30)
    """Ring limit for the callee; the network accepts 1 to 120 s."""
    caller_ring: timedelta = timedelta(seconds=120)
    """The network's ring limit for the caller, for which it has no parameter (R7)."""
    prompts: timedelta = timedelta(seconds=15)
    """The maximum length of prompts before or after ringing."""
    margin: timedelta = timedelta(seconds=20)
    dial_retries: timedelta = timedelta(seconds=30)
    """How long a dial is retried while the network has no capacity (R5)."""

    @property
    def caller_wait(self) -> timedelta:
        return self.caller_ring + self.margin

    @property
    def callee_wait(self) -> timedelta:
        return self.prompts + self.callee_ring + self.prompts + self.margin

    def before_talk(self, prelude: timedelta) -> timedelta:
        """The maximum time from acceptance to the talk."""
        return TAKE_UP + self.dial_retries * 2 + self.caller_wait + prelude + self.callee_wait + SWEEP_MARGIN


@dataclass(frozen=True, slots=True)
class Placed:
    """The callback of a request. `repeated`: an earlier request with the same key placed it.

    `memory_failed`: its callee cannot return the call as was wanted, since the key service did not respond.
    """

    id: str
    repeated: bool = False
    memory_failed: bool = False


@dataclass(frozen=True, slots=True)
class PlaceCallback:
    """`pause`: waits before a lost race is retried; its argument counts the races lost."""

    calls: Calls
    acceptance: Acceptance
    flows: Flows
    endpoints: SpUrls
    seal: MemorySeal
    rules: DiallingRules
    clock: Clock
    new_call_id: Callable[[datetime], str]
    timeouts: RingTimeouts
    pause: Pause

    def __call__(
        self, request: Callable[[], CallbackRequest], app: App, key: IdempotencyKey | None = None, *, is_test: bool
    ) -> Placed:
        """Accept one callback, within the limits of its app (domain/accounting/acceptance_limits.py has their order).

        `request`: parsed only if the key is new, so a repeat is not judged by the app's current settings.
        `key`: the request's idempotency key. `is_test`: placed in the sandbox.

        Raises:
            InvalidField, CallerRefused, NumberRefused, ForbiddenAddress: the request breaks a rule.
            KeyReused: the key was used before, for another request.
            TooManyCalls, SpRateReached, NumberRateReached, LimitReached, CalleeLimitReached: a limit is reached;
                nothing was recorded, nothing counted.
            OutsideUnavailable: it could not be recorded or started; nothing was or will be dialled.
        """
        try:
            if key is not None:
                self.acceptance.check_repeat(app.key, key, self.clock.now())
            wanted = request()
            memory = self._memory(wanted, *self._checked(wanted, app, is_test=is_test))
            call = self._accept(wanted, memory, app, key, is_test=is_test)
            return Placed(call.id, memory_failed=wanted.wants_memory and memory is None)
        except RequestRepeated as repeat:
            self._resume(repeat.call_id, app)
            return Placed(repeat.call_id, repeated=True)

    def _accept(
        self,
        request: CallbackRequest,
        memory: MemoryDraft | None,
        app: App,
        key: IdempotencyKey | None,
        *,
        is_test: bool,
    ) -> Call:
        rates = rates_for(request.caller, request.callee, self.rules.rates)
        for lost in range(_TRIES):
            now = self.clock.now()
            call = replace(_call(request, memory, app, self.new_call_id(now), now, self.timeouts), rates=rates)
            limits = self._limits(app, request, call, key, is_test=is_test)
            try:
                saved = self.acceptance.accept(call, slots=app.concurrent_calls, close_by=due_by(call), limits=limits)
            except (RaceLost, CallAlreadyAccepted):  # the key is in use, the store is busy, or the id is another call's
                if key is not None:
                    self.acceptance.check_repeat(app.key, key, now)
                self.pause(lost)
                continue
            except _FULL:  # perhaps since a request with the same key took the last place
                if key is not None:
                    self.acceptance.check_repeat(app.key, key, now)
                raise
            self._start_or_withdraw(saved, limits, app)
            return call
        raise OutsideUnavailable(f"app {app.key}: not accepted in {_TRIES} attempts")

    def _limits(
        self, app: App, request: CallbackRequest, call: Call, key: IdempotencyKey | None, *, is_test: bool
    ) -> AcceptanceLimits:
        limits, ceilings = limits_for(app, request, call.accepted_at, key, is_test=is_test), app.ceilings
        most = 0 if is_test else ceilings.calls_per_dialled_number
        fields = self.rules.fields
        numbers = {fields.caller: request.caller, fields.callee: request.callee}
        dialled = dialled_days(app.key, most, numbers, call.accepted_at, self.seal.proof)
        return replace(limits, dialled=dialled, budget=budget_for(ceilings, call))

    def idle_ports(self, app: App) -> int | None:
        """How many more calls the app may place now; None: unknown.

        No error is raised: the call is already accepted, and the SP would place it again.
        """
        try:
            return max(0, app.concurrent_calls - self.acceptance.in_use(app.key))
        except OutsideUnavailable:
            _log.warning("idle ports could not be counted", extra={"app": app.key}, exc_info=True)
            return None

    def _checked(self, request: CallbackRequest, app: App, *, is_test: bool) -> tuple[str | None, str | None]:
        """The regions of the caller's and the callee's number."""
        regions, names = check_numbers(request, app, self.rules, is_test=is_test), self.rules.fields
        # Not the app's own URLs: they were checked when they were saved.
        self.endpoints.check(
            (field, url) for field, url in names.of_urls(request.notify) if url not in (app.status_url, app.fee_url)
        )
        return regions

    def _memory(
        self, request: CallbackRequest, caller_region: str | None, callee_region: str | None
    ) -> MemoryDraft | None:
        """What the callee's dial will remember; in the sandbox too, where both are test numbers (decisions/0014).

        None: nothing is wanted, or the key service is away: a memory never costs a call.
        """
        if not request.wants_memory:
            return None
        audio = Audio(
            last_minute=request.audio.last_minute,
            last_minute_to=request.audio.last_minute_to,
            recording_notice=request.audio.recording_notice,
        )
        terms = MemoryTerms(
            ring_limit=self.timeouts.callee_ring,
            longest_talk=request.longest_talk or LONGEST_TALK,
            announces_end=request.longest_talk is not None,
            wants_recording=request.wants_record,
            audio=audio.mirrored(),
            notify=request.notify,
            user_data=request.user_data,
            wants_party_type=request.wants_party_type,
            call_back_tone=request.call_back_tone,
        )
        dialler = RememberedParty(request.callee, callee_region)
        target = RememberedParty(request.caller, caller_region)
        try:
            draft = self.seal.draft(request.callee_sees, dialler, target, terms)
        except OutsideUnavailable as error:
            _log.error("call memory not made", extra={"why": str(error)})
            return None
        return replace(draft, period=request.memory_period)

    def _resume(self, call_id: str, app: App) -> None:
        """Start the flow of a repeated request's call, if the first request may have failed to.

        Raises:
            OutsideUnavailable: it could not be started; the next repeat tries again.
        """
        call = self.calls.load(call_id).call
        if call.phase is Phase.ACCEPTED and self.clock.now() - call.accepted_at > FIRST_IS_OVER:
            self.flows.start(flow_order(call, self.timeouts, _prelude(call, app)))

    def _start_or_withdraw(self, saved: SavedCall, limits: AcceptanceLimits, app: App) -> None:
        """Start the flow, with one retry after an uncertain result: the name makes it idempotent (R13)."""
        order = flow_order(saved.call, self.timeouts, _prelude(saved.call, app))
        try:
            _start(self.flows, order)
        except OutsideUnavailable:
            self._withdraw(saved, limits)
            raise

    def _withdraw(self, saved: SavedCall, limits: AcceptanceLimits) -> None:
        """The SP will get an error: finalize the call without notifications, so that a flow that did start cannot dial.

        With an idempotency key it is notified anyway: a repeat may have returned this call meanwhile. If this fails,
        the sweeper finalizes the call, and the SP is notified of a call that it considers refused; never the reverse.
        """
        from duologue.call_control.events import NeverTakenUp  # slow to import; almost no request needs them
        from duologue.call_control.machine import decide

        call = saved.call
        decision = decide(call, NeverTakenUp(self.clock.now()))
        facts, after = (decision.facts, decision.call) if limits.key else ((), replace(decision.call, facts=call.facts))
        try:
            self.acceptance.withdraw(Change(saved, after, facts, finalizes=True), limits)
        except (OutsideUnavailable, RaceLost, AlreadyDone):
            _log.exception("flow not started; the sweeper will finalize the call", extra={"call_id": call.id})


def flow_order(call: Call, timeouts: RingTimeouts, prelude: timedelta = timedelta(0)) -> FlowOrder:
    """The flow's input: the length of each wait (R3).

    `prelude`: the length of the app's own prompt before the callee's dial; `timeouts` covers the platform's.
    """
    unannounced = max(call.longest_talk - LAST_MINUTE, _A_MOMENT) if call.announces_end else call.longest_talk
    return FlowOrder(
        call_id=call.id,
        caller_wait=timeouts.caller_wait,
        callee_wait=timeouts.callee_wait + prelude,
        talk=unannounced,
        last_minute=max(call.longest_talk - unannounced, _A_MOMENT),
    )


def _call(
    request: CallbackRequest, memory: MemoryDraft | None, app: App, call_id: str, now: datetime, timeouts: RingTimeouts
) -> Call:
    call = Call(
        id=call_id,
        sp=app.sp,
        app=app.key,
        caller=Leg(Party.CALLER, request.caller, request.caller_sees),
        callee=Leg(Party.CALLEE, request.callee, request.callee_sees),
        accepted_at=now,
        ring_limit=timeouts.callee_ring,
        longest_talk=min(request.longest_talk or LONGEST_TALK, app.ceilings.longest_call),
        announces_end=request.longest_talk is not None,
        bind_number=request.bind_number.e164,
        notify=NotifyTo(request.notify.status_url or app.status_url, request.notify.fee_url or app.fee_url),
        audio=request.audio,
        plays_before_callee=request.wants_prompt_before_callee,
        wants_recording=request.wants_record,
        keep_recording_days=app.keep_recordings_days,
        user_data=request.user_data,
        wants_party_type=request.wants_party_type,
        memory=memory,
        facts=1,
    )
    return replace(call, before_talk=timeouts.before_talk(_prelude(call, app)))


def _prelude(call: Call, app: App) -> timedelta:
    name = call.audio.before_callee if call.plays_before_callee else None
    return timedelta(seconds=app.prompts.get(name or "", 0))


def _start(flows: Flows, order: FlowOrder) -> None:
    try:
        flows.start(order)
    except OutsideUnavailable:
        flows.start(order)

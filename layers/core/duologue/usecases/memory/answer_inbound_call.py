"""Answer a call to a display number (docs/decisions/0014): `call_control/inbound.py` decides, by what is stored.

    find ──▶ answered before? ──yes──▶ the stored answer again                                               (R12)
      ▲         │no
      │     the number is nobody's, or its app is suspended ───▶ reject (480), counted, not recorded
      │     the dialling number is a display number itself  ───▶ reject (486), the same: it would go round
      │         │
      │     is somebody remembered? ──no──▶ as the app wishes: reject, play its prompt, or ring its default number
      │         │yes: open the memory; may that number be dialled? ──no──▶ reject (480)
      └─lost─ record (call, facts, answer, slot: one transaction) ──▶ the answer, which rings
                │the caller has hung up: its event came first
              record it as over

No flow is started here: nobody waits for one. The outbox starts it. A memory that cannot be read is not a missing one:
if a service is away the event fails, and the network asks again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from duologue.call_control.events import InboundCall
from duologue.call_control.inbound import Incoming, Target, connect, hung_up, play_tone, reject, turn_away
from duologue.call_control.machine import BUSY, UNAVAILABLE, Decision
from duologue.domain.access.accounts import UnknownCallers
from duologue.domain.accounting.acceptance_limits import NO_LIMITS, AcceptanceLimits, dialled_days
from duologue.domain.accounting.day_budget import budget_for
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CallerHungUp,
    DayCeilingReached,
    DialledNumberLimitReached,
    EventAlreadyProcessed,
    ForeignMemory,
    LimitReached,
    NumberRefused,
    OutsideUnavailable,
    PairBusy,
    RaceLost,
    StoreBusy,
)
from duologue.domain.memory.call_memory import InboundApp, WhyNot, why_not
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.numbers.estimate_spend import rates_for
from duologue.usecases.ports.call_changes import Answer, ProcessedEvent
from duologue.usecases.ports.denying import DenyLists, RateBook
from duologue.usecases.ports.memories import (
    Found,
    InboundAnswer,
    InboundCalls,
    InboundEvent,
    MemorySeal,
    TurnedAway,
)
from duologue.usecases.ports.network import Invocation, NetworkFormat
from duologue.usecases.until_written import Pause, until_written

_log = logging.getLogger(__name__)
MOST_RECORDED = 60
"""Calls per display number and minute that are recorded though nobody is rung: a scan must not flood an SP."""


@dataclass(frozen=True, slots=True)
class AnswerInboundCall:
    """`call_id_of`: our id of the call, from the network's and the time at which its leg was created."""

    inbound: InboundCalls
    seal: MemorySeal
    network: NetworkFormat
    call_id_of: Callable[[str, datetime | None], str]
    count: Callable[[TurnedAway], None]
    pause: Pause
    lists: DenyLists
    rates: RateBook

    def __call__(self, said: Invocation, event: InboundCall) -> Answer:
        """Answer the event that reports such a call, once.

        Raises:
            OutsideUnavailable: storage or the key service is unavailable; nothing was answered.
        """
        display = event.display
        if display is None:
            return self._turn_away(event, TurnedAway.NUMBER_OF_NOBODY)
        key = None if event.caller is None else self.seal.key(display, event.caller)
        reported = InboundEvent(
            self.call_id_of(event.network_call, event.started_at), event.network_call, said.event_key
        )
        about = {"call_id": reported.call_id, "event": reported.event_key}
        _log.info("event: %s", type(event).__name__, extra=about)
        unsure = False

        def once() -> Answer:
            nonlocal unsure
            found = self.inbound.find(display, event.caller, key, reported)
            try:
                return self._answer(event, display, key, reported, found)
            except (EventAlreadyProcessed, CallAlreadyAccepted) as error:  # by another process, or by us just now
                raise RaceLost(reported.call_id) from error
            except _Unsure as error:
                if unsure:
                    raise OutsideUnavailable(str(error)) from error
                unsure = True
                raise StoreBusy(reported.call_id) from error

        return until_written(once, self.pause, f"call {reported.call_id}")

    def _answer(
        self, event: InboundCall, display: PhoneNumber, key: MemoryKey | None, reported: InboundEvent, found: Found
    ) -> Answer:
        if found.before is not None:
            return found.before.answer
        if found.owner is None:
            return self._turn_away(event, TurnedAway.NUMBER_OF_NOBODY)
        if found.dialler_is_ours:
            return self._turn_away(event, TurnedAway.LOOP, BUSY)
        remembered = self._remembered(event, display, found, reported.call_id)
        if remembered is not None:
            app, target = remembered
            return self._ring(Incoming(reported.call_id, event, display, app), target, reported)
        if found.owner_app is None or not found.owner_app.active:
            return self._turn_away(event, TurnedAway.OWNER_SUSPENDED)
        incoming = Incoming(reported.call_id, event, display, found.owner_app)
        default = _default_target(incoming, key)
        return (
            self._tell_nobody_is_there(incoming, reported)
            if default is None
            else self._ring(incoming, default, reported)
        )

    def _remembered(
        self, event: InboundCall, display: PhoneNumber, found: Found, call_id: str
    ) -> tuple[InboundApp, Target] | None:
        """Who is remembered and may be rung, and the app of that memory. Opens the memory if all else allows it."""
        assert found.owner is not None
        memory, app, sp = found.memory, found.memory_app, found.owner.sp
        why = why_not(memory, None, sp, app, event.at)
        if event.caller is not None and memory is not None and app is not None and why is WhyNot.COUNTRY:
            try:
                opened = self.seal.open(memory, display, event.caller)
            except ForeignMemory:
                _log.error("call memory of another pair", extra={"session": memory.session})
                return None
            why = why_not(memory, opened.target.region, sp, app, event.at)
            if why is None:
                draft = memory.draft()
                mirrored = replace(draft.mirrored(), period=min(draft.period, app.call_memory_period))
                return app, Target(opened.target.number, opened.terms, mirrored, memory.key.pair)
        _log.info("nobody who is remembered is rung", extra={"call_id": call_id, "why": why})
        return None

    def _ring(self, incoming: Incoming, target: Target, reported: InboundEvent) -> Answer:
        denials = self.lists.of((target.number,))
        try:
            denials.check(target.number, incoming.app.denied_prefixes, field="callee")
        except NumberRefused as refusal:
            _log.info("the remembered party is not rung", extra={"call_id": reported.call_id, "why": refusal.rule})
            return self._reject(incoming, reported, EndReason.CALLEE_DENIED, target)
        try:
            return self._record_ringing(incoming, target, reported)
        except PairBusy:
            return self._turn_away(incoming.event, TurnedAway.PAIR_BUSY, BUSY)
        except LimitReached:
            return self._reject(incoming, reported, EndReason.NO_ROOM, target)
        except (DialledNumberLimitReached, DayCeilingReached) as refusal:
            _log.info("a limit of the day is reached", extra={"call_id": reported.call_id, "why": str(refusal)})
            return self._reject(incoming, reported, EndReason.CEILING_REACHED, target)
        except CallerHungUp:
            return self._record(hung_up(incoming, target), reported)

    def _record_ringing(self, incoming: Incoming, target: Target, reported: InboundEvent) -> Answer:
        """Raises DialledNumberLimitReached, DayCeilingReached; else as `_record`."""
        decision, app = connect(incoming, target), incoming.app
        call = replace(decision.call, rates=rates_for(None, target.number, self.rates))
        at, most = incoming.event.at, app.ceilings.calls_per_dialled_number
        dialled = dialled_days(app.key, most, {"callee": target.number}, at, self.seal.proof)
        budget = budget_for(app.ceilings, call)
        limits = AcceptanceLimits(dialled=dialled, budget=budget) if dialled or budget else NO_LIMITS
        return self._record(replace(decision, call=call), reported, app.slots, limits)

    def _tell_nobody_is_there(self, incoming: Incoming, reported: InboundEvent) -> Answer:
        if incoming.app.unknown_callers is not UnknownCallers.PROMPT:
            return self._reject(incoming, reported, EndReason.NOBODY_REMEMBERED)
        if not self._may_record(incoming):
            return self._turn_away(incoming.event, TurnedAway.TOO_MANY)
        try:
            return self._record(play_tone(incoming), reported)
        except CallerHungUp:
            return self._record(hung_up(incoming), reported)

    def _reject(
        self, incoming: Incoming, reported: InboundEvent, reason: EndReason, target: Target | None = None
    ) -> Answer:
        if not self._may_record(incoming):
            return self._turn_away(incoming.event, TurnedAway.TOO_MANY)
        return self._record(reject(incoming, reason, target), reported)

    def _may_record(self, incoming: Incoming) -> bool:
        return self.inbound.count_unconnected(incoming.display, incoming.event.at, MOST_RECORDED)

    def _record(
        self,
        decision: Decision,
        reported: InboundEvent,
        slots: int | None = None,
        limits: AcceptanceLimits = NO_LIMITS,
    ) -> Answer:
        """Raises EventAlreadyProcessed, CallAlreadyAccepted, PairBusy, LimitReached, StoreBusy, OutsideUnavailable."""
        answer = self.network.write(decision.actions, reported.call_id)
        processed = ProcessedEvent(reported.network_call, reported.event_key, answer)
        try:
            self.inbound.accept(InboundAnswer(decision.call, decision.facts, processed, slots, limits))
        except OutsideUnavailable as error:
            raise _Unsure(str(error)) from error
        return answer

    def _turn_away(self, event: InboundCall, why: TurnedAway, sip_status: int = UNAVAILABLE) -> Answer:
        self.count(why)
        return self.network.write(turn_away(event, sip_status), None)


class _Unsure(Exception):
    """A write may have succeeded: it timed out. Reading again shows whether it did, by the stored answer (R12)."""


def _default_target(incoming: Incoming, key: MemoryKey | None) -> Target | None:
    """The app's default number, which is shown the display number like any target, and not remembered."""
    number = incoming.app.callback_number
    if incoming.app.unknown_callers is not UnknownCallers.NUMBER or number is None:
        return None
    target, caller = PhoneNumber(number), incoming.event.caller
    return None if target == caller else Target(target, pair=None if key is None else key.pair)

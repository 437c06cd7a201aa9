"""Process one network event: decide, save, answer, and resume the state that waits for it.

read ──▶ processed before? ──yes──▶ the stored answer again, resume again               (R12, R2)
  ▲            │no
  │         decide ──no change──▶ answer
  │            │
  └─lost─── save (call, facts, answer: one transaction) ──▶ resume ──▶ answer           (R1, R2)

A call to a display number is not ours before it is answered (answer_inbound_call.py). If its leg ends before the answer
arrives, the network has not stored our id, which then follows from its own, as when the call was recorded. If another
process is still recording the call, the end finds none and is noted, and the call is then recorded as over.

If a party hangs up while its peer may hear a prompt, the prompt is stopped before the answer is given, also for a
repeat: the carrier may play it to its end before it takes the hang-up (R9). This is best effort.

If the last hang-up of a call cannot be recorded, it is tried again for most of the function's time: the network repeats
it once only, and if that is lost too, the call is billed until the sweeper looks at it (R17).

A carrier that needs its actions sent to it gets them last, on every path (`NetworkFormat.carry_out`). If the write
times out it may have succeeded, so it is retried once; the retry finds the stored answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duologue.call_control.actions import Action, HangUp
from duologue.call_control.events import CallEvent, EndAsked, InboundCall, Informational, LegAnswered, LegEnded
from duologue.call_control.machine import BUSY, UNAVAILABLE, Decision, decide, leaves_a_prompt
from duologue.domain.calls.outcome import Party
from duologue.domain.errors import EventAlreadyProcessed, OutsideUnavailable, RaceLost, StoreBusy, UnknownCall
from duologue.usecases.calls.resume_flow import resume_flow_now
from duologue.usecases.ports.call_changes import Answer, Change, ProcessedEvent, SavedCall
from duologue.usecases.until_written import MayTryAgain, Pause, begin_single_try, until_written

if TYPE_CHECKING:
    from duologue.usecases.ports.calls import Calls
    from duologue.usecases.ports.flows import Flows
    from duologue.usecases.ports.network import AnswerInbound, Invocation, NetworkFormat, PromptStopper

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessNetworkEvent:
    calls: Calls
    flows: Flows
    network: NetworkFormat
    stopper: PromptStopper
    pause: Pause
    answer_inbound: AnswerInbound
    begin_tries: Callable[[], MayTryAgain] = begin_single_try
    """To record a last hang-up; called as its processing begins."""

    def __call__(self, said: Invocation) -> Answer:
        """Answer one network event.

        Raises:
            OutsideUnavailable: the event could not be recorded, or its actions not be sent, and failing disconnects
                nobody: the network will repeat the event.
        """
        may_try_again = self.begin_tries()
        while True:
            try:
                answer = self._answer(said)
                break
            except OutsideUnavailable:
                if _is_last_hang_up(said.event) and not self.network.sends_again and may_try_again():
                    continue
                _log.exception("event could not be recorded", extra={"call_id": said.call_id, "event": said.event_key})
                unrecorded = answer_unrecorded(said, self.network)
                if unrecorded is None:
                    raise
                return unrecorded
        self.network.carry_out(said, answer)
        return answer

    def _answer(self, said: Invocation) -> Answer:
        if said.call_id is None and isinstance(said.event, InboundCall):
            return self.answer_inbound(said, said.event)
        call_id = said.call_id
        if call_id is None and said.called_in_at is not None:
            call_id = self.answer_inbound.call_id_of(said.network_call, said.called_in_at)
        if call_id is None:
            return self.network.write(_let_go(said.event), None)
        _log.info("event: %s", type(said.event).__name__, extra={"call_id": call_id, "event": said.event_key})
        if isinstance(said.event, Informational):  # it needs no decision, so the call is not read
            return self.network.write((), said.call_id if said.introduces else None)
        try:
            return self._process(said, call_id)
        except UnknownCall:
            return self._process_unknown(said, call_id)

    def _process_unknown(self, said: Invocation, call_id: str) -> Answer:
        """A call that is not recorded. One that came in may be about to be."""
        if said.called_in_at is not None and _is_hang_up(said.event):
            until_written(lambda: self.calls.note_hang_up(call_id), self.pause, f"call {call_id}")
            with suppress(UnknownCall):
                return self._process(said, call_id)
        return self.network.write(_let_go(said.event), None)

    def _process(self, said: Invocation, call_id: str) -> Answer:
        unsure = looked_again = False

        def once() -> Answer:
            nonlocal unsure, looked_again
            saved, before = self.calls.load_for(call_id, said.network_call, said.event_key)
            if before is not None:
                return self._committed(saved, before, said)
            decision = decide(saved.call, said.event)
            if decision.call == saved.call and not looked_again:
                # The call and the event are not read at one time: another run of this event may have committed between.
                looked_again = True
                return once()
            answer = self.network.write(decision.actions, call_id if said.introduces else None)
            if decision.note is not None:
                _log.info("event needs no change", extra={"call_id": call_id, "why": decision.note})
            processed = ProcessedEvent(said.network_call, said.event_key, answer, decision.resumes)
            if decision.call != saved.call:
                try:
                    self.calls.save(change_of(saved, decision, processed))
                except EventAlreadyProcessed as error:
                    raise RaceLost(call_id) from error
                except OutsideUnavailable as error:
                    if unsure:
                        raise
                    unsure = True
                    raise StoreBusy(call_id) from error
            return self._committed(saved, processed, said)

        return until_written(once, self.pause, f"call {call_id}")

    def _committed(self, saved: SavedCall, event: ProcessedEvent, said: Invocation) -> Answer:
        resume_flow_now(saved.call.id, event.resumes, calls=self.calls, flows=self.flows, seen=saved.task_token)
        if leaves_a_prompt(saved.call, said.event):
            try:
                self.stopper.stop_prompt(said.application, said.network_call)
            except OutsideUnavailable:
                _log.warning("prompt not stopped; the peer is hung up after it", extra={"call_id": saved.call.id})
        return event.answer


def answer_unrecorded(said: Invocation, network: NetworkFormat) -> Answer | None:
    """The answer to an event that cannot be recorded: only the hang-ups that cannot wait (R9, R17).

    A leg whose peer has ended is hung up, and so are all legs once the end was requested; a party that has just
    answered hears silence until the flow gives up. None: the handler should fail, because that disconnects nobody and
    the network retries. That holds if nobody is up any more (an unrecorded hang-up would look like a talk that goes
    on), for an inbound call (it is not answered; without an answer it would ring on), and for every event of a carrier
    that repeats failed events.
    """
    actions: tuple[Action, ...] = ()
    if isinstance(said.event, InboundCall):
        return None
    if isinstance(said.event, LegEnded | EndAsked):
        actions = tuple(HangUp(party, leg_id) for party, leg_id in said.event.connected.items())
    if _is_last_hang_up(said.event):
        return None
    answer = network.write(actions, said.call_id if said.introduces else None)
    network.carry_out(said, answer)
    return None if network.sends_again else answer


def change_of(saved: SavedCall, decision: Decision, processed: ProcessedEvent | None = None) -> Change:
    """The change of a decision."""
    return Change(
        before=saved,
        after=decision.call,
        facts=decision.facts,
        processed=processed,
        resumes=decision.resumes,
        finalizes=decision.call.ended_at is not None and saved.call.ended_at is None,
    )


def _is_last_hang_up(event: CallEvent) -> bool:
    """After it nobody is up."""
    return isinstance(event, LegEnded) and not event.connected


def _is_hang_up(event: CallEvent) -> bool:
    """By the caller. UNAVAILABLE and BUSY are our own or the network's rejection, as of a call that is not recorded."""
    return isinstance(event, LegEnded) and event.party is Party.CALLER and event.sip_status not in (UNAVAILABLE, BUSY)


def _let_go(event: CallEvent) -> tuple[Action, ...]:
    """Actions for a network call that is not ours: hang up an answered leg (R6), reject an inbound call."""
    if isinstance(event, InboundCall):
        return (HangUp(Party.CALLER, event.leg_id, UNAVAILABLE),)
    return (HangUp(event.party, event.leg_id),) if isinstance(event, LegAnswered) else ()

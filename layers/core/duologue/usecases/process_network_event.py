"""Process one network event: decide, save, answer, and resume the state that waits for it.

read ──▶ processed before? ──yes──▶ the stored answer again, the wake-up again        (R12, R2)
  ▲            │no
  │         decide ──nothing changed──▶ answer
  │            │
  └─lost─── save (call, facts, answer, wake-up: one transaction) ──▶ wake ──▶ answer  (R1, R2)

A save that did not answer may have been done: it is gone round once more, and the stored answer found if it was.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from duologue.call_control.actions import Action, HangUp
from duologue.call_control.events import CallEvent, EndAsked, InboundCall, LegAnswered, LegEnded
from duologue.call_control.machine import Decision, decide
from duologue.domain.errors import EventAlreadyProcessed, OutsideUnavailable, RaceLost, UnknownCall
from duologue.domain.outcome import Party
from duologue.usecases.ports import Calls, Change, Flows, ProcessedEvent, SavedCall

_log = logging.getLogger(__name__)
_TRIES = 16
"""Races lost in a row before giving up: another write of the call was committed, or another end of the app's calls
holds the row of its slots. With the longest pauses between them (jittered_pause.py) they take less than 4 s (R17)."""

NetworkAnswer = dict[str, Any]
WriteAnswer = Callable[[Sequence[Action], str | None], NetworkAnswer]
"""Actions, and our call id if the network must be told to keep it, to the carrier's own answer."""


class Invocation(Protocol):
    """One event as a carrier sent it; each carrier's wire package makes them."""

    @property
    def network_call(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def call_id(self) -> str | None: ...
    @property
    def event(self) -> CallEvent: ...
    @property
    def introduces(self) -> bool: ...


def process_network_event(
    said: Invocation, calls: Calls, flows: Flows, write: WriteAnswer, pause: Callable[[int], None]
) -> NetworkAnswer:
    """Answer one network event. `pause` waits a little before a race that was lost is run again.

    Raises:
        OutsideUnavailable: the event could not be recorded, and nobody is left on the line to be cut off by a failure.
    """
    if said.call_id is None:
        return write(_let_go(said.event), None)
    try:
        return _process(said, said.call_id, calls, flows, write, pause)
    except UnknownCall:
        return write(_let_go(said.event), None)
    except OutsideUnavailable:
        _log.exception("call store unavailable", extra={"call_id": said.call_id, "sequence": said.sequence})
        answer = answer_unrecorded(said, write)
        if answer is None:
            raise
        return answer


def answer_unrecorded(said: Invocation, write: WriteAnswer) -> NetworkAnswer | None:
    """The answer to an event that cannot be recorded: what costs or hurts a person is done all the same (R9, R17).

    A leg whose peer has dropped is hung up, and so is everybody once the end was asked for; whoever has just picked up
    hears silence until the flow gives up. None: nobody is up any more, and a hang-up that is not recorded would be
    taken for a talk that goes on. To fail is right then: it cuts off nobody, and the network asks again.
    """
    actions: tuple[Action, ...] = ()
    if isinstance(said.event, LegEnded | EndAsked):
        actions = tuple(HangUp(party, leg_id) for party, leg_id in said.event.connected.items())
    if isinstance(said.event, LegEnded) and not actions:
        return None
    return write(actions, said.call_id if said.introduces else None)


def _process(
    said: Invocation, call_id: str, calls: Calls, flows: Flows, write: WriteAnswer, pause: Callable[[int], None]
) -> NetworkAnswer:
    unsure = False
    for lost in range(_TRIES):
        saved, before = calls.load_for(call_id, said.network_call, said.sequence)
        if before is not None:
            return _again(before, flows)
        decision = decide(saved.call, said.event)
        answer = write(decision.actions, call_id if said.introduces else None)
        if decision.note is not None:
            _log.info("event ignored", extra={"call_id": call_id, "why": decision.note})
        if decision.call == saved.call:
            return answer
        change = change_of(saved, decision, ProcessedEvent(said.network_call, said.sequence, answer))
        try:
            calls.save(change)
        except (RaceLost, EventAlreadyProcessed):
            pause(lost)
            continue
        except OutsideUnavailable:
            if unsure:
                raise
            unsure = True
            continue
        resume_flow(flows, change.resumes)
        return answer
    raise OutsideUnavailable(f"call {call_id}: {_TRIES} races lost in a row")


def change_of(saved: SavedCall, decision: Decision, processed: ProcessedEvent | None = None) -> Change:
    """The one transaction that a decision asks for."""
    resumes = saved.task_token if decision.resumes else None
    return Change(
        before=saved,
        after=decision.call,
        facts=decision.facts,
        processed=replace(processed, resumes=resumes) if processed is not None else None,
        resumes=resumes,
        finalizes=decision.call.ended_at is not None and saved.call.ended_at is None,
    )


def resume_flow(flows: Flows, token: str | None) -> None:
    """The fast path of a wake-up. If it fails the outbox does it from the stream (R2)."""
    if token is None:
        return
    try:
        flows.resume(token)
    except OutsideUnavailable:
        _log.warning("wake-up left to the outbox", exc_info=True)


def _again(before: ProcessedEvent, flows: Flows) -> NetworkAnswer:
    resume_flow(flows, before.resumes)
    return before.answer


def _let_go(event: CallEvent) -> tuple[Action, ...]:
    """An answer to a call that is not ours: nobody is there to talk to (R6). A call to us is rejected."""
    if isinstance(event, InboundCall):
        return (HangUp(Party.CALLER, event.leg_id),)
    return (HangUp(event.party, event.leg_id),) if isinstance(event, LegAnswered) else ()

"""Hear one network event: decide, save, answer, and wake the state that waits for it.

read ──▶ heard before? ──yes──▶ the stored answer again, the wake-up again            (R12, R2)
  ▲            │no
  │         decide ──nothing changed──▶ answer
  │            │
  └─lost─── save (call, facts, answer, wake-up: one transaction) ──▶ wake ──▶ answer  (R1, R2)
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from duologue.call_control.actions import Action, HangUp
from duologue.call_control.events import CalledIn, CallEvent, LegDropped, LegPickedUp
from duologue.call_control.machine import Decision, decide
from duologue.domain.errors import EventAlreadyHeard, OutsideUnavailable, RaceLost, UnknownCall
from duologue.domain.outcome import Party
from duologue.usecases.ports import Calls, Change, Flows, Heard, SavedCall

_log = logging.getLogger(__name__)
_TRIES = 8
"""Races lost in a row before giving up; each loss means that another write of the same call was committed."""

Answer = dict[str, Any]
WriteAnswer = Callable[[Sequence[Action], str | None], Answer]
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
    @property
    def connected(self) -> Mapping[Party, str]: ...


def hear_network(said: Invocation, calls: Calls, flows: Flows, write: WriteAnswer) -> Answer:
    """Answer one network event. Never raises what the network could cause.

    When the store is out of reach, nothing can be recorded; what costs or hurts a person is still done: a leg
    whose peer has dropped is hung up (R9), and whoever has just picked up hears silence until the flow gives up.
    """
    if said.call_id is None:
        return write(_let_go(said.event), None)
    try:
        return _hear(said, said.call_id, calls, flows, write)
    except UnknownCall:
        return write(_let_go(said.event), None)
    except OutsideUnavailable:
        _log.exception("call store unavailable", extra={"call_id": said.call_id, "sequence": said.sequence})
        return write(_hang_up_the_peer(said), said.call_id if said.introduces else None)


def _hear(said: Invocation, call_id: str, calls: Calls, flows: Flows, write: WriteAnswer) -> Answer:
    for _ in range(_TRIES):
        saved, before = calls.load_for(call_id, said.network_call, said.sequence)
        if before is not None:
            return _again(before, flows)
        decision = decide(saved.call, said.event)
        answer = write(decision.actions, call_id if said.introduces else None)
        if decision.ignored is not None:
            _log.info("event ignored", extra={"call_id": call_id, "why": decision.ignored})
        if decision.call == saved.call:
            return answer
        change = change_of(saved, decision, Heard(said.network_call, said.sequence, answer))
        try:
            calls.save(change)
        except (RaceLost, EventAlreadyHeard):
            continue
        wake(flows, change.wakes)
        return answer
    raise OutsideUnavailable(f"call {call_id}: {_TRIES} races lost in a row")


def change_of(saved: SavedCall, decision: Decision, heard: Heard | None = None) -> Change:
    """The one transaction that a decision asks for."""
    wakes = saved.listener if decision.wakes else None
    return Change(
        before=saved,
        after=decision.call,
        facts=decision.facts,
        heard=replace(heard, wakes=wakes) if heard is not None else None,
        wakes=wakes,
        closes=decision.call.ended_at is not None and saved.call.ended_at is None,
    )


def wake(flows: Flows, token: str | None) -> None:
    """The fast path of a wake-up. If it fails the outbox does it from the stream (R2)."""
    if token is None:
        return
    try:
        flows.wake(token)
    except OutsideUnavailable:
        _log.warning("wake-up left to the outbox", exc_info=True)


def _again(before: Heard, flows: Flows) -> Answer:
    wake(flows, before.wakes)
    return before.answer


def _let_go(event: CallEvent) -> tuple[Action, ...]:
    """An answer to a call that is not ours: nobody is there to talk to (R6). A call to us is rejected."""
    if isinstance(event, CalledIn):
        return (HangUp(Party.CALLER, event.leg_id),)
    return (HangUp(event.party, event.leg_id),) if isinstance(event, LegPickedUp) else ()


def _hang_up_the_peer(said: Invocation) -> tuple[Action, ...]:
    if not isinstance(said.event, LegDropped):
        return ()
    peer = said.event.party.peer
    leg_id = said.connected.get(peer)
    return (HangUp(peer, leg_id),) if leg_id else ()

"""The verbs of the flow, one per state of the state machine (statemachines/callback.asl.yaml).

    store the token ──▶ read the call ──▶ is there anything to wait for? ──no──▶ raise why
                                                │ yes
                                     write what must be known first (a mark, a reason), then ask the network

A verb that returns leaves its state waiting; an error that it raises ends the state, and the state machine branches on
the error's name. The token is stored before the call is read, and code that records a fact reads the token after its
commit (resume_flow.py), so one of the two always sees the other (R1). No verb completes a token of its own.

A verb and its payload are an interface between deployments: an execution started before an update calls the new code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from duologue.call_control.events import GaveUp
from duologue.call_control.machine import decide
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.outcome import EndReason
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import (
    AlreadyAnswered,
    CalleeSilent,
    CallerSilent,
    CallIsOver,
    CallStopping,
    DialRefused,
    DialUncertain,
    DuologueError,
    LongestReached,
    NoSuchNetworkCall,
    NothingIsUp,
    NothingWasDialled,
    OutsideUnavailable,
)
from duologue.usecases.ports.call_changes import Change, SavedCall
from duologue.usecases.until_written import Pause, until_written

if TYPE_CHECKING:
    from duologue.usecases.ports.calls import Calls
    from duologue.usecases.ports.network import Network
    from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CALLEE_LOST = (EndReason.CALLEE_FAILED, EndReason.NO_ROOM, EndReason.DIAL_REFUSED)


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """One attempt of a waiting state.

    `rank`: the time the state was entered, then the attempt; a newer attempt has a higher rank.
    `is_repeat`: not the state's first attempt.
    """

    call_id: str
    token: str
    rank: int
    is_repeat: bool = False

    def waits_for(self, what: Wait) -> TaskToken:
        return TaskToken(self.token, what, self.rank)


@dataclass(frozen=True, slots=True)
class RunFlow:
    """`new_mark`: returns a UUID, unique to the invocation."""

    calls: Calls
    network: Network
    clock: Clock
    pause: Pause
    new_mark: Callable[[], str]

    def ring_caller(self, task: WaitingTask) -> None:
        """Dial the caller, at most once, and wait for the answer (R5).

        The mark is unique to this invocation and written before the dial; only the invocation that wrote it dials. It
        names the carrier's node, whose death ends the call even before its first event
        (usecases/accounting/bury_nodes.py). An attempt that finds another mark only waits: that dial may have left. So
        does one that finds the callee not reached: a return call may fail before its flow starts.

        Raises:
            AlreadyAnswered, CallIsOver, CallStopping: there is nothing to wait for.
            NothingWasDialled: the network had no capacity; a repeat may dial.
            DialRefused: the network refused the dial for good.
            OutsideUnavailable: storage is unavailable; nothing was dialled by this attempt.
        """
        self.calls.store_token(task.call_id, task.waits_for(Wait.CALLER_ANSWER))
        mark = self.network.mark(self.new_mark())

        def claim() -> SavedCall:
            saved = self.calls.load(task.call_id)
            if _hears_why(saved.call):
                return saved
            call = _open(saved.call)
            if call.caller.answered_at is not None or call.callee.dialled_at is not None:  # or it is an inbound call
                self._take_up(saved)
                raise AlreadyAnswered(call.id)
            if saved.dial_mark is not None:
                return saved
            marked = replace(call, taken_up_at=call.taken_up_at or self.clock.now(), dial_refusal=None)
            self.calls.save(Change(saved, marked, dial_mark=mark))
            return replace(saved, call=marked, dial_mark=mark)

        saved = until_written(claim, self.pause, f"call {task.call_id}")
        if saved.dial_mark != mark:
            _log.info("nothing to dial; only waiting", extra={"call_id": task.call_id})
            return
        marks = [mark]
        try:
            self.network.dial_caller(saved.call, mark, lambda to: self._moved(task.call_id, marks, to))
        except (NothingWasDialled, DialRefused) as refusal:
            self._remove_mark(task.call_id, marks, refusal)
            raise
        except DialUncertain as error:
            _log.warning(
                "dial may have left; not repeated",
                extra={"call_id": task.call_id, "error": str(error)},
            )

    def ring_callee(self, task: WaitingTask) -> None:
        """Request the callee's dial, and wait for the answer. Repeating is harmless: call_control dials once.

        If the callee was not reached, the end is waited for.

        Raises:
            AlreadyAnswered, CallIsOver, CallStopping: there is nothing to wait for.
            CallerSilent: the caller has not answered.
            NoSuchNetworkCall: the network no longer knows the call; its hang-ups are on their way.
            NothingWasDialled: the network has no capacity now; a repeat may succeed.
            OutsideUnavailable: storage or the network is unavailable.
        """
        self.calls.store_token(task.call_id, task.waits_for(Wait.CALLEE_ANSWER))
        saved = self._load_taken_up(task.call_id)
        if _hears_why(saved.call):
            return
        call = _open(saved.call)
        if call.callee.answered_at is not None:
            raise AlreadyAnswered(call.id)
        if call.callee.dialled_at is not None:
            return
        if call.caller.answered_at is None or call.network_call is None:
            raise CallerSilent(call.id)
        if call.prelude_at is not None:
            return
        try:
            self.network.dial_callee(call.network_call)
        except NothingWasDialled as refusal:
            self._store_code(task.call_id, refusal)
            raise

    def talk(self, task: WaitingTask) -> None:
        """Wait until no leg is up.

        Raises:
            CallIsOver, CallStopping: there is nothing to wait for.
            CalleeSilent: the callee has not answered.
        """
        self.calls.store_token(task.call_id, task.waits_for(Wait.END))
        call = _open(self._load_taken_up(task.call_id).call)
        if call.callee.answered_at is None:
            raise CalleeSilent(call.id)

    def last_minute(self, task: WaitingTask) -> None:
        """Request the last-minute prompt, and wait for the end. If the prompt fails, the call goes on.

        Raises:
            CallIsOver, CallStopping: there is nothing to wait for.
            LongestReached: the SP set no maximum duration, so nothing is announced.
        """
        self.calls.store_token(task.call_id, task.waits_for(Wait.END))
        call = _open(self.calls.load(task.call_id).call)
        if not call.announces_end:
            raise LongestReached(call.id)
        if call.network_call is None or task.is_repeat:  # the prompt would play twice
            return
        try:
            self.network.say_last_minute(call.network_call)
        except (NoSuchNetworkCall, NothingWasDialled, OutsideUnavailable) as error:
            _log.warning("last-minute prompt failed; the call goes on", extra={"call_id": call.id, "error": str(error)})

    def give_up(self, task: WaitingTask, error: type[DuologueError] | None) -> None:
        """Record why the call ends, ask the network to end it, and wait for its legs to end (R4).

        `error`: what led here; None: not an error of this product.

        Raises:
            CallIsOver: it has ended.
            AlreadyAnswered: the party that was given up has answered meanwhile, so the call goes on.
            NothingIsUp: nothing was dialled, so there is no leg to wait for.
            OutsideUnavailable: storage or the network is unavailable.
        """
        self.calls.store_token(task.call_id, task.waits_for(Wait.END))

        def record() -> SavedCall:
            saved = self.calls.load(task.call_id)
            if saved.call.phase is Phase.OVER:
                raise CallIsOver(saved.call.id)
            decision = decide(saved.call, GaveUp(self.clock.now(), error))
            if decision.goes_on:
                raise AlreadyAnswered(saved.call.id)
            if decision.call != saved.call:
                self.calls.save(Change(saved, decision.call))
            return replace(saved, call=decision.call)

        saved = until_written(record, self.pause, f"call {task.call_id}")
        if saved.call.network_call is not None:
            if not self.network.end(saved.call.network_call):
                _log.info("the network no longer knows the call", extra={"call_id": task.call_id})
        elif saved.dial_mark is None:
            raise NothingIsUp(task.call_id)

    # ---- shared steps

    def _load_taken_up(self, call_id: str) -> SavedCall:
        """Load the call; if its caller is up but the flow's start is not recorded, record that first.

        Otherwise the sweeper would finalize it as never started.
        """

        def load() -> SavedCall:
            saved = self.calls.load(call_id)
            return self._take_up(saved) if saved.call.caller.is_up else saved

        return until_written(load, self.pause, f"call {call_id}")

    def _take_up(self, saved: SavedCall) -> SavedCall:
        if saved.call.taken_up_at is not None:
            return saved
        taken = replace(saved.call, taken_up_at=self.clock.now())
        self.calls.save(Change(saved, taken))
        return self.calls.load(taken.id)

    def _moved(self, call_id: str, marks: list[str], to: str) -> bool:
        """Replace this invocation's mark, one of `marks`, before the carrier is asked elsewhere; False: do not ask."""
        marks.append(to)

        def move() -> bool:
            saved = self.calls.load(call_id)
            if saved.dial_mark not in marks or saved.call.phase is Phase.OVER or saved.call.ending is not None:
                return False
            if saved.dial_mark != to:
                self.calls.save(Change(saved, saved.call, dial_mark=to))
            return True

        try:
            return until_written(move, self.pause, f"call {call_id}")
        except OutsideUnavailable:
            _log.warning("mark of a dial not stored, so that nobody else is asked", extra={"call_id": call_id})
            return False

    def _remove_mark(self, call_id: str, marks: list[str], refusal: NothingWasDialled | DialRefused) -> None:
        """Remove the mark, the last of `marks` or one before, after a definite refusal, so that the next attempt may
        dial, and store the refusal's code.

        Raises:
            DialRefused: it could not be removed, so no attempt will dial.
        """

        def unmark() -> None:
            saved = self.calls.load(call_id)
            if saved.dial_mark in marks and saved.call.phase is not Phase.OVER:
                self.calls.save(Change(saved, replace(saved.call, dial_refusal=refusal.code), clears_dial_mark=True))

        try:
            until_written(unmark, self.pause, f"call {call_id}")
        except OutsideUnavailable as error:
            _log.exception("dial refused, but its mark could not be removed", extra={"call_id": call_id})
            raise DialRefused(refusal.code) from error

    def _store_code(self, call_id: str, refusal: NothingWasDialled) -> None:
        """Store why the callee's dial was refused for now. Its dial, if one follows, removes the code again."""

        def store() -> None:
            saved = self.calls.load(call_id)
            call = saved.call
            if call.phase is Phase.CALLER_WAITING and call.prelude_at is None and call.dial_refusal != refusal.code:
                self.calls.save(Change(saved, replace(call, dial_refusal=refusal.code)))

        try:
            until_written(store, self.pause, f"call {call_id}")
        except OutsideUnavailable:
            _log.warning("code of a refused dial not stored", extra={"call_id": call_id}, exc_info=True)


def _hears_why(call: Call) -> bool:
    """A prompt may be telling the caller why the callee was not reached; giving up would cut it.

    The flow of a return call may start as late as this.
    """
    return call.phase is Phase.ENDING and call.ending in _CALLEE_LOST


def _open(call: Call) -> Call:
    """Raises CallIsOver; CallStopping: a reason to end is recorded."""
    if call.phase is Phase.OVER:
        raise CallIsOver(call.id)
    if call.ending is not None:
        raise CallStopping(call.id)
    return call


def rank_of(entered: datetime, retry: int) -> int:
    """Orders attempts: by the time the state was entered, in milliseconds, then by the attempt from 0."""
    return (entered - _EPOCH) // timedelta(milliseconds=1) * 1000 + min(retry, 999)

"""Delivery of events to the Lambda: at least once, each with a sequence of its own, several at a time.

An invocation that is unanswered after `repeat_after` is repeated with the same sequence. One that is unanswered after
`drop_after`, or that failed more often than the service retries, ends the call. The first answer to a sequence counts;
others are discarded. Duplicates, reordering and loss are switches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pstn import events
from pstn.messages import CancelTimer, Invoke, Log, Output, SetTimer
from pstn.switches import Switches


@dataclass
class Invocation:
    """`about`: the leg that the event is about, None if it is about the call."""

    sequence: int
    type: str
    about: str | None
    event: dict[str, Any]
    attempts: int = 0
    failures: int = 0
    answered: bool = False
    duplicated: bool = False


@dataclass
class Invocations:
    """`give_up(reason)` ends the call."""

    switches: Switches
    emit: Callable[[Output], None]
    give_up: Callable[[str], None]
    sequence: int = 0
    sent: int = 0
    known: dict[int, Invocation] = field(default_factory=dict)
    held: list[Invocation] = field(default_factory=list)
    closing: bool = False
    """No further event will be sent."""

    def send(self, invocation: Invocation, *, hold: float | None = None, overtakes: bool = True) -> bool:
        """Deliver an event, or hold it for at most `hold` seconds. False: it is lost, or over the limit."""
        if self._lost(invocation):
            self.emit(Log(f"{invocation.type} (sequence {invocation.sequence}) was lost"))
            return False
        if self.sent >= self.switches.invocations:
            self.give_up(f"more than {self.switches.invocations} invocations of one call")
            return False
        self.known[invocation.sequence] = invocation
        if hold is not None and not self.held:
            self.held.append(invocation)
            self.emit(SetTimer(f"release:{invocation.sequence}", hold))
            return True
        earlier = [each for each in self.known.values() if each.attempts and not each.duplicated]
        self._deliver(invocation)
        if self.switches.duplicates == "after_later_event":
            for each in earlier:
                self._duplicate(each)
        if overtakes:
            self.release()
        return True

    def release(self) -> None:
        """Deliver what was held: another event has overtaken it, or the time is over."""
        held, self.held = self.held, []
        for each in held:
            self.emit(CancelTimer(f"release:{each.sequence}"))
            self._deliver(each)

    def answered(self, sequence: int) -> Invocation | None:
        """The invocation that this answer belongs to; None if it was answered before."""
        invocation = self.known.get(sequence)
        if invocation is None or invocation.answered or not invocation.attempts:
            return None
        self._settle(invocation)
        if self.switches.duplicates == "after_answer" or (
            self.closing and self.switches.duplicates == "after_later_event"
        ):
            self._duplicate(invocation)
        return invocation

    @property
    def awaited(self) -> set[int]:
        """Sequences of pending answers."""
        return {each.sequence for each in self.known.values() if each.attempts and not each.answered}

    def failed(self, sequence: int, reason: str) -> None:
        invocation = self.known.get(sequence)
        if invocation is None or invocation.answered:
            return
        self.emit(Log(f"invocation {sequence} failed: {reason}"))
        invocation.failures += 1
        if invocation.failures <= self.switches.error_repeats:
            self._invoke(invocation)
            return
        self._settle(invocation)
        self.give_up(f"the Lambda failed {invocation.failures} times")

    def timer(self, what: str, sequence: int) -> None:
        invocation = self.known.get(sequence)
        if invocation is None or invocation.answered:
            return
        if what == "release":
            self.release()
        elif what == "repeat" and invocation.attempts <= self.switches.repeats:
            self._invoke(invocation)
            self.emit(SetTimer(f"repeat:{sequence}", self.switches.repeat_after))
        elif what == "drop":
            self._settle(invocation)
            self.give_up("AWS Lambda client operation timed out.")

    def _settle(self, invocation: Invocation) -> None:
        invocation.answered = True
        self.emit(CancelTimer(f"repeat:{invocation.sequence}"))
        self.emit(CancelTimer(f"drop:{invocation.sequence}"))

    def _deliver(self, invocation: Invocation) -> None:
        self._invoke(invocation)
        self.emit(SetTimer(f"repeat:{invocation.sequence}", self.switches.repeat_after))
        self.emit(SetTimer(f"drop:{invocation.sequence}", self.switches.drop_after))
        if self.switches.duplicates == "at_once":
            self._duplicate(invocation)

    def _duplicate(self, invocation: Invocation) -> None:
        if not invocation.duplicated:
            invocation.duplicated = True
            self._invoke(invocation)

    def _invoke(self, invocation: Invocation) -> None:
        if self.sent >= self.switches.invocations:
            return
        self.sent += 1
        invocation.attempts += 1
        self.emit(Invoke(invocation.sequence, invocation.attempts, invocation.event))

    def _lost(self, invocation: Invocation) -> bool:
        names = {invocation.type}
        if invocation.type == events.HANGUP:
            names.add(f"{invocation.type}:{invocation.event['ActionData']['Parameters']['ParticipantTag']}")
        return bool(names & self.switches.lost_events)

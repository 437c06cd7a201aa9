"""Getting events to the Lambda: at least once, each with its own sequence, several at a time.

An invocation unanswered after `repeat_after` is repeated under the same sequence; unanswered after `drop_after`, or
failed more often than the service repeats, it ends the call. The first answer to a sequence counts, others are
thrown away. Duplicates, overtaking and loss are switches.
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
    doubled: bool = False


@dataclass
class Invocations:
    """`give_up` ends the call; it is told why."""

    switches: Switches
    put: Callable[[Output], None]
    give_up: Callable[[str], None]
    sequence: int = 0
    sent: int = 0
    known: dict[int, Invocation] = field(default_factory=dict)
    held: list[Invocation] = field(default_factory=list)
    closing: bool = False
    """No later event will come."""

    def send(self, invocation: Invocation, *, hold: float | None = None, overtakes: bool = True) -> bool:
        """Deliver an event, or hold it back for at most `hold` seconds. False: it is lost, or one too many."""
        if self._lost(invocation):
            self.put(Log(f"{invocation.type} (sequence {invocation.sequence}) was lost"))
            return False
        if self.sent >= self.switches.invocations:
            self.give_up(f"more than {self.switches.invocations} invocations of one call")
            return False
        self.known[invocation.sequence] = invocation
        if hold is not None and not self.held:
            self.held.append(invocation)
            self.put(SetTimer(f"release:{invocation.sequence}", hold))
            return True
        earlier = [each for each in self.known.values() if each.attempts and not each.doubled]
        self._deliver(invocation)
        if self.switches.duplicates == "after_later_event":
            for each in earlier:
                self._double(each)
        if overtakes:
            self.release()
        return True

    def release(self) -> None:
        """Let go of what was held back: something has overtaken it, or it waited long enough."""
        held, self.held = self.held, []
        for each in held:
            self.put(CancelTimer(f"release:{each.sequence}"))
            self._deliver(each)

    def answered(self, sequence: int) -> Invocation | None:
        """The invocation that this answer settles; None if it is not the first one."""
        invocation = self.known.get(sequence)
        if invocation is None or invocation.answered or not invocation.attempts:
            return None
        self._settle(invocation)
        if self.switches.duplicates == "after_answer" or (
            self.closing and self.switches.duplicates == "after_later_event"
        ):
            self._double(invocation)
        return invocation

    def failed(self, sequence: int, reason: str) -> None:
        invocation = self.known.get(sequence)
        if invocation is None or invocation.answered:
            return
        self.put(Log(f"invocation {sequence} failed: {reason}"))
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
            self.put(SetTimer(f"repeat:{sequence}", self.switches.repeat_after))
        elif what == "drop":
            self._settle(invocation)
            self.give_up("AWS Lambda client operation timed out.")

    def _settle(self, invocation: Invocation) -> None:
        invocation.answered = True
        self.put(CancelTimer(f"repeat:{invocation.sequence}"))
        self.put(CancelTimer(f"drop:{invocation.sequence}"))

    def _deliver(self, invocation: Invocation) -> None:
        self._invoke(invocation)
        self.put(SetTimer(f"repeat:{invocation.sequence}", self.switches.repeat_after))
        self.put(SetTimer(f"drop:{invocation.sequence}", self.switches.drop_after))
        if self.switches.duplicates == "at_once":
            self._double(invocation)

    def _double(self, invocation: Invocation) -> None:
        if not invocation.doubled:
            invocation.doubled = True
            self._invoke(invocation)

    def _invoke(self, invocation: Invocation) -> None:
        if self.sent >= self.switches.invocations:
            return
        self.sent += 1
        invocation.attempts += 1
        self.put(Invoke(invocation.sequence, invocation.attempts, invocation.event))

    def _lost(self, invocation: Invocation) -> bool:
        names = {invocation.type}
        if invocation.type == events.HANGUP:
            names.add(f"{invocation.type}:{invocation.event['ActionData']['Parameters']['ParticipantTag']}")
        return bool(names & self.switches.lost_events)

"""The list of actions a call is working through.

Rule 1: in order, one at a time; each is judged at its turn.
Rule 2: the last one's success is told; in the middle only that of the actions which always report, and then the list
waits for the answer. A failure is always told and clears the list.
Rule 3: an answer with actions replaces what is queued; the running action finishes first, unless the answer is to an
update and the action can be interrupted. An empty answer lets the list go on.
Sources: invoke-on-call-leg page ("NULL keeps the existing set"), AWS's workshop for the mid-list reports.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pstn import events
from pstn.acts import TABLE, Performance
from pstn.acts.base import Action, Fault, Stage
from pstn.legs import Leg


class Telling(Stage, Protocol):
    def tell(self, event_type: str, about: str | None, data: Mapping[str, Any] | None = None) -> int | None:
        """Send an event; its sequence, or None if it will never be answered."""


class ActionList:
    def __init__(self, call: Telling) -> None:
        self.call = call
        self.queue: deque[Action] = deque()
        self.current: Performance | None = None
        self.waits_for: int | None = None
        self.from_update = False
        self._running = False

    def replace(self, actions: Iterable[Action], *, update: bool) -> None:
        """Queue a new list in place of what is left of the old one."""
        self.queue = deque(actions)
        self.waits_for = None
        self.from_update = update
        current = self.current
        if update and current is not None and current.interruptible:
            self.current = None
            current.cut()
            self.call.tell(events.ACTION_INTERRUPTED, _about(current), current.data())
        self.run()

    def answered_empty(self, sequence: int) -> None:
        if self.waits_for == sequence:
            self.waits_for = None
            self.run()

    def run(self) -> None:
        if self._running:
            return
        self._running = True
        while self.queue and self.current is None and self.waits_for is None:
            action = self.queue.popleft()
            performance = TABLE.get(action.type, Performance)(self.call, action)
            self.current = performance
            try:
                performance.begin()
            except Fault as fault:
                self.failed(fault)
        self._running = False

    def done(self, result: Mapping[str, Any] | None) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        if current.always_reports or not self.queue:
            data = {**current.data(), **(result or {})}
            sequence = self.call.tell(events.ACTION_SUCCESSFUL, _about(current), data)
            self.waits_for = sequence if self.queue else None
        self.run()

    def hung_up(self, sequence: int | None) -> None:
        """The running Hangup has cut its leg; `sequence`: the event whose answer the list waits for."""
        self.current = None
        self.waits_for = sequence if self.queue else None
        self.run()

    def failed(self, fault: Fault) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        if not (self.from_update and self.call.switches.update_survives_failure):
            self.queue.clear()
        self.from_update = False
        self.waits_for = None
        self.call.tell(events.ACTION_FAILED, _about(current), {**current.data(), **fault.fields()})
        self.run()

    def leg_ended(self, leg: Leg, sip_code: int) -> None:
        """Cut the running action if it was this leg's, and with it the list."""
        current = self.current
        if current is None or current.subject is not leg:
            if current is not None:
                current.leg_ended(leg, sip_code)
            return
        current.cut()
        if self.call.switches.cut_actions_fail:
            self.failed(Fault("SystemException", "System error while running action."))
        else:
            self.clear()

    def clear(self) -> None:
        """Nothing more is done; the running action is stopped without a word."""
        self.queue.clear()
        self.waits_for = None
        current, self.current = self.current, None
        if current is not None:
            current.cut()


def _about(performance: Performance) -> str | None:
    return performance.subject.call_id if performance.subject else performance.action.about

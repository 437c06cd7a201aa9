"""The list of actions that a call is working through.

Rule 1: actions run in order, one at a time; each is validated when its turn comes.
Rule 2: the success of the last one is sent. In the middle of a list only actions that always report send it, and then
the list waits for the answer. A failure is always sent and clears the list.
Rule 3: an answer with actions replaces what is queued. The running action finishes first, unless the answer is to an
update and the action can be interrupted. An empty answer lets the list continue.
Sources: invoke-on-call-leg page ("NULL keeps the existing set"), AWS's workshop for the reports in the middle of a
list.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pstn import events
from pstn.actions import TABLE, RunningAction
from pstn.actions.base import Action, ActionError, CallContext
from pstn.legs import Leg


class EventSender(CallContext, Protocol):
    def send_event(self, event_type: str, about: str | None, data: Mapping[str, Any] | None = None) -> int | None:
        """Send an event; returns its sequence, or None if it will never be answered."""


class ActionList:
    def __init__(self, call: EventSender) -> None:
        self.call = call
        self.queue: deque[Action] = deque()
        self.current: RunningAction | None = None
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
            current.abort()
            self.call.send_event(events.ACTION_INTERRUPTED, _about(current), current.data())
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
            running = TABLE.get(action.type, RunningAction)(self.call, action)
            self.current = running
            try:
                running.start()
            except ActionError as error:
                self.failed(error)
        self._running = False

    def done(self, result: Mapping[str, Any] | None) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        if current.always_reports or not self.queue:
            data = {**current.data(), **(result or {})}
            sequence = self.call.send_event(events.ACTION_SUCCESSFUL, _about(current), data)
            self.waits_for = sequence if self.queue else None
        self.run()

    def hung_up(self, sequence: int | None) -> None:
        """The running Hangup has ended its leg. `sequence`: the event whose answer the list waits for."""
        self.current = None
        self.waits_for = sequence if self.queue else None
        self.run()

    def failed(self, error: ActionError) -> None:
        current, self.current = self.current, None
        if current is None:
            return
        if not (self.from_update and self.call.switches.update_survives_failure):
            self.queue.clear()
        self.from_update = False
        self.waits_for = None
        self.call.send_event(events.ACTION_FAILED, _about(current), {**current.data(), **error.fields()})
        self.run()

    def leg_ended(self, leg: Leg, sip_code: int) -> None:
        """If the running action was for this leg, abort it and clear the list."""
        current = self.current
        if current is None or current.subject is not leg:
            if current is not None:
                current.leg_ended(leg, sip_code)
            return
        cut = self.call.switches.cut_actions
        if cut == "fail":
            current.abort()
            self.failed(ActionError("SystemException", "System error while running action."))
            return
        self.clear()
        if cut == "succeed":
            data = {**current.data(), **current.results()}
            self.call.send_event(events.ACTION_SUCCESSFUL, _about(current), data)

    @property
    def idle(self) -> bool:
        return self.current is None and not self.queue

    def clear(self) -> None:
        """Drop what is queued, and abort the running action without reporting it."""
        self.queue.clear()
        self.waits_for = None
        current, self.current = self.current, None
        if current is not None:
            current.abort()


def _about(running: RunningAction) -> str | None:
    return running.subject.call_id if running.subject else running.action.about

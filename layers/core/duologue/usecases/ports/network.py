"""The carrier: requests to it, and its events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from duologue.call_control.actions import Action
from duologue.call_control.events import CallEvent, InboundCall
from duologue.domain.calls.call import Call
from duologue.usecases.ports.call_changes import Answer


class Network(Protocol):
    """Requests to the carrier.

    Each may raise `OutsideUnavailable` (`dial_caller`: `DialUncertain` instead). All but `dial_caller` must be
    idempotent.
    """

    def mark(self, unique: str) -> str:
        """The mark of a dial, which is stored before the dial: `unique`, and who will be asked for it, if that may be
        one of several.

        `unique`: a UUID that no other invocation has.
        """

    def dial_caller(self, call: Call, mark: str, store: Callable[[str], bool]) -> None:
        """Dial the caller from its display number. Every event of the network call carries the call's id.

        `mark`: as it is stored. `store`: called with the next mark before somebody else is asked; False: it was not
        stored, so nobody may be asked.

        Raises:
            NothingWasDialled: no capacity at the moment, or the request was never sent; it may be repeated.
            DialRefused: refused for good.
            DialUncertain: the dial may have left; it must not be repeated.
        """

    def dial_callee(self, network_call: str) -> None:
        """Request the callee's dial: the carrier sends DialCalleeAsked. Raises NoSuchNetworkCall, NothingWasDialled."""

    def say_last_minute(self, network_call: str) -> None:
        """Request the last-minute prompt. Raises NoSuchNetworkCall, NothingWasDialled."""

    def end(self, network_call: str) -> bool:
        """Ask for the call to end. False: the network no longer knows the call, so no leg is up."""


class PromptStopper(Protocol):
    """For a carrier that plays a prompt to its end before it executes the answer to a leg's end."""

    def stop_prompt(self, application: str, network_call: str) -> None:
        """Request EndAsked, the answer to which interrupts a prompt. Idempotent; nothing if the call has ended.

        `application`: from the event (`Invocation.application`).

        Raises:
            OutsideUnavailable: it may not have been requested.
        """


class Invocation(Protocol):
    """A parsed event of a carrier; each carrier's wire package has its class."""

    @property
    def network_call(self) -> str: ...
    @property
    def application(self) -> str:
        """What the carrier sent the event for, if its requests must name it; otherwise empty."""

    @property
    def event_key(self) -> str:
        """Identifies the event within its network call; a repeat has the same."""

    @property
    def call_id(self) -> str | None: ...
    @property
    def event(self) -> CallEvent: ...
    @property
    def introduces(self) -> bool:
        """The answer must give the network our call id to store."""

    @property
    def called_in_at(self) -> datetime | None:
        """Of a call to a display number: when its leg was created, by the network's clock. None: of any other call."""


class AnswerInbound(Protocol):
    """Answers calls to display numbers (usecases/memory/answer_inbound_call.py)."""

    def call_id_of(self, network_call: str, started_at: datetime | None, /) -> str:
        """The call's id, the same for every event of its network call."""

    def __call__(self, said: Invocation, event: InboundCall, /) -> Answer:
        """Raises OutsideUnavailable."""


class NetworkFormat(Protocol):
    """Parses a carrier's events and writes the answers.

    `sends_again`: the carrier repeats an event whose function failed, and disconnects nobody meanwhile. False: a
    failure may disconnect a person (R17), so an event is answered even if it cannot be recorded.
    """

    sends_again: bool

    def read(self, payload: Mapping[str, Any], now: datetime) -> Invocation:
        """Total: an unknown event is Informational."""

    def write(self, actions: Sequence[Action], introduces: str | None) -> Answer:
        """`introduces`: our call id, if the network must store it."""

    def carry_out(self, said: Invocation, answer: Answer) -> None:
        """For a carrier to which actions are sent, rather than returned as the answer to its event.

        Called after the event is committed, and again for a repeat, with the same answer: the carrier deduplicates by
        the event's key.

        Raises:
            OutsideUnavailable: the result is unknown; the event must be repeated.
        """

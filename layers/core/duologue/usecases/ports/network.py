"""The carrier: what the platform asks of it, and what it says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from duologue.call_control.actions import Action
from duologue.call_control.events import CallEvent
from duologue.domain.call import Call
from duologue.usecases.ports.calls import Answer


class Network(Protocol):
    """Requests to the carrier.

    Each may raise `OutsideUnavailable` (`dial_caller`: `DialUncertain` instead). Where a carrier is asked a second time
    for what it does already, nothing must happen twice, except by `dial_caller`.
    """

    def dial_caller(self, call: Call) -> None:
        """Ring the caller, showing its display number. The call's id comes back with every event of it.

        Raises:
            NothingWasDialled: no room for it now, or the request was never sent; it may be repeated.
            DialRefused: a definite no, for good.
            DialUncertain: the dial may have left; it must not be repeated.
        """

    def dial_callee(self, network_call: str) -> None:
        """Have the callee rung: the carrier sends DialCalleeAsked. Raises NoSuchNetworkCall, NothingWasDialled."""

    def say_last_minute(self, network_call: str) -> None:
        """Have the last minute announced. Raises NoSuchNetworkCall, NothingWasDialled."""

    def end(self, network_call: str) -> bool:
        """Ask for the call to end. False: the network no longer knows the call, so no leg is up."""


class Invocation(Protocol):
    """One event as a carrier sent it; each carrier's wire package makes them."""

    @property
    def network_call(self) -> str: ...
    @property
    def event_key(self) -> str:
        """Names the event within its network call; a repeat has the same."""

    @property
    def call_id(self) -> str | None: ...
    @property
    def event(self) -> CallEvent: ...
    @property
    def introduces(self) -> bool:
        """The network must be given our call id with the answer, to be kept."""


class NetworkFormat(Protocol):
    """How a carrier's events are read and answered.

    `sends_again`: an event whose function failed comes again, and nobody is cut off meanwhile. False: a failure may cut
    off a person (R17), so an event is answered even if it cannot be recorded.
    """

    sends_again: bool

    def read(self, payload: Mapping[str, Any], now: datetime) -> Invocation:
        """Total: what cannot be read is an Informational event."""

    def write(self, actions: Sequence[Action], introduces: str | None) -> Answer:
        """`introduces`: our call id, if the network must be told to keep it."""

    def carry_out(self, said: Invocation, answer: Answer) -> None:
        """For a carrier that is told its actions, and does not take them as the answer to its event.

        It is called once the event is committed, and again for a repeat, with the same answer: under the event's key
        the carrier does nothing twice.

        Raises:
            OutsideUnavailable: it is not known to be done; the event must come again.
        """

"""The events that the network of the model sends."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from duologue.call_control.actions import HangUp, PlayPrompt
from duologue.call_control.events import (
    ActionRefused,
    BridgeFailed,
    CallEvent,
    DialAccepted,
    DialCalleeAsked,
    EndAsked,
    LastMinuteAsked,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptPlayed,
)
from duologue.domain.calls.outcome import Party
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, NOW

LEG_IDS = {Party.CALLER: LEG_A, Party.CALLEE: LEG_B}
BY_REQUEST = frozenset({"dial callee asked", "last minute asked", "end asked"})
"""Sent because the platform asked for it: what is answered interrupts a prompt."""
UNANSWERABLE = frozenset({"dial accepted", "caller rings", "callee rings"})
"""What is answered to these is ignored."""
TELL_WHO_IS_UP = frozenset(
    {"end asked", "caller not reached", "caller rejected", "caller ended", "callee busy", "callee ended"}
)


class Sent(NamedTuple):
    """One event on its way. `number` tells it from others of its kind; `connected`: who was up when it was sent."""

    kind: str
    number: int = 0
    connected: tuple[Party, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def title(self) -> str:
        up = f" ({', '.join(self.connected)} up)" if self.connected else ""
        return self.kind + up + (f" #{self.number}" if self.number else "")

    def event(self) -> CallEvent:
        return _EVENTS[self.kind](self)

    def legs(self) -> Mapping[Party, str]:
        return {party: LEG_IDS[party] for party in self.connected}


def _ended(party: Party, sip_status: int) -> Callable[[Sent], CallEvent]:
    return lambda sent: LegEnded(NOW, NETWORK_CALL, party, LEG_IDS[party], sip_status, sent.legs())


_EVENTS: dict[str, Callable[[Sent], CallEvent]] = {
    "dial accepted": lambda sent: DialAccepted(NOW, NETWORK_CALL, LEG_A, NOW),
    "caller rings": lambda sent: LegRinging(NOW, NETWORK_CALL, Party.CALLER, LEG_A, NOW),
    "caller answered": lambda sent: LegAnswered(NOW, NETWORK_CALL, Party.CALLER, LEG_A, NOW),
    "caller not reached": _ended(Party.CALLER, 480),
    "caller rejected": _ended(Party.CALLER, 480),
    "caller ended": _ended(Party.CALLER, 0),
    "callee rings": lambda sent: LegRinging(NOW, NETWORK_CALL, Party.CALLEE, LEG_B, NOW),
    "callee answered": lambda sent: LegAnswered(NOW, NETWORK_CALL, Party.CALLEE, LEG_B, NOW),
    "callee busy": _ended(Party.CALLEE, 486),
    "callee ended": _ended(Party.CALLEE, 0),
    "bridge failed": lambda sent: BridgeFailed(NOW, NETWORK_CALL),
    "bridge refused": lambda sent: BridgeFailed(NOW, NETWORK_CALL, refused="InvalidActionParameter"),
    "no room for the bridge": lambda sent: BridgeFailed(NOW, NETWORK_CALL, refused="SystemException", no_room=True),
    "ringback unplayable": lambda sent: BridgeFailed(NOW, NETWORK_CALL, refused="InvalidAudioSource", unplayable=True),
    "prompt played": lambda sent: PromptPlayed(NOW, NETWORK_CALL),
    "prompt refused": lambda sent: ActionRefused(NOW, NETWORK_CALL, PlayPrompt.__name__, "refused"),
    "hang-up refused": lambda sent: ActionRefused(NOW, NETWORK_CALL, HangUp.__name__, "refused"),
    "dial callee asked": lambda sent: DialCalleeAsked(NOW, NETWORK_CALL),
    "last minute asked": lambda sent: LastMinuteAsked(NOW, NETWORK_CALL),
    "end asked": lambda sent: EndAsked(NOW, NETWORK_CALL, sent.legs()),
}

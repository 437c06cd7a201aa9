"""What really happened in the telephone network, by its own events: legs, dials, and who was left alone.

The invariants compare it with what the platform recorded. Nothing of the platform is asked here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pstn.feed import NetworkEvent

ZERO = timedelta(0)


@dataclass
class Leg:
    number: str
    shown: str
    called_at: datetime
    up_at: datetime | None = None
    ended_at: datetime | None = None
    joined_at: datetime | None = None
    alone_from: datetime | None = None
    vanished: bool = False

    @property
    def is_up(self) -> bool:
        return self.up_at is not None and self.ended_at is None


@dataclass
class NetworkCall:
    """`of`: the item. `came_in`: a phone dialled it."""

    id: str
    of: int
    came_in: bool
    at: datetime
    call_id: str | None = None
    legs: dict[str, Leg] = field(default_factory=dict)
    """By the network's id of the leg."""
    over_at: datetime | None = None

    def talk(self) -> timedelta:
        """For how long two parties were joined."""
        begins = [leg.joined_at for leg in self.legs.values() if leg.joined_at is not None and leg.ended_at is not None]
        ends = [leg.ended_at for leg in self.legs.values() if leg.joined_at is not None and leg.ended_at is not None]
        return max(ZERO, min(ends) - max(begins)) if len(ends) > 1 else ZERO


@dataclass(frozen=True)
class Alone:
    """A leg that outlived its peer, and for how long."""

    network_call: NetworkCall
    number: str
    seconds: float


class Watch:
    def __init__(self, item_of_call: Callable[[str], int], arriving: Callable[[], int]) -> None:
        """`arriving`: the item whose phone dials at this moment."""
        self.calls: dict[str, NetworkCall] = {}
        self.of_item: dict[int, list[NetworkCall]] = {}
        self.alone: list[Alone] = []
        self.recorded: list[str] = []
        self.on_recorded: Callable[[str], None] = self.recorded.append
        self.on_alone: Callable[[Alone], None] = self.alone.append
        self._item_of_call, self._arriving = item_of_call, arriving

    def __call__(self, event: NetworkEvent) -> None:
        handle = _HANDLERS.get(event.kind)
        if handle is not None:
            handle(self, event)

    def _placed(self, event: NetworkEvent) -> None:
        call_id = str(event.detail["arguments"]["callId"])
        self._new(event, self._item_of_call(call_id), call_id, came_in=False)

    def _called_in(self, event: NetworkEvent) -> None:
        self._new(event, self._arriving(), None, came_in=True)

    def _new(self, event: NetworkEvent, item: int, call_id: str | None, *, came_in: bool) -> None:
        assert event.transaction is not None
        call = NetworkCall(event.transaction, item, came_in, event.at, call_id)
        self.calls[call.id] = call
        self.of_item.setdefault(item, []).append(call)

    def _over(self, event: NetworkEvent) -> None:
        self.calls[str(event.transaction)].over_at = event.at

    def _was_recorded(self, event: NetworkEvent) -> None:
        self.on_recorded(event.detail["place"])

    def _called(self, event: NetworkEvent) -> None:
        leg = Leg(str(event.number), event.detail["shown"], event.at)
        self.calls[str(event.transaction)].legs[event.detail["call_id"]] = leg

    def _leg(self, event: NetworkEvent) -> tuple[NetworkCall, Leg] | None:
        call = self.calls.get(str(event.transaction))
        if call is None:
            return None
        name = event.detail["call_id"]
        if name not in call.legs:  # the phone that dialled in
            call.legs[name] = Leg(str(event.number), "", call.at)
        return call, call.legs[name]

    def _picked_up(self, event: NetworkEvent) -> None:
        found = self._leg(event)
        if found:
            found[1].up_at = event.at

    def _joined(self, event: NetworkEvent) -> None:
        found = self._leg(event)
        if found and found[1].joined_at is None:
            found[1].joined_at = event.at

    def _vanished(self, event: NetworkEvent) -> None:
        found = self._leg(event)
        if found:
            found[1].vanished = True

    def _ended(self, event: NetworkEvent) -> None:
        found = self._leg(event)
        if not found:
            return
        call, leg = found
        leg.ended_at = event.at
        if leg.alone_from is not None:
            self.on_alone(Alone(call, leg.number, (event.at - leg.alone_from).total_seconds()))
        if leg.joined_at is not None:
            for other in call.legs.values():
                if other is not leg and other.is_up and other.joined_at is not None:
                    other.alone_from = event.at


_HANDLERS: dict[str, Callable[[Watch, NetworkEvent], None]] = {
    "placed": Watch._placed,
    "called_in": Watch._called_in,
    "over": Watch._over,
    "recorded": Watch._was_recorded,
    "called": Watch._called,
    "picked_up": Watch._picked_up,
    "joined": Watch._joined,
    "vanished": Watch._vanished,
    "ended": Watch._ended,
}

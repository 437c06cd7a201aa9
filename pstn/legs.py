"""One leg of a call, and the key of its recording."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Literal

DEFAULT_PREFIX = "Amazon-Chime-SMA-Call-Recordings"


class Tag(StrEnum):
    """The two names a leg can have in a transaction."""

    A = "LEG-A"
    B = "LEG-B"


class LegState(Enum):
    """RINGING includes dialling: the service makes no difference."""

    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


@dataclass
class Leg:
    """`direction` is seen from the service: Outbound means that the service dials."""

    call_id: str
    tag: Tag
    caller_id: str
    to: str
    direction: Literal["Inbound", "Outbound"]
    started_at: datetime
    state: LegState = LegState.RINGING
    sip_headers: dict[str, str] | None = None
    recording_id: str | None = None
    recorded: bool = False
    rang: bool = False
    listed: bool = True
    """Whether it is among Participants: a bridged leg only once it answers, an ended one as the switch says."""

    @property
    def up(self) -> bool:
        return self.state is LegState.UP

    @property
    def ended(self) -> bool:
        return self.state is LegState.ENDED


def recording_key(prefix: str, leg: Leg, transaction_id: str) -> str:
    """Where the service puts a leg's recording (start-call-recording page): date and time of the leg's start, UTC."""
    start = leg.started_at
    stamp = f"{start:%Y-%m-%d-%H-%M-%S}-{start.microsecond // 1000:03d}"
    return f"{prefix.strip('/') or DEFAULT_PREFIX}/{start:%Y/%m/%d}/{stamp}_{transaction_id}_{leg.call_id}.wav"

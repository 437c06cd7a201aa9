"""One leg of a call, and the place its recording gets."""

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
    """Ringing covers dialling too: the service shows no difference."""

    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


@dataclass
class Leg:
    """`direction` is seen from the service: Outbound means that it calls out."""

    call_id: str
    tag: Tag
    shown: str
    to: str
    direction: Literal["Inbound", "Outbound"]
    started_at: datetime
    state: LegState = LegState.RINGING
    sip_headers: dict[str, str] | None = None
    recording_id: str | None = None
    recorded: bool = False
    rang: bool = False
    listed: bool = True
    """Shown in Participants: a bridge's leg only once it answers, an ended one as the switch says."""

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

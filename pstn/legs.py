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


def recording_key(prefix: str, at: datetime, leg: Leg, transaction_id: str) -> str:
    """Where the service puts a recording (start-call-recording page). `at`: of a call recording, the leg's start."""
    stamp = f"{at:%Y-%m-%d-%H-%M-%S}-{at.microsecond // 1000:03d}"
    name = f"{at:%Y/%m/%d}/{stamp}_{transaction_id}_{leg.call_id}.wav"
    return f"{prefix.strip('/')}/{name}" if prefix.strip("/") else name

"""A recording of a call."""

from dataclasses import dataclass
from datetime import datetime

_CALLS, _PUBLISHED = "calls/", "published/"


KEEP_DAYS = (1, 3, 7, 14, 30, 60, 90)
"""Retention periods that an app can choose; each has a lifecycle rule in template.yaml."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was started. `key`: where the network stores its stereo file after the call."""

    key: str
    started_at: datetime
    deleted_at: datetime | None = None
    """When the SP deleted it; a file that arrives later is deleted on arrival."""
    missing_at: datetime | None = None
    """When the file was looked for, well after the call, and had not arrived. One that arrives later is served."""


def folder_of(app: str, call_id: str) -> str:
    """The folder in which the network stores the recording of a call; it identifies app and call."""
    return f"{_CALLS}{app}/{call_id}"


def owner_of(key: str) -> tuple[str, str] | None:
    """App and call of the network's file with this key; None: not a key of a recording."""
    parts = key.removeprefix(_CALLS).split("/")
    return (parts[0], parts[1]) if key.startswith(_CALLS) and len(parts) > 2 else None


def published_key(app: str, call_id: str) -> str:
    """Key of the published recording: A-law, 8 kHz, both parties in one channel."""
    return f"{_PUBLISHED}{app}/{call_id}.wav"

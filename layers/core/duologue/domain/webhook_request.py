"""A notification on its way to an SP, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One notification as it goes out: signed, for one URL."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `body` is cut at a few kilobytes. `status` None: nothing came, and `note` says why."""

    status: int | None
    body: bytes = b""
    note: str = ""

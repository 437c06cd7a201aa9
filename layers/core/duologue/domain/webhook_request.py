"""The HTTP request of a notification, and its response."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One notification: signed, for one URL."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """The response. `body` is cut at a few kilobytes. `status` None: there was none, and `note` says why."""

    status: int | None
    body: bytes = b""
    note: str = ""

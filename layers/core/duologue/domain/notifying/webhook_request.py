"""The HTTP request of a notification, and its response."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One notification: signed, for one URL. `reply_body_counts`: its success depends on the response's body too."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    reply_body_counts: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The response. `status` None: there was none, and `note` says why, to the SP; `cause` to the operator, if known.

    `body`: what was read of it in time, at most a few kilobytes. `retry_after`: the header of this name, or "".
    """

    status: int | None
    body: bytes = b""
    note: str = ""
    retry_after: str = ""
    cause: str = field(default="", compare=False)

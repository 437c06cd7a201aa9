"""An SP's server that answers as it is told to."""

import json
from collections.abc import Iterable
from typing import Any

from duologue.domain.errors import ForbiddenAddress
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest


class FakeSpEndpoints:
    """Plays `SpEndpoints`. `replies` are given in turn; after them every request gets 200."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[WebhookRequest] = []
        self.forbidden: set[str] = set()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        for field, url in urls:
            if url in self.forbidden:
                raise ForbiddenAddress(field, "is forbidden")

    def post(self, request: WebhookRequest) -> Reply:
        self.requests.append(request)
        return self.replies.pop(0) if self.replies else Reply(200)

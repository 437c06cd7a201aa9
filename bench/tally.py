"""What is written to the lab's DynamoDB: it looks at each request on its way in, and at what became of it.

Functions, the state machine and the stream's reader all come in by the same door, so nothing is missed.
"""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from lab.aws.engine import part

_SINGLE = ("PutItem", "UpdateItem", "DeleteItem")
_WHOLE = "TransactWriteItems"


@dataclass
class Writes:
    """`requests` and `items` by operation; `refused`: conditions that did not hold, nothing written."""

    requests: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def seen(self) -> int:
        return self.requests.total() + self.refused.total()


@dataclass
class Tally:
    """Counts while it is attached. Its numbers may be read at any time."""

    writes: Writes = field(default_factory=Writes)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def attached(self) -> Any:
        handlers = part("app").SERVICE_HANDLERS
        stock = handlers["dynamodb"]

        async def looked_at(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
            answer = await stock(method, path, headers, body, query)
            self._count(headers.get("x-amz-target", "").rpartition(".")[2], body, int(answer[0]))
            return answer

        handlers["dynamodb"] = looked_at
        try:
            yield self
        finally:
            handlers["dynamodb"] = stock

    def _count(self, operation: str, body: bytes, status: int) -> None:
        if operation not in (*_SINGLE, _WHOLE):
            return
        items = len(json.loads(body)["TransactItems"]) if operation == _WHOLE else 1
        with self._lock:
            if status != 200:
                self.writes.refused[operation] += 1
            else:
                self.writes.requests[operation] += 1
                self.writes.items[operation] += items

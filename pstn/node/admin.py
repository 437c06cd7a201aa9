"""The port of a node's operators: health, readiness and metrics, and nothing else.

`/healthz`: 503 if the process must be started anew. `/readyz`: 503, with the reasons, while the node takes no calls.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from prometheus_client import CONTENT_TYPE_LATEST

from pstn.node.http import Answer, Request

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class Admin:
    """`unhealthy`, `unready`: why, one line for each reason. `pool`: runs all three."""

    def __init__(
        self,
        unhealthy: Callable[[], Sequence[str]],
        unready: Callable[[], Sequence[str]],
        metrics: Callable[[], bytes],
        pool: Executor,
    ) -> None:
        self._reasons = {"/healthz": unhealthy, "/readyz": unready}
        self._metrics, self._pool = metrics, pool

    async def handle(self, request: Request) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.answer, request)

    def answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return 405, _TEXT, b""
        if request.target == "/metrics":
            return 200, {"Content-Type": CONTENT_TYPE_LATEST}, self._metrics()
        if request.target not in self._reasons:
            return 404, _TEXT, b""
        reasons = list(self._reasons[request.target]())
        return 503 if reasons else 200, {"Content-Type": "application/json"}, json.dumps({"reasons": reasons}).encode()

"""The API of a node: creating a call and updating one, in the wire of chime-sdk-voice, signed.

| Request | Answer |
| --- | --- |
| not a route below, another method | 404 |
| more than 64 KiB | 413 |
| signature missing, wrong, old, or received before | 403 ForbiddenException |
| `POST /sip-media-applications/{id}/calls` | 201; 429 while the node takes no calls; see COVERAGE.md |
| `POST /sip-media-applications/{id}/calls/{TransactionId}` | 202; 404 if the call has ended |
| the same for a call of another node | that node's answer |
| … which is not in the table, dead or gone; or a second hop | 404 |
| … which does not answer in time | 503: it may have taken the update |
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

import urllib3

from pstn import wire
from pstn.node.http import Answer, Request
from pstn.node.signature import BEFORE, FORWARDED, Verifier, sign
from pstn.node.table import NodesTable, TableError, owner_of
from pstn.refusals import ServiceRefusal

CONNECT_S, READ_S = 1.0, 4.0
_CALLS = re.compile(r"/sip-media-applications/[^/?]+/calls")
_CALL = re.compile(r"/sip-media-applications/[^/?]+/calls/(?P<transaction>[^/?]+)")
_JSON = {"Content-Type": "application/json"}
_NO_CALL = ServiceRefusal("NotFound", "The call does not exist or has ended")
_log = logging.getLogger(__name__)


class Service(Protocol):
    """Of pstn.service.PstnService."""

    def answer(self, method: str, path: str, body: bytes, query: dict[str, list[str]]) -> wire.Answer: ...


class Api:
    """Handles the requests to one node.

    Args:
        node: its id.
        service: carries requests out.
        verifier: of the requests.
        forward: passes an update on to the node with this id.
        pool: runs what blocks.
        count: of pstn.node.metrics.Metrics.
    """

    def __init__(
        self,
        node: str,
        service: Service,
        verifier: Verifier,
        forward: Callable[[str, Request], Answer],
        pool: Executor,
        count: Callable[..., None],
    ) -> None:
        self._node, self._service, self._verifier = node, service, verifier
        self._forward, self._pool, self._count = forward, pool, count

    async def handle(self, request: Request) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.answer, request)

    def answer(self, request: Request) -> Answer:
        call = _CALL.fullmatch(request.target)
        if request.method != "POST" or not (call or _CALLS.fullmatch(request.target)):
            return wire.error(ServiceRefusal("NotFound", "There is no such operation"))
        refusal = self._verifier.refusal(request.method, request.target, request.headers, request.body)
        if refusal is not None:
            self._count("SignaturesRefused")
            _log.warning("a request was refused", extra={"reason": refusal})
            # Whose clock is behind may send a dial again: it must not count as one that was refused for good.
            return wire.error(ServiceRefusal("Throttled" if refusal == BEFORE else "Forbidden", refusal))
        owner = owner_of(unquote(call["transaction"])) if call else self._node
        if owner == self._node:
            return self._service.answer(request.method, request.target, request.body, {})
        if owner is None or FORWARDED.lower() in request.headers:
            return wire.error(_NO_CALL)
        self._count("RequestsForwarded")
        return self._forward(owner, request)


@dataclass(frozen=True)
class Forwarder:
    """Passes updates on to the nodes whose calls they are about. `now`: unix seconds."""

    node: str
    secret: str
    table: NodesTable
    now: Callable[[], float] = time.time

    def __call__(self, owner: str, request: Request) -> Answer:
        try:
            row = self.table.row(owner)
        except TableError as error:
            _log.warning("an update was not passed on", extra={"owner": owner, "error": str(error)})
            return wire.error(ServiceRefusal("ServiceUnavailable", "The table of the nodes does not answer"))
        if row is None or row.gone or row.is_dead(self.now()):
            return wire.error(_NO_CALL)
        signed = sign(
            self.secret,
            request.method,
            row.address,
            request.target,
            request.body,
            time=int(self.now()),
            nonce=secrets.token_hex(16),
            forwarded_by=self.node,
        )
        try:
            with urllib3.PoolManager(num_pools=1, retries=False) as http:
                answer = http.request(
                    request.method,
                    f"http://{row.address}{request.target}",
                    body=request.body,
                    headers={**_JSON, **signed},
                    timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S),
                    redirect=False,
                )
        except urllib3.exceptions.HTTPError as error:
            _log.warning("an update was not passed on", extra={"owner": owner, "error": type(error).__name__})
            return wire.error(ServiceRefusal("ServiceUnavailable", "The node of the call does not answer"))
        names = ("Content-Type", "x-amzn-ErrorType")
        return answer.status, {name: answer.headers[name] for name in names if name in answer.headers}, answer.data

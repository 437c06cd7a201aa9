"""The servers of the SPs, which fail in every way, and what each of them received."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from tests.simulation.fibers import FiberClock
from tests.simulation.plan import How, Outage

GONE = "gone"
_HANGS = 9.0


@dataclass(frozen=True)
class Arrival:
    """One request that reached an SP's server. `taken`: the SP knows of it, whatever its answer was."""

    at: datetime
    call_id: str
    sequence: int
    kind: str
    body: dict[str, Any]
    taken: bool


class Servers:
    """Plays `SpEndpoints` and `SpUrls`. `fault`: what the server does with this request, if the plan says so."""

    def __init__(
        self, clock: FiberClock, outages: Sequence[Outage], fault: Callable[[str], tuple[str, float] | None]
    ) -> None:
        self._clock, self._start, self._outages, self._fault = clock, clock.now(), outages, fault
        self.arrivals: dict[str, list[Arrival]] = {}
        """By call."""
        self.first: dict[str, list[int]] = {}
        """By call: the sequences in the order of their first attempts."""

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        return None

    def note_attempt(self, request: WebhookRequest) -> None:
        """It may not arrive."""
        call_id, sequence = _message(request)
        first = self.first.setdefault(call_id, [])
        if sequence not in first:
            first.append(sequence)

    def post(self, request: WebhookRequest) -> Reply:
        body = json.loads(request.body)
        call_id, sequence = _message(request)
        how, seconds = self._fault(call_id) or self._outage(request.url)
        taken = how in ("", How.SP_TAKES_SILENTLY)
        if how != How.SP_REFUSES:
            arrival = Arrival(self._clock.now(), call_id, sequence, body["eventType"], body, taken)
            self.arrivals.setdefault(call_id, []).append(arrival)
        match how:
            case How.SP_REFUSES:
                return Reply(None, note="connection refused")
            case How.SP_HANGS | How.SP_TAKES_SILENTLY:
                self._clock.sleep(_HANGS)
                return Reply(None, note="no response in time")
            case How.SP_ERROR:
                return Reply(500)
            case How.SP_TOO_MANY:
                return Reply(429, retry_after=f"{seconds:.0f}")
            case "gone":
                return Reply(410)
        return Reply(200, b'{"resultcode":"0"}')

    def _outage(self, url: str) -> tuple[str, float]:
        elapsed = (self._clock.now() - self._start) / timedelta(seconds=1)
        for outage in self._outages:
            if f"/{app_key(outage.app)}/" in url and outage.begins <= elapsed < outage.ends:
                return outage.how, 60.0
        return "", 0.0


def app_key(app: int) -> str:
    return f"app-{app}"


def _message(request: WebhookRequest) -> tuple[str, int]:
    """The call and the sequence that a request names, as an SP reads them."""
    call_id, _, sequence = request.headers["webhook-id"].rpartition("-")
    return call_id, int(sequence)

"""Which endpoints of an app are left alone for now.

A circuit breaker per origin (scheme, host and port), so that an SP that hangs holds no invocations that others need:

    closed ──5 failures in a row──▶ open for 30 s ──▶ one probe ──failed──▶ open for twice as long
       ▲                                                  │
       └───────────────── answered ───────────────────────┘

It is open for 5 minutes at most. A failure is no response, or a status from 500; while the circuit is open, only the
probe's counts, since requests that began before say nothing new. And a switch per URL: one that answered 410 (Gone) is
not posted to until the SP sets its URLs again. Only the app's own URLs are switched off: one that a single request
named has no future anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlsplit

FAILURES = 5
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=5)
_PROBE = timedelta(seconds=30)
"""After this a probe of which nothing was heard is replaced by another one."""
_MOST = 20
"""Origins of one app; of more, the others have no circuit breaker."""


class Verdict(Enum):
    POST = "post"
    PROBE = "probe"
    WAIT = "wait"
    SWITCHED_OFF = "switched off"


@dataclass(frozen=True, slots=True)
class Circuit:
    """`failures` in a row. `until`: open, or a probe is under way, until then."""

    failures: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """Of one app; empty while all its endpoints answer. `version` counts the writes."""

    circuits: Mapping[str, Circuit] = field(default_factory=dict)
    """By origin; only those with failures."""
    gone: tuple[str, ...] = ()
    """URLs that are switched off."""
    version: int = 0

    def verdict(self, url: str, now: datetime) -> Verdict:
        if url in self.gone:
            return Verdict.SWITCHED_OFF
        circuit = self.circuits.get(origin(url))
        if circuit is None or circuit.until is None:
            return Verdict.POST
        return Verdict.WAIT if now < circuit.until else Verdict.PROBE

    def probing(self, url: str, now: datetime) -> "EndpointHealth":
        """Until the probe is over, nobody else makes one."""
        return self._with(url, replace(self.circuits[origin(url)], until=now + _PROBE))

    def probed_from(self, url: str, now: datetime) -> "EndpointHealth | None":
        """With the pause of the URL's origin ended. None: there is none."""
        circuit = self.circuits.get(origin(url))
        if circuit is None or circuit.until is None or circuit.until <= now:
            return None
        return self._with(url, replace(circuit, until=now))

    def switched_on(self, url: str) -> "EndpointHealth":
        return replace(self, gone=tuple(each for each in self.gone if each != url))

    def answered(
        self, url: str, status: int | None, now: datetime, *, own: bool, probe: bool = False
    ) -> "EndpointHealth":
        """After a request. `own`: the URL is one of the app's, not of a single call. `probe`: as `verdict` said."""
        if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self if self.verdict(url, now) is Verdict.WAIT and not probe else self._failed(url, now)
        circuits = {name: circuit for name, circuit in self.circuits.items() if name != origin(url)}
        gone = self.switched_on(url).gone
        return replace(self, circuits=circuits, gone=(*gone, url) if own and status == HTTPStatus.GONE else gone)

    def _failed(self, url: str, now: datetime) -> "EndpointHealth":
        failures = 1 + getattr(self.circuits.get(origin(url)), "failures", 0)
        until = None
        if failures >= FAILURES:
            doubled = min(failures - FAILURES, 10)
            until = now + min(FIRST_PAUSE * 2**doubled, LONGEST_PAUSE)
        return self._with(url, Circuit(failures, until))

    def _with(self, url: str, circuit: Circuit) -> "EndpointHealth":
        if origin(url) not in self.circuits and len(self.circuits) >= _MOST:
            return self
        return replace(self, circuits={**self.circuits, origin(url): circuit})


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()

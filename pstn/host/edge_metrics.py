"""What an edge's own page of metrics says, for CloudWatch: the page is for Prometheus, and stays on loopback.

pstn/edge/README.md has the page and the table of what becomes of it.
"""

import logging
import math
import secrets
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from pstn import embedded_metrics
from pstn.trunks.tls_context import SOON_DAYS, in_words

NAMESPACE = "Duologue/Edges"
GAUGES = {"TrunkUp": "kamailio_edge_up", "Registered": "kamailio_edge_registered", "Calls": "kamailio_edge_calls"}
COUNTERS = {"CredentialsRefused": "kamailio_edge_refused", "LimitRefusals": "kamailio_edge_limited"}
"""CloudWatch's name → the page's, each of a trunk."""
RTPENGINE = "127.0.0.1:22222"
"""Where `edge render` has it, by default."""
TIMEOUT_S = 2.0
_DAY_S = 86_400.0
_MOST_BYTES = 1_000_000
_log = logging.getLogger(__name__)
Samples = dict[tuple[str, str], float]
"""The page's name and the trunk → the value."""


class EdgeMetrics:
    """A source of machine.Measured: a line for each trunk, and one for the edge.

    Args:
        log_group, group: the dimensions. All edges of a stack have one log group, so a trunk's metrics are counted
            under it alone too.
        page: the text of the edge's metrics. Raises: OSError, HTTPException (Kamailio does not answer).
        has_rtpengine: whether rtpengine answers.
        certificate_days: for how many more days the edge's certificate is valid; None: it is not known.
    """

    def __init__(
        self,
        log_group: str,
        group: str,
        page: Callable[[], str],
        has_rtpengine: Callable[[], bool],
        certificate_days: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._about = {"LogGroup": log_group, "Group": group}
        self._page, self._has_rtpengine, self._certificate_days = page, has_rtpengine, certificate_days
        self._counted: Samples | None = None
        self._warned = -math.inf

    def __call__(self, now: float) -> Iterator[str]:
        read: Samples = {}
        try:
            read = samples(self._page())
        except (OSError, HTTPException) as error:
            _log.warning("the metrics of the edge cannot be read: %s: %s", type(error).__name__, error)
            if self._counted is None and isinstance(getattr(error, "reason", error), ConnectionRefusedError):
                self._counted = {}  # Kamailio does not run: the next one counts from 0
        trunks = [trunk for name, trunk in read if name == GAUGES["TrunkUp"]]
        since = self._since(read) if trunks else {}
        for trunk in trunks:
            values = {name: read[key] for name, of in GAUGES.items() if (key := (of, trunk)) in read}
            values |= {name: since.get((of, trunk), 0.0) for name, of in COUNTERS.items()}
            about = {**self._about, "Trunk": trunk}
            yield embedded_metrics.line(now, NAMESPACE, about, values, also=["LogGroup"])
        up = {"KamailioUp": float(bool(trunks)), "RtpengineUp": float(self._has_rtpengine())}
        yield embedded_metrics.line(now, NAMESPACE, self._about, up)
        if (left := self._certificate_days()) is not None:
            # Of all edges together: they have one certificate, and one alarm.
            yield embedded_metrics.line(
                now, NAMESPACE, {"LogGroup": self._about["LogGroup"]}, {"CertificateDays": float(left)}
            )
            if left < SOON_DAYS and now - self._warned >= _DAY_S:
                self._warned = now
                _log.warning("the certificate of the edge %s", in_words(left))

    def _since(self, read: Samples) -> Mapping[tuple[str, str], float]:
        """What was counted since the last page. A counter that fell, or is new, began at 0."""
        before = self._counted
        self._counted = {key: value for key, value in read.items() if key[0] in COUNTERS.values()}
        if before is None:  # of the time before this process, which another one has told
            return {}
        rose = {key: value - before.get(key, 0.0) for key, value in self._counted.items()}
        return {key: self._counted[key] if rise < 0 else rise for key, rise in rose.items()}


def samples(text: str) -> Samples:
    """What a page says of trunks; lines that are none, or of something else, are passed over."""
    found: Samples = {}
    for line in text.splitlines():
        try:
            [family] = text_string_to_metric_families(line)
        except (ValueError, LookupError):
            continue
        for sample in family.samples:
            trunk = sample.labels.get("trunk")
            if trunk and math.isfinite(sample.value):
                found[sample.name, trunk] = sample.value
    return found


def page_at(url: str) -> Callable[[], str]:
    """Raises: ValueError (`url` is none)."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ValueError(f"{url!r} is not http://ADDRESS:PORT/PATH")

    def read() -> str:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - of this machine's own settings
            content: bytes = answer.read(_MOST_BYTES)
        return content.decode("utf-8", "replace")

    return read


def rtpengine_at(place: str) -> Callable[[], bool]:
    """`place`: ADDRESS:PORT of its ng protocol, where Kamailio asks it too.

    https://rtpengine.readthedocs.io/en/latest/ng_control_protocol.html

    Raises: ValueError (`place` is none).
    """
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{place!r} is not ADDRESS:PORT")

    def answers() -> bool:
        # A cookie of its own: what was asked under an earlier one is answered from memory.
        cookie = secrets.token_hex(8).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(TIMEOUT_S)
            try:
                asking.connect((host, int(port)))
                asking.send(cookie + b" d7:command4:pinge")
                return asking.recv(1_000) == cookie + b" d6:result4:ponge"
            except OSError:
                return False

    return answers

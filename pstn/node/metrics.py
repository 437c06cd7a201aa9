"""What a node measures: for Prometheus at /metrics, and the same once a minute as a line for CloudWatch.

The line's only dimension is the application, because a node's id lasts as long as its process. README.md has the table.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pstn import embedded_metrics

NAMESPACE = "Duologue/Nodes"
EVERY_S = 60.0


@dataclass(frozen=True)
class StationStats:
    """Of one process that carries calls, since its start."""

    name: str
    cpu_seconds: float
    ticks: int
    late_ticks: int


class Metrics:
    """Counters of one node, and gauges that are read when somebody asks.

    Args:
        gauges: by the name that CloudWatch gets; Prometheus gets it in its own spelling.
        stations: what each station last reported.
    """

    def __init__(
        self, gauges: Mapping[str, tuple[str, Callable[[], float]]], stations: Callable[[], Iterable[StationStats]]
    ) -> None:
        self.registry = CollectorRegistry()
        self._gauges = {name: read for name, (_, read) in gauges.items()}
        for name, (about, read) in gauges.items():
            Gauge(_spelled(name), about, registry=self.registry).set_function(read)
        self._counters: dict[str, Counter] = {}
        for name, (about, labels) in COUNTERS.items():
            self._counters[name] = Counter(_spelled(name), about, labels, registry=self.registry)
        self._lambda = Histogram(
            "duologue_pstn_lambda_seconds",
            "Duration of one event's invocation",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._stations = stations
        self.registry.register(_Stations(stations))
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}
        self._milliseconds: list[float] = []
        self._cpu = 0.0
        self._late = 0

    def count(self, name: str, *labels: str) -> None:
        """`name`: one of COUNTERS; `labels`: in its order."""
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc()
        with self._lock:
            self._since[name] = self._since.get(name, 0) + 1

    def invoked(self, seconds: float, succeeded: bool) -> None:
        self._lambda.observe(seconds)
        with self._lock:
            if len(self._milliseconds) < embedded_metrics.MOST_VALUES:
                self._milliseconds.append(round(seconds * 1000, 1))
        if not succeeded:
            self.count("LambdaFailures")

    def text(self) -> bytes:
        """For Prometheus."""
        return generate_latest(self.registry)

    def line(self, now: float, application: str) -> str:
        """For CloudWatch: the gauges now, and what was counted since the last line. `now`: unix seconds."""
        stations = list(self._stations())
        cpu, late = sum(each.cpu_seconds for each in stations), sum(each.late_ticks for each in stations)
        with self._lock:
            counted, self._since = self._since, {}
            milliseconds, self._milliseconds = self._milliseconds, []
            # A station that was started anew counts from 0 again.
            values: dict[str, Any] = {"StationCpuSeconds": round(max(0.0, cpu - self._cpu), 3)}
            values["LateTicks"] = max(0, late - self._late)
            self._cpu, self._late = cpu, late
        values |= {name: counted.get(name, 0) for name in COUNTERS}
        values |= {name: read() for name, read in self._gauges.items()}
        if milliseconds:
            values["LambdaMilliseconds"] = milliseconds
        return embedded_metrics.line(now, NAMESPACE, {"Application": application}, values, units=UNITS)


COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Dials": ("Calls that the platform asked for and this node took", ()),
    "DialsRefused": ("Calls that the platform asked for and this node refused", ("code",)),
    "CallsIn": ("Calls from outside", ()),
    "LegsRefused": ("Legs that a trunk or a telephone refused", ("sip_class", "trunk")),
    "TrunkCredentialsRefused": ("Legs whose trunk refused our credentials or our address", ("trunk",)),
    "LambdaFailures": ("Invocations that failed", ()),
    "RequestsForwarded": ("Updates that were passed on to the call's node", ()),
    "SignaturesRefused": ("Requests to the API whose signature was refused", ()),
    "InternalErrors": ("Errors of this software", ()),
}
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
UNITS = {"LambdaMilliseconds": "Milliseconds", "StationCpuSeconds": "Seconds", "BeatAge": "Seconds"}


class _Stations(Collector):
    def __init__(self, stations: Callable[[], Iterable[StationStats]]) -> None:
        self._stations = stations

    def collect(self) -> Iterator[Metric]:
        cpu = CounterMetricFamily("duologue_pstn_station_cpu_seconds", "CPU of a station", labels=["station"])
        ticks = CounterMetricFamily("duologue_pstn_station_ticks", "Ticks of 20 ms", labels=["station"])
        late = CounterMetricFamily("duologue_pstn_station_late_ticks", "Those more than one late", labels=["station"])
        for each in self._stations():
            cpu.add_metric([each.name], each.cpu_seconds)
            ticks.add_metric([each.name], each.ticks)
            late.add_metric([each.name], each.late_ticks)
        yield from (cpu, ticks, late)


def _spelled(name: str) -> str:
    """BeatAge → duologue_pstn_beat_age."""
    return "duologue_pstn" + "".join(f"_{each.lower()}" if each.isupper() else each for each in name)

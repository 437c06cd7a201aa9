"""Counters in CloudWatch's embedded metric format: one log line each, no request."""

import json
import sys

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Duologue"


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """Count in total and per dimension. `name`: a metric of the alarms or the dashboard in template.yaml."""
    _write(name, MetricUnit.Count, value, dimensions)


def lasted(name: str, seconds: float, **dimensions: str) -> None:
    """Say how long something took, in milliseconds; `name` and `dimensions` as for `count`."""
    _write(name, MetricUnit.Milliseconds, round(seconds * 1000), dimensions)


def cost(name: str, usd: float, **dimensions: str) -> None:
    """Say what something cost, in USD; `name` and `dimensions` as for `count`."""
    _write(name, MetricUnit.NoUnit, round(usd, 9), dimensions)


def _write(name: str, unit: MetricUnit, value: float, dimensions: dict[str, str]) -> None:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name=name, unit=unit, value=value)
    if dimensions:
        metrics.add_dimensions(**dimensions)
    # One write for the line and its end: the sweeper counts in several threads.
    sys.stdout.write(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")) + "\n")

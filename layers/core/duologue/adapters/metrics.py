"""Counters in CloudWatch's embedded metric format: one log line each, no request."""

import json
import sys

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Duologue"


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """Count in total and per dimension. `name`: a metric of the alarms in template.yaml."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    if dimensions:
        metrics.add_dimensions(**dimensions)
    # One write for the line and its end: the sweeper counts in several threads.
    sys.stdout.write(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")) + "\n")

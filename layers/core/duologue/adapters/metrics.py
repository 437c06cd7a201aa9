"""Counters in CloudWatch's embedded metric format: one log line each, no request."""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Duologue"


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """Count in total and per dimension. `name`: a metric of the alarms in template.yaml."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    if dimensions:
        metrics.add_dimensions(**dimensions)
    metrics.flush_metrics()

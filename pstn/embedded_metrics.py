"""A line of metrics that CloudWatch takes out of a log, in its embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Collection, Mapping

MOST_VALUES = 100
"""Of one metric in one line (the specification)."""


def line(
    now: float,
    namespace: str,
    about: Mapping[str, str],
    values: Mapping[str, float | list[float]],
    *,
    also: Collection[str] = (),
    units: Mapping[str, str] | None = None,
) -> str:
    """One line of JSON.

    Args:
        now: unix seconds.
        about: dimensions and their values, none of them empty. Each metric is counted under all of them together.
        values: by the metric's name; of a list, each is a value of its own.
        also: some of the dimensions, under which alone each metric is counted a second time. CloudWatch adds
            nothing up by itself.
        units: by the metric's name; by default Count.
    """
    metrics = [{"Name": name, "Unit": (units or {}).get(name, "Count")} for name in values]
    dimensions = [list(about), *([list(also)] if also else [])]
    directive = {"Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics}
    written = {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}, **about, **values}
    return json.dumps(written, allow_nan=False)

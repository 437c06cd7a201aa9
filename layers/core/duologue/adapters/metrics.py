"""Counters as CloudWatch's embedded metric format: one log line, no call to anything.

Source of the shape: the CloudWatch user guide, "Embedded metric format specification".
"""

import json
import sys
import time

NAMESPACE = "Duologue"


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """Count something, in all and under its dimensions. `name` is what the alarms of template.yaml watch."""
    metric = {"Name": name, "Unit": "Count"}
    sets: list[list[str]] = [[], list(dimensions)] if dimensions else [[]]
    said = {
        "_aws": {
            "Timestamp": time.time_ns() // 1_000_000,
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [metric]}],
        },
        name: value,
        **dimensions,
    }
    sys.stdout.write(json.dumps(said) + "\n")

"""A template's alarm on a sum of several metrics is made.

AWS: an alarm watches one metric, or an expression over several in `Metrics`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html

MiniStack: its CloudFormation refuses `Metrics`, and with it the whole stack. Here such an alarm is made and shown like
any other, and never goes off: nothing in the lab publishes the metrics of queues and functions.
"""

from __future__ import annotations

from typing import Any

from lab.aws.engine import part

_NO_METRIC = {"Namespace": "none", "MetricName": "none"}


def apply() -> None:
    """Make the record of such an alarm as of one on a single metric, and take that out again."""
    provisioners = part("services.cloudformation.provisioners")
    stock = provisioners._cw_metric_alarm_record

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        metrics = properties.get("Metrics")
        alone = {key: value for key, value in properties.items() if key != "Metrics"} | _NO_METRIC
        made: dict[str, Any] = stock(name, alone if metrics else properties)
        return made | {"Namespace": "", "MetricName": "", "Metrics": metrics} if metrics else made

    provisioners._cw_metric_alarm_record = record

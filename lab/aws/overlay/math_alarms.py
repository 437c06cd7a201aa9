"""Alarms on a sum of several metrics in a template.

AWS: an alarm watches one metric, or an expression over several in `Metrics`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html

MiniStack: its CloudFormation refuses `Metrics`, and with it the whole stack. Here such an alarm is created and listed
like any other, but never goes off: nothing in the lab publishes the metrics of queues and functions.
"""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack

_NO_METRIC = {"Namespace": "none", "MetricName": "none"}


def apply() -> None:
    """Create the record of such an alarm as for a single metric, then remove that metric."""
    provisioners = ministack("services.cloudformation.provisioners")
    stock = provisioners._cw_metric_alarm_record

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        metrics = properties.get("Metrics")
        alone = {key: value for key, value in properties.items() if key != "Metrics"} | _NO_METRIC
        made: dict[str, Any] = stock(name, alone if metrics else properties)
        return made | {"Namespace": "", "MetricName": "", "Metrics": metrics} if metrics else made

    provisioners._cw_metric_alarm_record = record

"""Whoever runs the platform is told of what needs them, and the page for them says all that may be told."""

import re
from typing import Any

import pytest

from tests.architecture.tree import ROOT, modules
from tools.template import read_template

_RESOURCES: dict[str, dict[str, Any]] = read_template()["Resources"]
_ALARMS = {
    name: resource["Properties"]
    for name, resource in _RESOURCES.items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
_PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def _watched(alarm: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Namespace, name and dimensions."""
    dimensions = {pair["Name"]: pair["Value"] for pair in alarm.get("Dimensions", [])}
    return alarm["Namespace"], alarm["MetricName"], dimensions


def test_the_page_for_operators_lists_every_alarm_and_no_other():
    table = _PAGE.partition("## Alarms")[2].partition("\n## ")[0]
    listed = [name for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(_ALARMS)


@pytest.mark.parametrize("name", _ALARMS)
def test_every_alarm_goes_to_the_topic(name: str):
    assert _ALARMS[name]["AlarmActions"] == {
        "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]
    }
    assert _ALARMS[name]["TreatMissingData"] == "notBreaching"


def test_whatever_is_put_aside_raises_an_alarm():
    """Each queue that somebody's failures end in, and that nobody reads by itself."""
    read = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for resource in _RESOURCES.values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    queues = {name for name, resource in _RESOURCES.items() if resource["Type"] == "AWS::SQS::Queue"}
    watched = {
        dimensions["QueueName"]["Fn::GetAtt"][0]
        for alarm in _ALARMS.values()
        if "QueueName" in (dimensions := _watched(alarm)[2])
    }
    assert watched == queues - read


def test_every_function_that_goes_on_after_what_nobody_named_is_watched():
    """And under the name that it counts itself by."""
    sources = "\n".join((ROOT / path).read_text(encoding="utf-8") for path in modules("functions"))
    counting = set(re.findall(r'(?:guarded\(|isolate_failures\(|function=)"(\w+)"', sources))
    watched = {
        dimensions["Function"]
        for namespace, name, dimensions in map(_watched, _ALARMS.values())
        if (namespace, name) == ("Duologue", "Unexpected")
    }
    assert watched == counting


def test_a_metric_of_ours_is_counted_somewhere():
    sources = "\n".join(
        (ROOT / path).read_text(encoding="utf-8") for path in modules("functions", "layers/core/duologue")
    )
    counted = set(re.findall(r'count\("(\w+)"', sources))
    watched = {name for namespace, name, _ in map(_watched, _ALARMS.values()) if namespace == "Duologue"}
    assert watched <= counted


@pytest.mark.parametrize("function", ["SweepFunction", "SettleFunction", "OutboxFunction", "NotifySpFunction"])
def test_a_function_that_fails_as_a_whole_is_watched(function: str):
    assert ("AWS/Lambda", "Errors", {"FunctionName": {"Ref": function}}) in map(_watched, _ALARMS.values())

"""The operator is told of what needs them, and the page for them says all that may be told."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from duologue.adapters.metrics import NAMESPACE, count
from tests.architecture.source import calls_of
from tests.architecture.tree import ROOT
from tools.template import functions, read_template

_TEMPLATE = read_template()
_RESOURCES: dict[str, dict[str, Any]] = _TEMPLATE["Resources"]
_ALARMS = {
    name: resource["Properties"]
    for name, resource in _RESOURCES.items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
_PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_COUNT = "duologue.adapters.metrics.count"
# Counted for the operator to see, by no alarm.
_NO_ALARM = {
    "CallsSwept": "the sweeper did what it is for; what it cannot do is CallsNotFinalized",
    "CallsTurnedAway": "anybody may dial a number; who should be told, such as of a suspended SP, has done it",
}

Watched = tuple[str, str, dict[str, Any]]
"""Namespace, name and dimensions of a metric."""


def _watched() -> Iterator[Watched]:
    """Every metric that an alarm watches, alone or in a sum."""
    for alarm in _ALARMS.values():
        several = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
        for metric in several or [alarm]:
            dimensions = {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions", [])}
            yield metric["Namespace"], metric["MetricName"], dimensions


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


@pytest.mark.parametrize("name", [name for name, alarm in _ALARMS.items() if "Metrics" in alarm])
def test_an_alarm_on_several_metrics_goes_off_for_each(name: str):
    """Their sum reaches the threshold if one of them does."""
    [expression] = [each for each in _ALARMS[name]["Metrics"] if "Expression" in each]
    assert expression["Expression"] == "SUM(METRICS())"
    assert all(each["ReturnData"] is False for each in _ALARMS[name]["Metrics"] if each is not expression)
    assert (_ALARMS[name]["Threshold"], _ALARMS[name]["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


def test_whatever_is_put_aside_raises_an_alarm():
    """Each queue that somebody's failures end in, and that nobody reads by itself."""
    read = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for function in functions(_TEMPLATE)
        for event in function.properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    queues = {name for name, resource in _RESOURCES.items() if resource["Type"] == "AWS::SQS::Queue"}
    watched = [dimensions["QueueName"]["Fn::GetAtt"][0] for _, _, dimensions in _watched() if "QueueName" in dimensions]
    assert sorted(watched) == sorted(queues - read)


# Functions that no alarm watches for errors.
_NOT_WATCHED = {
    "FlowFunction": "it says by errors that there is nothing to wait for, and counts by itself what nobody named",
    "ProvisionPstnFunction": "the deployment fails",
    "PublishRecordingFunction": "what it fails three times is in RecordingsGaveUp",
}
_THROTTLES = {"CallControlFunction", "CallbackApiFunction", "SessionsFunction", "RecordingsApiFunction", "FlowFunction"}
"""Functions that a person waits for; the others are invoked again."""


def test_every_function_is_watched_for_errors_or_has_a_reason():
    """A function that cannot start, crashes or times out counts nothing by itself."""
    watched: dict[str, list[str]] = {"Errors": [], "Throttles": []}
    for namespace, name, dimensions in _watched():
        if namespace == "AWS/Lambda" and name in watched:
            watched[name].append(dimensions["FunctionName"]["Ref"])
    every = {function.logical_id for function in functions(_TEMPLATE)}
    assert sorted(watched["Errors"]) == sorted(every - _NOT_WATCHED.keys())
    assert sorted(watched["Throttles"]) == sorted(_THROTTLES)


def _counted() -> dict[str, set[tuple[str, ...]]]:
    """Each metric that the code counts, with the dimensions that it gives."""
    counted: dict[str, set[tuple[str, ...]]] = {}
    for _, call in calls_of(_COUNT):
        assert isinstance(call.args[0], ast.Constant), ast.unparse(call)
        given = tuple(str(keyword.arg) for keyword in call.keywords)
        counted.setdefault(str(call.args[0].value), set()).add(given)
    return counted


def test_each_metric_that_is_counted_has_an_alarm_or_a_reason():
    watched = {name for namespace, name, _ in _watched() if namespace == NAMESPACE}
    assert _counted().keys() == watched | _NO_ALARM.keys()
    assert watched & _NO_ALARM.keys() == set()


def test_each_metric_without_an_alarm_is_on_the_page():
    others = _PAGE.partition("Other figures, in the namespace")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", others)) - {NAMESPACE} == _NO_ALARM.keys()


@pytest.mark.parametrize(("namespace", "name", "dimensions"), [each for each in _watched() if each[0] == NAMESPACE])
def test_a_metric_of_ours_is_counted_under_the_dimensions_that_its_alarm_watches(
    capsys, namespace: str, name: str, dimensions: dict[str, Any]
):
    """CloudWatch adds nothing up: what is counted under a dimension alone is not there without it."""
    for given in _counted()[name]:
        count(name, 1, **dict.fromkeys(given, "any"))
        [written] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
        assert written["Namespace"] == namespace
        assert sorted(dimensions) in [sorted(each) for each in written["Dimensions"]]


def test_a_function_counts_itself_by_its_own_name():
    """The metric's dimension says to the operator whose log to read."""
    counting = ["guarded", "isolate_failures", "report_unexpected"]
    named = [
        (module, str(word.value))
        for name in counting
        for module, call in calls_of(f"duologue.runtime.last_resort.{name}")
        for word in [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "function")]
        if isinstance(word, ast.Constant)
    ]
    assert named
    homes = {name: (f"functions.{name}.handler", f"duologue.runtime.wiring.{name}") for _, name in named}
    assert [(module, name) for module, name in named if module not in homes[name]] == []


def test_a_late_stream_is_told_before_its_records_are_given_up():
    """IteratorAge is in milliseconds, the age at which records are given up in seconds."""
    stream = _RESOURCES["OutboxFunction"]["Properties"]["Events"]["Stream"]["Properties"]
    late = _ALARMS["OutboxLateAlarm"]["Threshold"] / 1000
    assert 60 < late < stream["MaximumRecordAgeInSeconds"] / 2

"""The operator is told of what needs them, and the page for them says all that may be told."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from duologue.adapters.basics.metrics import NAMESPACE, cost, count, lasted
from tests.architecture.permissions import granted
from tests.architecture.source import calls_of
from tests.architecture.translated import created, names_in
from tests.architecture.tree import ROOT
from tools.template import Function, functions, read_template

_TEMPLATE = read_template()
_RESOURCES: dict[str, dict[str, Any]] = _TEMPLATE["Resources"]
_ALARMS = {
    name: resource["Properties"]
    for name, resource in _RESOURCES.items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
_PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_COUNTERS = tuple(f"duologue.adapters.basics.metrics.{each.__name__}" for each in (cost, count, lasted))
# Counted for the operator to see, by no alarm.
_NO_ALARM = {
    "AuthenticationFailed": "anybody can fail; ten times with a known app key is AuthenticationLocked",
    "CallsSwept": "the sweeper did what it is for; what it cannot do is CallsNotFinalized",
    "CallsTurnedAway": "anybody may dial a number; who should be told, such as of a suspended SP, has done it",
}

Watched = tuple[str, str, dict[str, Any]]
"""Namespace, name and dimensions of a metric."""


def _parts(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Metrics and expressions of an alarm on several, with those of the usual carrier."""
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in alarm.get("Metrics", [])]


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm watches, alone or together."""
    return [each["MetricStat"]["Metric"] for each in _parts(alarm) if "MetricStat" in each] or [alarm]


def _watched() -> Iterator[Watched]:
    """Every metric that an alarm watches."""
    for alarm in _ALARMS.values():
        for metric in _metrics(alarm):
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
    goes_off_by_itself = _ALARMS[name]["ComparisonOperator"].startswith("LessThan")
    assert _ALARMS[name]["TreatMissingData"] == ("breaching" if goes_off_by_itself else "notBreaching")


@pytest.mark.parametrize("name", [name for name, alarm in _ALARMS.items() if "Metrics" in alarm])
def test_an_alarm_on_several_metrics_goes_off_for_each(name: str):
    """Their sum, or the largest, reaches the threshold if one of them does. Limits: those of a metric alarm.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    """
    alarm = _ALARMS[name]
    metrics = [each for each in _parts(alarm) if "MetricStat" in each]
    [returned] = [each for each in _parts(alarm) if each.get("ReturnData") is not False]
    assert len(metrics) <= 10
    assert len({each["MetricStat"]["Period"] for each in metrics}) == 1
    watched = {each["Id"] for each in metrics}
    said = " ".join(each["Expression"] for each in _parts(alarm) if "Expression" in each)
    assert returned["Expression"] == "SUM(METRICS())" or watched <= set(re.findall(r"\w+", said))
    assert returned["Expression"].startswith(("SUM(", "MAX("))
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_whatever_is_put_aside_raises_an_alarm():
    """Each queue that somebody's failures end in, and that nobody reads by itself."""
    read = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for function in functions(_TEMPLATE)
        for event in function.properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    queues = {name for name, resource in _RESOURCES.items() if resource["Type"] == "AWS::SQS::Queue"}
    kept, waiting = (
        sorted(dimensions["QueueName"]["Fn::GetAtt"][0] for _, name, dimensions in _watched() if name == metric)
        for metric in ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
    )
    assert kept == sorted(queues - read)
    assert waiting == sorted(queues & read), "what is not read in time raises one too"


_API, _DEPLOYS = ("RequestErrorsAlarm", "5XXError"), ("", "the deployment fails")
# For each function: which alarm, by which metric, says that it could not start, crashed or timed out, and that it was
# throttled. The function itself counts nothing then.
_ERRORS_AND_THROTTLES = {
    "CallControlFunction": (("RequestErrorsAlarm", "Errors"), ("RequestErrorsAlarm", "Throttles")),
    # It says by errors that there is nothing to wait for; if it cannot run, its state machine fails in the end.
    "FlowFunction": (("FlowsFailedAlarm", "ExecutionsFailed"), ("RequestErrorsAlarm", "Throttles")),
    "CallbackApiFunction": (_API, _API),
    "SessionsFunction": (_API, _API),
    "RecordingsApiFunction": (_API, _API),
    "SweepFunction": (("FunctionErrorsAlarm", "Errors"), ("SweepNotRunningAlarm", "Invocations")),
    "OutboxFunction": (("FunctionErrorsAlarm", "Errors"), ("LateAlarm", "IteratorAge")),
    "NotifySpFunction": (("FunctionErrorsAlarm", "Errors"), ("LateAlarm", "ApproximateAgeOfOldestMessage")),
    "PublishRecordingFunction": (
        ("GaveUpAlarm", "ApproximateNumberOfMessagesVisible"),
        ("LateAlarm", "ApproximateAgeOfOldestMessage"),
    ),
    "ProvisionPstnFunction": (_DEPLOYS, _DEPLOYS),
}


def _of(alarm: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """An alarm's metrics with this name."""
    return [metric for metric in _metrics(alarm) if metric["MetricName"] == name]


def _sources(function: Function) -> set[str]:
    """What a metric names that says something of a function: itself, or what invokes it."""
    queues = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for event in function.properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    kept = {_RESOURCES[name]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for name in queues}
    return queues | kept | {function.logical_id}


@pytest.mark.parametrize("function", functions(_TEMPLATE), ids=lambda function: function.folder)
def test_an_alarm_goes_off_if_a_function_cannot_run(function: Function):
    for alarm, name in _ERRORS_AND_THROTTLES[function.logical_id]:
        if not alarm:
            continue
        metrics = _of(_ALARMS[alarm], name)
        if (alarm, name) == _API:
            assert metrics and {event["Type"] for event in function.properties["Events"].values()} == {"Api"}
        elif metrics and metrics[0]["Namespace"] == "AWS/States":
            assert {"Ref": "CallbackFlow"} in [pair["Value"] for pair in metrics[0]["Dimensions"]]
        else:
            assert _sources(function) & {found for metric in metrics for found in names_in(metric["Dimensions"])}


def test_an_alarm_goes_off_if_lambda_takes_retries_for_a_loop():
    """Lambda drops an event that comes back to a function by its own queue for the sixteenth time or so."""
    looping = {
        function.logical_id
        for function in functions(_TEMPLATE)
        if {queue for action, queue in granted(function) if action == "sqs:SendMessage"} & _sources(function)
    }
    watched = _of(_ALARMS["GaveUpAlarm"], "RecursiveInvocationsDropped")
    assert {name for metric in watched for name in names_in(metric["Dimensions"])} == looping == {"NotifySpFunction"}


def test_a_slow_answer_raises_an_alarm_before_the_function_is_ended():
    """call_control's network asks again after 5 s, flow's time-out is in the template."""
    slow = _ALARMS["SlowAlarm"]["Threshold"] / 1000
    assert _RESOURCES["FlowFunction"]["Properties"]["Timeout"] * 0.7 < slow < 20
    assert slow / 4 < 5


def test_the_api_s_metrics_are_watched_under_its_name():
    [metric] = _of(_ALARMS["RequestErrorsAlarm"], "5XXError")
    assert metric["Dimensions"] == [{"Name": "ApiName", "Value": _RESOURCES["Api"]["Properties"]["Name"]}]


def test_throttles_of_every_table_raise_an_alarm():
    tables = {name for name, resource in _RESOURCES.items() if resource["Type"] == "AWS::DynamoDB::Table"}
    for name in ("ReadThrottleEvents", "WriteThrottleEvents"):
        watched = [metric["Dimensions"][0]["Value"]["Ref"] for metric in _of(_ALARMS["ThrottledAlarm"], name)]
        assert sorted(watched) == sorted(tables)


def _counted() -> dict[str, set[tuple[str, ...]]]:
    """Each metric that the code counts, with the dimensions that it gives."""
    counted: dict[str, set[tuple[str, ...]]] = {}
    for _, call in (call for counter in _COUNTERS for call in calls_of(counter)):
        if not call.args or isinstance(call.args[0], ast.Name):
            continue
        assert isinstance(call.args[0], ast.Constant), ast.unparse(call)
        given = tuple(str(keyword.arg) for keyword in call.keywords)
        counted.setdefault(str(call.args[0].value), set()).add(given)
    return counted


def _widgets(**parameters: str) -> list[dict[str, Any]]:
    text, parts = created(**parameters)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for name, part in parts.items():
        text = text.replace(f"${{{name}}}", part["Fn::Sub"] if isinstance(part, dict) else part)
    return list(json.loads(text)["widgets"])


_SEARCH = re.compile(r"""SEARCH\('(?:\{([\w/]+)((?:,\w+)*)\}|Namespace="([\w/]+)") MetricName="(\w+)"', '\w+', \d+\)""")


def _shown() -> dict[tuple[str, str], set[tuple[str, ...]]]:
    """Each metric on the dashboard, by namespace and name, with the names of the dimensions under which it is shown."""
    shown: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    for widget in _widgets():
        for metric in widget["properties"]["metrics"]:
            match metric:
                case [{"expression": expression}]:
                    found = _SEARCH.fullmatch(expression)
                    assert found, expression
                    namespace, names, alone, name = found.groups()
                    shown.setdefault((namespace or alone, name), set()).add(tuple((names or "").split(",")[1:]))
                case [str(namespace), str(name), *dimensions]:
                    shown.setdefault((namespace, name), set()).add(tuple(dimensions[::2]))
                case _:
                    raise AssertionError(metric)
    return shown


def test_each_metric_that_is_counted_has_an_alarm_or_is_shown_or_has_a_reason():
    watched = {name for namespace, name, _ in _watched() if namespace == NAMESPACE}
    shown = {name for namespace, name in _shown() if namespace == NAMESPACE}
    assert _counted().keys() == watched | shown | _NO_ALARM.keys()
    assert watched & _NO_ALARM.keys() == set()


def test_the_dashboard_shows_what_is_counted_under_the_dimensions_that_are_given():
    for (namespace, name), sets in _shown().items():
        for dimensions in sets if namespace == NAMESPACE else ():
            assert any(dimensions in ((), given) for given in _counted()[name]), (name, dimensions)


def test_the_dashboard_of_another_carrier_is_without_what_this_one_counts():
    assert len(_widgets()) == len(_widgets(Carrier="another")) + 1


def test_the_page_says_what_the_dashboard_shows():
    said = _PAGE.partition("### The dashboard")[2].partition("\n#")[0]
    assert set(re.findall(r"`(\w+)`", said)) >= {name for _, name in _shown()}


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
    late = _ALARMS["LateAlarm"]["Threshold"]
    assert 60 < late < stream["MaximumRecordAgeInSeconds"] / 2

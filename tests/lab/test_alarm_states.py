"""When an alarm of the local cloud is on: its threshold, its periods, what is missing, and metric math.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import pytest

from lab.aws.overlay.alarms import Series, expression, state_of

N = None
GE, LT = "GreaterThanOrEqualToThreshold", "LessThanThreshold"


@pytest.mark.parametrize(
    ("compared", "needed", "missing", "series", "state"),
    [
        (GE, 0, "notBreaching", [1.0], "ALARM"),
        (GE, 0, "notBreaching", [0.9], "OK"),
        ("GreaterThanThreshold", 0, "notBreaching", [1.0], "OK"),
        ("LessThanOrEqualToThreshold", 0, "notBreaching", [1.0], "ALARM"),
        (LT, 0, "breaching", [0.0, N, N], "ALARM"),
        (LT, 0, "breaching", [N, N, 1.0], "OK"),
        (LT, 0, "notBreaching", [0.0, N], "OK"),
        (GE, 3, "notBreaching", [1.0, N, 1.0, 0.0, 1.0], "ALARM"),
        (GE, 3, "notBreaching", [1.0, N, 0.0, 0.0, 1.0], "OK"),
        (GE, 0, "notBreaching", [1.0, 1.0, N], "OK"),
        (GE, 0, "notBreaching", [N], "OK"),
        (GE, 0, "missing", [N], "INSUFFICIENT_DATA"),
        (GE, 0, "missing", [N, 1.0], "OK"),
        (GE, 0, "ignore", [N], "before"),
    ],
)
def test_the_state_of_an_alarm(compared: str, needed: int, missing: str, series: Series, state: str):
    alarm = {"ComparisonOperator": compared, "Threshold": 1, "TreatMissingData": missing}
    if needed:
        alarm["DatapointsToAlarm"] = needed
    assert state_of(alarm, series, "before") == state


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SUM(METRICS())", [3.0, 2.0, N]),
        ("SUM([a, c])", [11.0, 10.0, 10.0]),
        ("MAX([a, b])", [2.0, 2.0, N]),
        ("MIN([a, b])", [1.0, 2.0, N]),
        ("a * 4", [4.0, N, N]),
        ("b / 2", [1.0, 1.0, N]),
        ("a + b - 1", [2.0, N, N]),
        ("MAX([a * 4, b])", [4.0, 2.0, N]),
    ],
)
def test_a_value_of_a_metric_math_expression(text: str, values: Series):
    known: dict[str, Series] = {"a": [1.0, N, N], "b": [2.0, 2.0, N], "c": [10.0, 10.0, 10.0]}
    assert expression(text, known, ["a", "b"]) == values


@pytest.mark.parametrize("text", ["FILL(a, 0)", "RATE(a)", "a.b", "unknown + 1", "a and b"])
def test_an_expression_that_is_not_known_is_refused(text: str):
    with pytest.raises(ValueError, match="not known here"):
        expression(text, {"a": [1.0], "b": [1.0]}, ["a"])

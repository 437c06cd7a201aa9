"""When alarms go off.

AWS: an alarm watches a statistic of one metric, or an expression over several in `Metrics`. Each minute it looks at its
latest EvaluationPeriods periods, of which DatapointsToAlarm must breach the threshold; a period without data counts as
TreatMissingData says. Periods that are longer than a minute slide by minutes. In an expression METRICS() are the
metrics, without the expressions; a function over several gives a value where one of them has one, and an operator where
its operands have.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

Here: each minute of the cloud's clock (passing.py) is looked at when a datum of a later one comes, or somebody asks
for alarms. AWS looks at some periods before, too, if the latest have no data. Of the expressions, those of the product.

MiniStack: refuses `Metrics`, and with it the whole stack; takes an alarm's metric under all dimensions together, all of
its periods as one, and evaluates only when a client puts data.
"""

from __future__ import annotations

import ast
import math
import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.aws.ministack import ACCOUNT, REGION, ministack
from lab.aws.overlay import metrics, passing

Series = list[float | None]
"""One value for each period, the latest first; None: no data."""

_NO_METRIC = {"Namespace": "none", "MetricName": "none"}
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {"SUM": sum, "MAX": max, "MIN": min}
_looking = threading.RLock()
_looked_until: float | None = None


def state_of(alarm: Mapping[str, Any], series: Series, before: str) -> str:
    """OK, ALARM or INSUFFICIENT_DATA, from its latest periods. `before`: its state until now."""
    compare, threshold = _COMPARED[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    missing = alarm.get("TreatMissingData") or "missing"
    there = [compare(value, threshold) for value in series if value is not None]
    if not there and missing in ("missing", "ignore"):
        return before if missing == "ignore" else "INSUFFICIENT_DATA"
    breaching = sum(there) + (len(series) - len(there)) * (missing == "breaching")
    return "ALARM" if breaching >= int(alarm.get("DatapointsToAlarm") or len(series)) else "OK"


def expression(text: str, known: Mapping[str, Series], of_metrics: Sequence[str]) -> Series:
    """The values of a metric math expression. `known`: by id. Raises ValueError: it has what is not known here."""

    def several(node: ast.expr) -> list[Series]:
        match node:
            case ast.Call(func=ast.Name(id="METRICS"), args=[]):
                return [known[name] for name in of_metrics]
            case ast.List(elts=elements):
                return [one(element) for element in elements]
        return [one(node)]

    def one(node: ast.expr) -> Series:
        length = len(next(iter(known.values())))
        match node:
            case ast.Name(id=name) if name in known:
                return known[name]
            case ast.Constant(value=int() | float() as number):
                return [float(number)] * length
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                apply_to = _OPERATORS[type(op)]
                pairs = zip(one(left), one(right), strict=True)
                return [None if a is None or b is None else apply_to(a, b) for a, b in pairs]
            case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _FUNCTIONS:
                columns = zip(*several(argument), strict=True)
                present = [[value for value in column if value is not None] for column in columns]
                return [_FUNCTIONS[name](values) if values else None for values in present]
        raise ValueError(f"{text}: not known here: {ast.unparse(node)}")

    return one(ast.parse(text.strip(), mode="eval").body)


def _series(metric: Mapping[str, Any], stat: str, period: int, periods: int, end: float) -> Series:
    """A statistic of one metric in the latest periods before `end`."""
    cloudwatch = ministack("services.cloudwatch")
    dimensions = {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    within: list[list[dict[str, Any]]] = [[] for _ in range(periods)]
    for point in reversed(cloudwatch._metrics.get(key) or []):
        place = math.ceil((end - point["Timestamp"]) / period) - 1
        if place >= periods:
            break
        if place >= 0:
            within[place].append(point)
    stats = [cloudwatch._calc_stats(points) for points in within]
    return [stats_of[stat] if stats_of else None for stats_of in stats]


def values_of(alarm: Mapping[str, Any], end: float) -> Series:
    """What an alarm compares with its threshold, for its latest periods before `end`."""
    periods = int(alarm.get("EvaluationPeriods") or 1)
    if not alarm.get("Metrics"):
        return _series(alarm, alarm["Statistic"], int(alarm["Period"]), periods, end)
    known: dict[str, Series] = {}
    later = []
    for each in alarm["Metrics"]:
        if "MetricStat" in each:
            what = each["MetricStat"]
            known[each["Id"]] = _series(what["Metric"], what["Stat"], int(what["Period"]), periods, end)
        else:
            later.append(each)
    of_metrics = list(known)
    returned = next(each["Id"] for each in alarm["Metrics"] if _returned(each))
    for each in reversed(later):  # an expression may use those after it; the product's use no others
        known[each["Id"]] = expression(each["Expression"], known, of_metrics)
    return known[returned]


def _returned(metric: Mapping[str, Any]) -> bool:
    return str(metric.get("ReturnData", True)).lower() != "false"


def look() -> None:
    """Look at all alarms at the end of each minute since the last look."""
    global _looked_until
    this_minute = math.floor(passing.now() / 60) * 60.0
    if _looked_until is not None and this_minute <= _looked_until:
        return
    with _looking:
        minute = this_minute - 60.0 if _looked_until is None else _looked_until
        _looked_until = max(minute, this_minute)
        while minute < this_minute:
            minute += 60.0
            _look_at(minute)


def _look_at(end: float) -> None:
    cloudwatch, responses = ministack("services.cloudwatch"), ministack("core.responses")
    responses.set_request_account_id(ACCOUNT)
    responses.set_request_region(REGION)
    metrics.sample(end)
    for alarm in list(cloudwatch._alarms.values()):
        before = alarm["StateValue"]
        after = state_of(alarm, values_of(alarm, end), before)
        if after == before:
            continue
        reason = f"Threshold {alarm['Threshold']}, at {end:.0f}: {values_of(alarm, end)}"
        alarm.update(StateValue=after, StateReason=reason, StateUpdatedTimestamp=int(end))
        cloudwatch._record_history(alarm["AlarmName"], before, after, reason)
        cloudwatch._dispatch_alarm_actions(alarm, before, after, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def reset() -> None:
    """Another cloud begins."""
    global _looked_until
    _looked_until = None


def _of_template(stock: Any) -> Any:
    """The record of an alarm on several metrics: made as for a single one, which is then removed."""

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        several = properties.get("Metrics")
        alone = {key: value for key, value in properties.items() if key != "Metrics"} | _NO_METRIC
        made: dict[str, Any] = stock(name, alone if several else properties)
        made |= {"Namespace": "", "MetricName": "", "Metrics": several} if several else {}
        values_of(made, 0.0)  # AWS refuses an expression that it cannot read
        return made

    return record


def _asked(stock: Any) -> Any:
    def describe(*args: Any, **more: Any) -> Any:
        look()
        return stock(*args, **more)

    return describe


def apply() -> None:
    """Take alarms on several metrics, and look at all alarms each minute."""
    cloudwatch, provisioners = ministack("services.cloudwatch"), ministack("services.cloudformation.provisioners")
    provisioners._cw_metric_alarm_record = _of_template(provisioners._cw_metric_alarm_record)
    cloudwatch._evaluate_alarm = lambda _: None
    cloudwatch._evaluate_all_alarms = look
    cloudwatch._describe_alarms = _asked(cloudwatch._describe_alarms)
    cloudwatch._describe_alarm_history = _asked(cloudwatch._describe_alarm_history)
    metrics.before_a_datum = look

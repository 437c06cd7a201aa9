"""Each alarm of the template goes off when its trouble is real, and none does while calls go well.

The cloud's clock jumps from minute to minute, while no call of another test is up.
"""

import json
import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from lab.aws.faults import dies
from lab.aws.ministack import ministack
from lab.aws.overlay import alarms, lambda_process, passing
from lab.cases.catalogue import named
from lab.lab import Lab
from lab.sp.account import change_app, operate
from lab.sp.client import LOG_IN
from lab.sp.service_provider import ServiceProvider
from pstn.lines.behaviours import answers, busy
from pstn.lines.phone_state import Phone
from tests.e2e.waiting import until
from tests.functions.worlds import received
from tools.template import read_template

ALARMS = [
    name
    for name, each in read_template()["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm" and each.get("Condition") != "OnSip"
]
CALLER, CALLEE = "+12025550106", "+12025550107"
_MOST_MINUTES, _WAIT_S = 20, 60.0


class Watched:
    """The lab's alarms by their names in the template, and its clock."""

    def __init__(self, lab: Lab, sp: ServiceProvider, guessed: ServiceProvider) -> None:
        self.lab, self.sp, self.guessed = lab, sp, guessed
        self._names = {lab.resources[name]: name for name in ALARMS}

    def states(self) -> dict[str, str]:
        described = self.lab.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
        return {
            self._names[each["AlarmName"]]: each["StateValue"] for each in described if each["AlarmName"] in self._names
        }

    def minute(self, *, sweeps: bool = True) -> None:
        """Let the next minute begin, and its sweep end."""
        self.lab.cloud.let_pass(61.0 - passing.now() % 60)
        ministack("services.eventbridge")._tick_scheduled_rules()  # by itself it does so every ten seconds
        if sweeps:
            until(lambda: total(self, "Invocations", "SweepFunction"))

    def minutes(self, number: int, **more: bool) -> None:
        for _ in range(number):
            self.minute(**more)

    def goes_off(self, name: str, **more: bool) -> bool:
        """Whether this alarm does within some minutes."""
        for _ in range(_MOST_MINUTES):
            self.minute(**more)
            if self.states()[name] == "ALARM":
                return True
        return False

    def calm(self, name: str) -> None:
        """Let minutes pass until this alarm is off."""
        for _ in range(_MOST_MINUTES):
            if self.states()[name] == "OK":
                return
            self.minute()
        raise AssertionError(f"{name} stays {self.states()[name]}")

    def call(self, **fields: Any) -> str:
        """The session of a callback whose caller is busy, and over."""
        self.lab.pstn.exchange.phones[CALLER] = Phone(busy())
        session = str(self.sp.place(CALLER, CALLEE, **fields).body["sessionId"])
        assert self.sp.receiver.wait_for_fee(session, _WAIT_S)
        return session

    def look_up(self, session: str) -> int:
        proof = {"app_key": self.sp.account.app_key, "access_token": self.sp.client.access_token}
        return self.sp.client.send(f"/duologue/v1/callbacks/{quote(session)}", proof, method="GET").status

    def rows(self, session: str) -> list[dict[str, Any]]:
        key = {":call": {"S": session.partition("@")[0]}}
        found = self.lab.client("dynamodb").query(
            TableName=self.lab.outputs["CallsTable"],
            KeyConditionExpression="#c = :call",
            ExpressionAttributeNames={"#c": "call"},
            ExpressionAttributeValues=key,
        )
        return list(found["Items"])

    @contextmanager
    def row(self, item: dict[str, Any]) -> Iterator[None]:
        """A row of the calls table in place of what was there."""
        db, table = self.lab.client("dynamodb"), self.lab.outputs["CallsTable"]
        key = {name: item[name] for name in ("call", "item")}
        before = db.get_item(TableName=table, Key=key).get("Item")
        db.put_item(TableName=table, Item=item)
        yield
        if before:
            db.put_item(TableName=table, Item=before)
        else:
            db.delete_item(TableName=table, Key=key)

    @contextmanager
    def throttled(self, function: str) -> Iterator[None]:
        client, name = self.lab.client("lambda"), self.lab.resources[function]
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            client.delete_function_concurrency(FunctionName=name)


def total(watched: Watched, name: str, function: str = "") -> float:
    """The sum of a metric in this minute: of a function, or of the product's own.

    Read where the cloud keeps it, since what polls it would be busier with requests than the cloud with its work.
    """
    dimensions = [{"Name": "FunctionName", "Value": watched.lab.resources[function]}] if function else []
    metric = {"Namespace": "AWS/Lambda" if function else "Duologue", "MetricName": name, "Dimensions": dimensions}
    [value] = alarms.values_of(metric | {"Statistic": "Sum", "Period": 60}, passing.now() // 60 * 60 + 60)
    return value or 0.0


# ---- the troubles, each by the name of its alarm


def _an_unreadable_call(watched: Watched) -> None:
    session = watched.call()
    [asked] = [row for row in watched.rows(session) if row["item"]["S"] == "ASKED"]
    with watched.row({name: asked[name] for name in ("call", "item")}):
        assert watched.look_up(session) == 500


def _a_sweep_that_dies(watched: Watched) -> None:
    with dies(watched.lab.resources["SweepFunction"], at="dynamodb:Query", when="before", times=1000):
        watched.minutes(4)


def _a_call_whose_events_are_throttled(watched: Watched) -> None:
    phone = f"{watched.lab.aws_url}/_lab/phones/{CALLEE}/call"
    with watched.throttled("CallControlFunction"):
        urllib.request.urlopen(phone, json.dumps({"to": watched.sp.numbers[0]}).encode(), timeout=_WAIT_S).close()
        until(lambda: total(watched, "Throttles", "CallControlFunction") > 0)


def _a_process_that_stands_still(watched: Watched) -> None:
    """The one that answers an event of the network; five seconds pass meanwhile."""
    name, client = watched.lab.resources["CallControlFunction"], watched.lab.client("lambda")
    event = json.dumps(received("call_control", "ringing"))

    def invoke() -> Any:
        return client.invoke(FunctionName=f"{name}:live", Payload=event)

    invoke()  # one process of it is warm
    still = [process for function, _, process in lambda_process.workers() if function == name]
    for process in still:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(invoke)
            until(lambda: any(busy for function, busy, _ in lambda_process.workers() if function == name))
            watched.lab.cloud.let_pass(5.0)
            for process in still:
                os.kill(process.pid, signal.SIGCONT)
            answered.result(_WAIT_S)
    finally:
        for process in still:
            os.kill(process.pid, signal.SIGCONT)


def _a_message_that_nobody_can_process(watched: Watched) -> None:
    sqs = watched.lab.client("sqs")
    waiting, kept = watched.lab.resources["Recorded"], watched.lab.resources["RecordingsGaveUp"]
    sqs.send_message(QueueUrl=waiting, MessageBody="{}")

    def count() -> int:
        said = sqs.get_queue_attributes(QueueUrl=kept, AttributeNames=["ApproximateNumberOfMessages"])
        return int(said["Attributes"]["ApproximateNumberOfMessages"])

    def came_again() -> int:
        watched.lab.cloud.let_pass(301.0)
        return count()

    until(came_again)
    watched.minutes(2)
    assert watched.states()["GaveUpAlarm"] == "ALARM"
    sqs.purge_queue(QueueUrl=kept)


def _an_sp_that_is_gone(watched: Watched) -> None:
    watched.sp.receiver.answer = lambda notification: 410 if notification.url.endswith("/gone") else 200
    watched.lab.pstn.exchange.phones[CALLER] = Phone(busy())
    gone = f"{watched.sp.receiver.url}/gone"
    shown: dict[str, Any] = {"displayNbr": watched.sp.numbers[0], "displayCalleeNbr": watched.sp.numbers[1]}
    fee = watched.sp.receiver.fee_url
    watched.sp.client.place(status_url=gone, fee_url=fee, callerNbr=CALLER, calleeNbr=CALLEE, **shown)
    until(lambda: total(watched, "NotificationsUndelivered") > 0)


def _an_execution_that_fails(watched: Watched) -> None:
    flows, machine = watched.lab.client("stepfunctions"), watched.lab.outputs["CallbackFlow"]
    started = flows.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    until(lambda: flows.describe_execution(executionArn=started)["status"] != "RUNNING")


def _a_network_that_may_not_call_us(watched: Watched) -> None:
    """The permission is gone, so the caller is dialled and no event of the call arrives."""
    client, name = watched.lab.client("lambda"), watched.lab.resources["CallControlFunction"]
    policy = json.loads(client.get_policy(FunctionName=name, Qualifier="live")["Policy"])
    allowed = [each for each in policy["Statement"] if "voiceconnector" in json.dumps(each["Principal"])]
    for each in allowed:
        client.remove_permission(FunctionName=name, Qualifier="live", StatementId=each["Sid"])
    try:
        session = str(watched.sp.place(CALLER, CALLEE).body["sessionId"])
        until(lambda: any("dial_mark" in row for row in watched.rows(session)))
        watched.lab.cloud.let_pass(360.0)
        assert watched.goes_off("CallsWithoutEventsAlarm")
    finally:
        for each in allowed:
            client.add_permission(
                FunctionName=name,
                Qualifier="live",
                StatementId=each["Sid"],
                Action="lambda:InvokeFunction",
                Principal="voiceconnector.chime.amazonaws.com",
                SourceAccount=watched.lab.cloud.account,
            )


def _a_partition_that_is_full(watched: Watched) -> None:
    """The one with the memories of a display number, by other writes than the product's; the call's own is not."""
    db, table = watched.lab.client("dynamodb"), watched.lab.outputs["AccountsTable"]

    def partitions() -> set[str]:
        """Of the display number of this SP's app, perhaps from its calls before."""
        pages = db.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="begins_with(pk, :memory) AND app = :app",
            ExpressionAttributeValues={":memory": {"S": "MEMORY#"}, ":app": {"S": watched.sp.account.app_key}},
            ProjectionExpression="pk",
        )
        return {row["pk"]["S"] for page in pages for row in page["Items"]}

    def call() -> None:
        """Its callee is dialled."""
        watched.lab.pstn.exchange.phones[CALLER] = Phone(answers(0.1))
        watched.lab.pstn.exchange.phones[CALLEE] = Phone(busy())
        session = str(watched.sp.place(CALLER, CALLEE).body["sessionId"])
        assert watched.sp.receiver.wait_for_fee(session, _WAIT_S)

    call()
    [partition] = partitions()
    keys = [{"pk": {"S": partition}, "sk": {"S": f"stray {number}"}} for number in range(25)]
    full = [{"PutRequest": {"Item": key | {"filler": {"S": "x" * 390_000}}}} for key in keys]
    for _ in range(4):  # each is written for ten seconds
        db.batch_write_item(RequestItems={table: full})
    call()
    db.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": key}} for key in keys]})


def _a_rule_that_is_disabled(watched: Watched) -> None:
    events = watched.lab.client("events")
    [rule] = [name for name in watched.lab.resources if name.startswith("SweepFunctionOften") and "Perm" not in name]
    events.disable_rule(Name=watched.lab.resources[rule])
    try:
        assert watched.goes_off("SweepNotRunningAlarm", sweeps=False)
    finally:
        events.enable_rule(Name=watched.lab.resources[rule])


def _a_call_that_cannot_be_finalized(watched: Watched) -> None:
    stray = {"call": "1_2_3_20261123090000", "item": "CALL", "open": "open#00", "close_by": "2026-11-23T09:00:00+00:00"}
    with watched.row({name: {"S": value} for name, value in stray.items()}):
        assert watched.goes_off("SweepBehindAlarm")


def _a_cdr_that_is_gone(watched: Watched) -> None:
    session = watched.call()
    [cdr] = [row for row in watched.rows(session) if row["item"]["S"] == "CDR"]
    watched.lab.client("dynamodb").delete_item(
        TableName=watched.lab.outputs["CallsTable"], Key={name: cdr[name] for name in ("call", "item")}
    )
    watched.lab.cloud.let_pass(900.0)
    assert watched.goes_off("ReconciliationFoundAlarm")


def _a_queue_that_nobody_reads(watched: Watched) -> None:
    with watched.throttled("NotifySpFunction"):
        watched.lab.pstn.exchange.phones[CALLER] = Phone(busy())
        session = str(watched.sp.place(CALLER, CALLEE).body["sessionId"])
        until(lambda: any(row["item"]["S"].startswith("EVENT#") for row in watched.rows(session)))
        watched.lab.cloud.let_pass(300.0)
        assert watched.goes_off("LateAlarm")
    assert watched.sp.receiver.wait_for_fee(session, _WAIT_S)


def _a_table_that_refuses(watched: Watched) -> None:
    """Each request of the look-ups is refused twice before it succeeds."""
    session, usual = watched.call(), watched.lab.cloud.switches
    watched.lab.cloud.switches = replace(usual, throttled_requests=1.0)
    try:
        for _ in range(15):
            watched.look_up(session)
    finally:
        watched.lab.cloud.switches = usual


def _a_password_that_is_guessed(watched: Watched) -> None:
    account = watched.guessed.account
    query = {"app_key": account.app_key, "username": account.username}
    for number in range(11):
        watched.guessed.client.send(LOG_IN, query, headers={"Authorization": f"guess {number}"})


def _an_app_that_has_used_up_its_day(watched: Watched) -> None:
    key, environment = watched.sp.account.app_key, watched.lab.environment
    change_app(environment, key, "--calls-per-day", "1", "--spend-per-day", "10")
    try:
        watched.call()
        assert watched.sp.place(CALLER, CALLEE).code == "1010009"
    finally:
        change_app(environment, key, "--calls-per-day", "0", "--spend-per-day", "0")


def _a_call_that_costs_a_fortune(watched: Watched) -> None:
    """100 USD a minute, by the operator's rates, which the API reads once a minute."""
    rates = watched.lab.cloud.state_dir / "rates.csv"
    rates.write_text("+,100\n", encoding="utf-8")
    operate(watched.lab.environment, "rates", "import", str(rates))
    watched.lab.cloud.let_pass(60.0)
    try:
        watched.lab.pstn.exchange.phones[CALLER] = Phone(answers(0.1))
        watched.lab.pstn.exchange.phones[CALLEE] = Phone(busy())
        session = str(watched.sp.place(CALLER, CALLEE).body["sessionId"])
        assert watched.sp.receiver.wait_for_fee(session, _WAIT_S)
    finally:
        operate(watched.lab.environment, "rates", "reset")


TROUBLES: dict[str, Callable[[Watched], None]] = {
    "UnexpectedAlarm": _an_unreadable_call,
    "FunctionErrorsAlarm": _a_sweep_that_dies,
    "RequestErrorsAlarm": _a_call_whose_events_are_throttled,
    "SlowAlarm": _a_process_that_stands_still,
    "GaveUpAlarm": _a_message_that_nobody_can_process,
    "UndeliveredAlarm": _an_sp_that_is_gone,
    "DialledTooMuchAlarm": _an_app_that_has_used_up_its_day,
    "SpendAlarm": _a_call_that_costs_a_fortune,
    "FlowsFailedAlarm": _an_execution_that_fails,
    "CallsWithoutEventsAlarm": _a_network_that_may_not_call_us,
    "MemoryNotKeptAlarm": _a_partition_that_is_full,
    "AuthenticationLockedAlarm": _a_password_that_is_guessed,
    "SweepBehindAlarm": _a_call_that_cannot_be_finalized,
    "SweepNotRunningAlarm": _a_rule_that_is_disabled,
    "ReconciliationFoundAlarm": _a_cdr_that_is_gone,
    "LateAlarm": _a_queue_that_nobody_reads,
    "ThrottledAlarm": _a_table_that_refuses,
}


@pytest.fixture(scope="module")
def watched(lab, case_player, new_sp) -> Iterator[Watched]:
    case_player.wait()
    yield Watched(lab, new_sp("watched"), new_sp("guessed"))
    passing.reset()
    alarms.reset()


def test_every_alarm_has_its_trouble():
    assert sorted(TROUBLES) == sorted(ALARMS)


def test_none_goes_off_while_calls_go_well(watched, case_player):
    for each in case_player.at_once([named("talked"), named("callee_busy_told")]):
        each.result(300)
    watched.minutes(6)
    assert watched.states() == dict.fromkeys(ALARMS, "OK")


@pytest.mark.parametrize("name", TROUBLES)
def test_an_alarm_goes_off_for_its_trouble(watched, name: str):
    watched.calm(name)
    TROUBLES[name](watched)
    assert watched.states()[name] == "ALARM" or watched.goes_off(name)

"""Deliver one notification to one SP: queue event in, what must come again out."""

import hashlib
import json
from dataclasses import replace

import pytest

from duologue.adapters.notifying.call_metrics import CallMetrics
from duologue.adapters.notifying.sqs_notices import read, written
from duologue.call_control.facts import CallEnded, CdrWritten, Fact, LegAnsweredRecorded, LegDialledRecorded
from duologue.domain.access.accounts import App
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.accounting.charges import LegCharge
from duologue.domain.accounting.receipt import Amounts, Receipt
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import OutsideUnavailable, RaceLost
from duologue.domain.notifying.webhook_request import Reply
from duologue.runtime.wiring.notify_sp import Dependencies
from duologue.usecases.notifying.notify_sp import NotifySp
from duologue.wire.huawei.notifications import HuaweiWebhooks
from functions.notify_sp.handler import answer
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.notices import FakeNotices
from tests.fakes.recordings import RECORDS
from tests.fakes.sp_endpoints import FakeSpEndpoints
from tests.functions.worlds import sample, samples
from tests.samples import at, callback

TWO_CALLS = sample("notify_sp", "facts_of_two_calls_recorded")
DUE = sample("notify_sp", "retry_came_due")
IDS = [record["messageId"] for record in TWO_CALLS["Records"]]
NOTICES_OF_TWO = [read(record["body"]) for record in TWO_CALLS["Records"]]
NOTICES = [read(record["body"]) for name in samples("notify_sp") for record in sample("notify_sp", name)["Records"]]


RECEIPT = Receipt(LegCharge(2, 20_000), LegCharge(0, 20_000), Amounts(state_transition=1))


def _breaks(*message: object) -> None:
    raise PermissionError(message)


class Function:
    """`over`: both calls have ended; else both callers have just answered."""

    def __init__(self, *replies: Reply, over: bool = True) -> None:
        self.calls, self.notices, self.endpoints = FakeCalls(), FakeNotices(), FakeSpEndpoints(*replies)
        done: list[Fact] = [CallEnded(at(30), EndReason.STOPPED), CdrWritten(at(30))]
        later = done if over else [LegAnsweredRecorded(at(5), Party.CALLER)]
        facts: dict[int, Fact] = dict(enumerate([LegDialledRecorded(at(1), Party.CALLER), *later], 2))
        for notice in NOTICES:
            if notice.call_id not in self.calls.rows:
                self.calls.apps[notice.app] = App(notice.app, "sp-1", "secret-1")
                self.calls.accept(callback(notice.call_id, notice.app), slots=10, close_by=at(120))
                if over:
                    self.calls.change(notice.call_id, ending=EndReason.STOPPED, ended_at=at(30))
                    cdr = cdr_of(self.calls.load(notice.call_id).call)
                    self.calls.cdrs[notice.call_id] = replace(cdr, receipt=RECEIPT)
            if notice.sequence in facts:
                of_item = self.calls.facts[notice.call_id].setdefault(notice.source, {})
                of_item[notice.sequence] = facts[notice.sequence]
        self.given_back: list[tuple[str, str, int]] = []
        notify_sp = NotifySp(
            log=self.calls,
            webhooks=HuaweiWebhooks("ce1.example.com", lambda: "n1", RECORDS),
            endpoints=self.endpoints,
            notices=self.notices,
            clock=FakeClock(at(60)),
            chance=lambda: 0.0,
            measurements=CallMetrics(),
        )
        self.dependencies = Dependencies(notify_sp, lambda *message: self.given_back.append(message))

    def take(self, event: dict) -> list[str]:
        """Which messages must come again."""
        failures = answer(event, self.dependencies)["batchItemFailures"]
        return [failure["itemIdentifier"] for failure in failures]

    @property
    def told(self) -> list[str]:
        return [event["eventType"] for event in self.endpoints.told]


@pytest.mark.parametrize("name", samples("notify_sp"))
def test_every_sample_is_what_the_queue_holds_and_is_dealt_with(name):
    event = sample("notify_sp", name)
    for record in event["Records"]:
        assert written(read(record["body"])) == record["body"]
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
    assert Function().take(event) == []


def test_a_batch_is_told_in_order_and_with_it_the_earlier_facts_that_were_not():
    function = Function()
    assert function.take(TWO_CALLS) == []
    assert function.told == ["callout", "disconnect", "callout", "fee"]


def test_what_the_sp_did_not_take_holds_nothing_up():
    function = Function(Reply(200), Reply(500))
    assert function.take(TWO_CALLS) == []
    assert function.told == ["callout", "disconnect", "callout", "fee"]
    assert [(notice.sequence, notice.version) for notice, _ in function.notices.aside] == [(3, 1)]


def _counted(text: str) -> list[tuple[str, dict[str, str]]]:
    """Each datum in a log: a metric with its value, and the dimensions."""
    found = []
    for line in text.splitlines():
        said = json.loads(line) if '"_aws"' in line else {}
        for directive in said.get("_aws", {}).get("CloudWatchMetrics", []):
            of = {name: said[name] for names in directive["Dimensions"] for name in names}
            found += [(f"{metric['Name']} {said[metric['Name']]}", of) for metric in directive["Metrics"]]
    return [(name.replace("[", "").replace("]", ""), of) for name, of in found]


def test_answers_ends_and_what_sps_servers_do_are_counted_for_the_operator(capsys):
    """Of these facts at 1, 5 and 30 s, at 60 s: two calls, whose SP takes three of the notifications."""
    function = Function(Reply(200, b'{"resultcode":"0"}'), Reply(503))
    function.take(TWO_CALLS)
    app = NOTICES_OF_TWO[0].app
    counted = _counted(capsys.readouterr().out)
    assert ("CallsEnded 1.0", {"Reason": "stopped"}) in counted
    assert ("TalkSeconds 0.0", {"App": app}) in counted
    assert ("EstimatedSpend 0.040025", {"App": app}) in counted
    assert [name for name, of in counted if of == {"App": app} and "Notification" in name][:2] == [
        "NotificationLag 59000.0",
        "NotificationsRefused 1.0",
    ]
    answered = Function(over=False)
    answered.take(TWO_CALLS)
    assert ("CallsAnswered 1.0", {"Party": "caller"}) in _counted(capsys.readouterr().out)


@pytest.mark.parametrize("error", [OutsideUnavailable, RaceLost])
def test_a_message_that_must_come_again_comes_in_seconds_and_holds_back_the_later_ones_of_its_call_only(error, capsys):
    """Others keep changing the same delivery, or the store is away: nothing that an alarm is for."""
    function = Function()
    function.calls.unreadable[NOTICES_OF_TWO[0].call_id] = error("calls")
    assert function.take(TWO_CALLS) == [IDS[0], IDS[2]]
    assert function.told == ["callout"]
    first = TWO_CALLS["Records"][0]
    assert function.given_back == [(first["eventSourceARN"], first["receiptHandle"], 1)]
    assert "Unexpected" not in capsys.readouterr().out


def test_a_message_that_cannot_be_given_back_comes_again_by_itself():
    function = Function()
    function.calls.out_of_reach = True
    function.dependencies = replace(function.dependencies, give_back=_breaks)
    assert function.take(DUE) == [DUE["Records"][0]["messageId"]]


def test_a_message_that_is_no_notice_does_not_hold_up_another_call():
    event = json.loads(json.dumps(TWO_CALLS))
    event["Records"][0]["body"] = "no notice"
    function = Function()
    assert function.take(event) == [IDS[0], IDS[2]]
    assert function.told == ["callout"]


def test_a_batch_of_which_nothing_is_done_is_given_back_and_is_no_failure_of_the_function(capsys):
    """An exception would raise the alarm on the function's errors; what nobody named is counted for its own."""
    function = Function()
    no_notice = DUE["Records"][0] | {"body": "no notice"}
    assert function.take({"Records": [no_notice]}) == [no_notice["messageId"]]
    counted = json.loads(capsys.readouterr().out)
    assert (counted["Unexpected"], counted["Function"]) == ([1.0], "notify_sp")


def test_what_is_undelivered_is_counted_for_its_alarm(capsys):
    function = Function(Reply(200), Reply(410))
    assert function.take(TWO_CALLS) == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [counted] = [line for line in lines if "NotificationsUndelivered" in line]
    assert counted["NotificationsUndelivered"] == [1.0]

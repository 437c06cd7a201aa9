"""Somebody whom a callback has rung dials the display number, and reaches the person who had wanted the callback."""

from dataclasses import replace

import pytest

from duologue.domain.access.accounts import UnknownCallers
from duologue.domain.accounting.receipt import flow_of
from duologue.domain.calls.outcome import EndReason
from pstn.lambdas import InvocationFault
from pstn.lines.behaviours import answers, busy
from pstn.switches import Switches
from tests.journeys.line import CALLEE, CALLER, OWN, Line

pytestmark = pytest.mark.usefixtures("both_carriers")
CALLBACK = ["callout", "alerting", "answer", "callout", "answer", "disconnect", "fee"]
RETURN = ["callin", "callout", "answer", "disconnect", "fee"]


def remembered(line, **wanted):
    """After a callback that both have hung up."""
    call = line.place(wants_memory=True, user_data="order-17", **wanted)
    line.run()
    assert line.told_to_sp == CALLBACK
    line.requests.clear()
    for phone in line.exchange.phones.values():
        phone.calls.clear()
    return call


def call_of(line):
    """The id of the only call that came in."""
    [call_id] = [request["statusInfo"]["sessionId"] for request in line.requests if request["eventType"] == "callin"]
    return call_id.partition("@")[0]


@pytest.mark.parametrize("on_moto", [False, True], ids=["in memory", "on moto"])
def test_the_called_party_calls_back_and_is_called_back(on_moto, dynamodb):
    """Each sees the display number alone; the flow watches, and rings nobody."""
    line = Line(answers(2), answers(3, talks=40), on_moto=on_moto)
    remembered(line)
    line.call_in(CALLEE)
    line.run()
    assert line.told_to_sp == RETURN
    call = call_of(line)
    assert line.exchange.phones[CALLER].saw == OWN[1]
    assert (line.heard_by(CALLER), len(line.exchange.phones[CALLER].calls)) == ([], 1)
    assert (line.disconnect["stateCode"], line.fee["direction"], line.fee["userData"]) == (0, 1, "order-17")
    assert line.cdr(call).talk.total_seconds() == pytest.approx(40, abs=1)
    line.check_all_over(call)
    assert flow_of(line.calls.load(call).call)[0] == len(line.states(call))
    line.requests.clear()
    line.call_in(CALLER)
    line.run()
    assert line.told_to_sp == RETURN
    assert line.exchange.phones[CALLEE].saw == OWN[1]
    line.check_all_over(call_of(line))


def test_a_return_call_that_the_state_machines_service_never_hears_of_connects_and_ends():
    line = Line(answers(2), answers(3, talks=40))
    remembered(line)
    line.flows_away = True
    line.call_in(CALLEE)
    line.run()
    assert line.told_to_sp == RETURN
    assert len(line.player.executions) == 1, "the callback's"
    line.check_all_over(call_of(line))


def test_and_the_sweeper_ends_it_where_its_hang_ups_are_lost_as_well():
    line = Line(answers(2), answers(3, talks=40))
    remembered(line)
    line.flows_away = True
    invoke = line.exchange.lambdas.invoke
    line.exchange.lambdas.invoke = lambda arn, event: (
        {"SchemaVersion": "1.0", "Actions": []} if event["InvocationEventType"] == "HANGUP" else invoke(arn, event)
    )
    line.call_in(CALLEE)
    line.clock.run_for(120)
    assert line.told_to_sp == RETURN[:3]
    call = line.calls.load(call_of(line)).call
    assert line.sweep().finalized == 0, "it may talk for a day"
    line.clock.run_for(call.longest_talk.total_seconds() + 600)
    assert line.sweep().finalized == 0, "the network is asked to end it first"
    line.clock.run_for(60)
    assert line.sweep().finalized == 1
    line.run()
    assert line.told_to_sp == RETURN
    assert line.cdr(call.id).reason is EndReason.LOST
    line.check_all_over(call.id)


def test_a_flow_that_starts_late_finds_the_call_and_watches_it():
    line = Line(answers(2), answers(3, talks=200))
    remembered(line)
    line.flows_away = True
    line.clock.call_later(90, lambda: setattr(line, "flows_away", False))
    line.call_in(CALLEE)
    line.run()
    call = call_of(line)
    assert line.states(call)[:3] == ["Ring the caller", "Ring the callee", "Talk"]
    line.check_all_over(call)


@pytest.mark.parametrize(
    ("wish", "heard", "code"),
    [(UnknownCallers.REFUSE, [], 480), (UnknownCallers.PROMPT, ["callee-unavailable"], 0)],
)
def test_a_withheld_number_is_told_to_the_sp_and_no_phone_rings(wish, heard, code):
    line = Line(answers(2), answers(3, talks=40))
    remembered(line)
    urls = line.notify
    line.app = replace(line.app, unknown_callers=wish, status_url=urls.status_url, fee_url=urls.fee_url)
    line.call_in(CALLEE, caller_id="anonymous")
    line.run()
    assert line.told_to_sp == ["callin", "disconnect", "fee"]
    assert line.disconnect["stateCode"] == line.fee["ulFailReason"] == 8019
    assert [prompt.value for prompt in line.heard_by(CALLEE)] == heard
    assert line.exchange.phones[CALLER].calls == []
    line.check_all_over(call_of(line))


def test_a_busy_target_is_dialled_once_and_the_caller_hears_why():
    line = Line(answers(2), answers(3, talks=40), switches=Switches(bridge_failure_detail=True))
    remembered(line)
    line.exchange.phones[CALLER].behaviour = busy()
    line.call_in(CALLEE)
    line.run()
    assert line.told_to_sp == ["callin", "callout", "disconnect", "fee"]
    assert line.disconnect["stateCode"] == 8102
    assert [prompt.value for prompt in line.heard_by(CALLEE)] == ["callee-busy"]
    line.check_all_over(call_of(line))


def test_a_lambda_that_is_slow_is_asked_twice_and_rings_once():
    line = Line(answers(2), answers(3, talks=40))
    remembered(line)
    line.exchange.switches = replace(line.exchange.switches, lambda_latency=6.0)
    line.call_in(CALLEE)
    line.run()
    assert line.told_to_sp == RETURN
    assert len(line.exchange.phones[CALLER].calls) == 1
    line.check_all_over(call_of(line))


@pytest.mark.parametrize("latency", [2.0, 25.0], ids=["the caller gives up before the answer", "the network gives up"])
def test_a_call_that_ends_before_its_answer_arrives_is_over_at_once(latency):
    """Its HANGUP has no attributes, as the network has stored none."""
    line = Line(answers(2), answers(3, talks=40))
    remembered(line)
    line.exchange.switches = replace(line.exchange.switches, lambda_latency=latency)
    line.call_in(CALLEE)
    line.clock.run_for(1)
    if latency < 20:
        assert line.exchange.line.hang_up_by_hand(CALLEE)
    line.clock.run_for(45)
    assert line.told_to_sp == ["callin", "callout", "disconnect", "fee"]
    assert line.exchange.phones[CALLER].calls == []
    line.check_all_over(call_of(line))


@pytest.mark.parametrize("on_moto", [False, True], ids=["in memory", "on moto"])
def test_a_caller_who_hangs_up_before_the_call_is_recorded_rings_nobody(on_moto, dynamodb):
    """The container that has the call is cold; another one has its HANGUP first. The SP hears of it, in order."""
    line = Line(answers(2), answers(3, talks=40), on_moto=on_moto)
    remembered(line)
    held = []

    def cold(event, attempt):
        is_first = event["InvocationEventType"] == "NEW_INBOUND_CALL"
        held.extend([event] if is_first else [])
        return InvocationFault(reached=not is_first)

    line.exchange.lambdas.fault = cold
    line.call_in(CALLEE)
    line.clock.run_for(1)
    assert line.exchange.line.hang_up_by_hand(CALLEE)
    line.clock.run_for(1)
    assert line.exchange.lambdas.invoke("", held[0])["Actions"] == []
    line.run()
    assert line.told_to_sp == ["callin", "disconnect", "fee"]
    assert line.exchange.phones[CALLER].calls == []
    assert line.cdr(call_of(line)).reason is EndReason.CALLER_LEFT
    line.check_all_over(call_of(line))

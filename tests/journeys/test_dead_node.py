"""A node dies with calls, over Carrier sip: what the SPs are told, when, and that nothing of the calls remains."""

from datetime import timedelta
from typing import Any

import pytest

from duologue.adapters.carriers.node_requests import NotAnswered
from duologue.domain.calls.node import Burial
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import UnknownCall
from duologue.operator.call_words import sentence
from duologue.wire.huawei.histories import history_of
from pstn.lambdas import InvocationFault
from pstn.lines.behaviours import answers, never_answers
from pstn.lines.virtual import Phone
from tests.journeys.line import START, Line

DEATH_S = 90
"""Within which a dead node's calls are over for their accounts."""


@pytest.fixture(autouse=True)
def over_sip(monkeypatch):
    monkeypatch.setattr(Line, "carrier", "sip")


def kill_after(line, seconds, *, sweep_s=30.0):
    """The node dies; a sweep begins each minute, as after `sweep_s`."""
    line.clock.run_for(seconds)
    line.kill_node()
    line.clock.run_for(sweep_s)
    lost = 0
    for _ in range(3):
        lost += line.bury().calls
        line.clock.run_for(54)
    line.run()
    return lost


PHASES = {
    "the caller rings": (1.0, (never_answers(), answers(3)), 8020),
    "the callee rings": (4.0, (answers(2), never_answers()), 8020),
    "they talk": (40.0, (answers(2), answers(3)), 0),
}


@pytest.mark.parametrize(("after", "phones", "state"), PHASES.values(), ids=PHASES)
@pytest.mark.parametrize("sweep_s", [0.0, 8.0, 59.0])
def test_its_calls_end_as_lost_within_ninety_seconds(after, phones, state, sweep_s):
    """For the SP in the event, the CDR and the look-up, for the operator in words. No slot, no execution remains."""
    line = Line(*phones)
    call = line.place()
    assert kill_after(line, after, sweep_s=sweep_s) == 1
    over, cdr = line.calls.load(call).call, line.cdr(call)
    assert cdr.reason is EndReason.LOST
    assert (line.disconnect["stateCode"], line.fee["ulFailReason"]) == (state, 517)
    assert history_of(line.calls.history(call), "ce1.example.com")["ending"]["reason"] == "lost"
    assert "The network never reported" in sentence(over, line.clock.now())
    assert line.told_at["fee"] < timedelta(seconds=after + DEATH_S)
    assert cdr.ended_at - START < timedelta(seconds=after + 1), "no talk is billed after the last heartbeat"
    line.check_all_over(call)


@pytest.mark.parametrize("sweep_s", [0.0, 8.0, 59.0])
@pytest.mark.parametrize("answered", [True, False])
def test_a_call_whose_node_dies_before_its_first_event_ends_as_lost(sweep_s, answered):
    """Whether or not it has answered to the dial."""
    line = Line(never_answers(), answers(3))
    network: Any = line.network
    post = network._requests.post

    def dies(*request):
        post(*request)
        line.kill_node()
        if not answered:
            raise NotAnswered("ConnectionResetError")

    network._requests.post = dies
    fault, line.exchange.lambdas.fault = (
        line.exchange.lambdas.fault,
        lambda event, attempt: InvocationFault(reached=False),
    )
    call = line.place()
    line.clock.run_for(1.0)
    assert line.calls.load(call).call.network_call is None
    network._requests.post = post
    line.exchange.lambdas.fault = fault
    assert kill_after(line, 0, sweep_s=sweep_s) == 1
    assert line.cdr(call).reason is EndReason.LOST
    assert (line.disconnect["stateCode"], line.fee["ulFailReason"]) == (8020, 517)
    assert line.told_at["fee"] < timedelta(seconds=1 + DEATH_S)
    line.check_all_over(call)


def test_a_node_that_died_since_the_table_was_read_is_passed_over():
    line = Line(answers(2), answers(3, talks=200.0))
    network: Any = line.network
    dead, asked, post = line.nodes.alive, list[str](), network._requests.post
    line.kill_node()
    network._chance = iter([0.9, 0.5] + [0.5] * 9).__next__

    def note(address, *request):
        asked.append(address)
        post(address, *request)

    network._requests.post = note
    call = line.place()
    line.clock.run_for(20)
    assert asked[:2] == [dead, line.nodes.alive]
    assert line.calls.load(call).dial_mark.startswith(line.nodes.alive)
    line.clock.run_for(80)
    line.bury()
    assert line.nodes.rows[dead].burial is Burial.DONE
    line.run()
    assert line.cdr(call).reason is EndReason.HUNG_UP
    line.check_all_over(call)


def test_the_next_call_is_taken_by_another_node_and_outlives_the_burial():
    line = Line(answers(2), answers(3))
    line.exchange.phones["+12025550113"] = Phone(answers(2))
    line.exchange.phones["+12025550114"] = Phone(answers(3, talks=200.0))
    first = line.place()
    line.clock.run_for(20)
    line.kill_node()
    second = line.place(caller="+12025550113", callee="+12025550114")
    for _ in range(3):
        line.clock.run_for(40)
        line.bury()
    assert (line.cdr(first).reason, line.calls.load(second).call.ending) == (EndReason.LOST, None)
    line.run()
    assert line.cdr(second).reason is EndReason.HUNG_UP
    line.check_all_over(first, second)


def test_a_stop_of_a_call_whose_node_is_dead_ends_it_without_waiting_for_the_sweep():
    """Once the node has been silent for long enough the flow finds no call there; until then it goes on asking."""
    line = Line(answers(2), answers(3))
    call = line.place()
    line.clock.run_for(20)
    line.kill_node()
    line.clock.run_for(16)
    line.stop(call)
    line.run()
    assert line.cdr(call).reason is EndReason.STOPPED
    with pytest.raises(UnknownCall):
        line.stop(call)
    line.check_all_over(call)

"""Close the account of a finished callback, if the last hang-up has not."""

import json
from dataclasses import replace

import pytest

from duologue.call_control.facts import CallAccepted, CallEnded, CdrWritten
from duologue.domain.errors import LegStillUp, UnknownCall
from duologue.domain.outcome import EndReason
from functions.settle.handler import handler
from tests.functions.worlds import CALL_ID, Settle, sample
from tests.samples import NETWORK_CALL, NOW, at, callback

ENDED = sample("settle", "flow_ended")
DIALLED = replace(callback(CALL_ID), network_call=NETWORK_CALL, taken_up_at=at(1))


def test_a_call_that_was_never_dialled_is_closed_with_its_one_record():
    world = Settle()
    assert world.take(ENDED) == {"closed": True}
    assert world.calls.facts[CALL_ID] == [
        CallAccepted(NOW),
        CallEnded(at(60), EndReason.NEVER_STARTED),
        CdrWritten(at(60)),
    ]
    assert world.calls.in_use("app-1") == 0


def test_twice_closes_once():
    world = Settle()
    world.take(ENDED)
    cdr = world.calls.cdrs[CALL_ID]
    assert world.take(ENDED) == {"closed": False}
    assert world.calls.cdrs == {CALL_ID: cdr}
    assert len(world.calls.facts[CALL_ID]) == 3


def test_a_call_that_the_network_knows_is_asked_to_end_and_left():
    """The state machine repeats it by the error's name; the hang-ups will close the account."""
    world = Settle(DIALLED, known=True)
    with pytest.raises(LegStillUp):
        world.take(ENDED)
    assert world.network.asked == [NETWORK_CALL]
    assert world.calls.cdrs == {}
    assert world.calls.load(CALL_ID).call.ending is EndReason.LOST


def test_a_call_that_the_network_no_longer_knows_is_closed():
    world = Settle(DIALLED, task_token="token-9")
    assert world.take(ENDED) == {"closed": True}
    assert world.calls.cdrs[CALL_ID].reason is EndReason.LOST
    assert world.flows.resumed == ["token-9"]


@pytest.mark.parametrize(
    ("call", "unheard"),
    [
        (replace(DIALLED, network_call=None), 1),
        (replace(DIALLED, network_call=None, ending=EndReason.DIAL_REFUSED), 0),
        (DIALLED, 0),
    ],
)
def test_a_dial_of_which_nothing_was_ever_heard_is_counted_once(call, unheard, capsys):
    world = Settle(call)
    world.take(ENDED)
    world.take(ENDED)
    assert [json.loads(line)["CallsUnheard"] for line in capsys.readouterr().out.splitlines()] == [unheard]


def test_the_reason_on_the_row_stands():
    world = Settle(replace(DIALLED, ending=EndReason.STOPPED))
    world.take(ENDED)
    assert world.calls.cdrs[CALL_ID].reason is EndReason.STOPPED


def test_a_call_that_is_not_there_is_the_state_machines_to_know():
    with pytest.raises(UnknownCall):
        Settle().take({"callId": "9_9_9_20261123090000"})


def test_the_handler_lets_errors_through_to_the_state_machine(monkeypatch):
    monkeypatch.delenv("CALLS_TABLE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(Exception, match="CALLS_TABLE"):
        handler(ENDED, None)

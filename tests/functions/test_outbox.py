"""What the stream says happened → what must be told to whom."""

import json

import pytest

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports import Notice
from tests.functions.worlds import CALL_ID, Outbox, sample, samples

TOKEN = sample("outbox", "wait_was_woken_by_no_event")["Records"][0]["dynamodb"]["NewImage"]["wakes"]["S"]


@pytest.mark.parametrize(
    ("name", "facts", "resumed"),
    [
        ("call_accepted", [1], []),
        ("caller_answered", [4], [TOKEN]),
        ("call_ended", [7, 8], [TOKEN]),
        ("wait_was_woken_by_no_event", [], [TOKEN]),
    ],
)
def test_a_batch_is_handed_on_in_order(name, facts, resumed):
    world = Outbox()
    world.take(sample("outbox", name))
    assert world.notices.first == [Notice(CALL_ID, sequence) for sequence in facts]
    assert world.flows.resumed == resumed


@pytest.mark.parametrize("name", samples("outbox"))
def test_a_batch_twice_is_the_same_again(name):
    """The queue knows a fact by its sequence, and a wake-up twice is one: the stream may repeat what it likes."""
    world = Outbox()
    world.take(sample("outbox", name))
    once = (list(world.notices.first), list(world.flows.resumed))
    world.take(sample("outbox", name))
    assert (world.notices.first, world.flows.resumed) == (once[0] * 2, once[1] * 2)


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_what_was_not_inserted_is_passed_over(change):
    """Filtered out by template.yaml; a filter that is loosened tells nobody anything twice."""
    event = sample("outbox", "call_ended")
    for record in event["Records"]:
        record["eventName"] = change
    world = Outbox()
    world.take(event)
    assert (world.notices.first, world.flows.resumed) == ([], [])


def test_a_queue_out_of_reach_gives_the_batch_back_to_the_stream():
    world = Outbox()
    world.notices.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        world.take(sample("outbox", "call_ended"))


def test_a_state_machine_out_of_reach_gives_the_batch_back_when_all_is_queued():
    world = Outbox(failures=1)
    with pytest.raises(OutsideUnavailable):
        world.take(sample("outbox", "call_ended"))
    assert [notice.sequence for notice in world.notices.first] == [7, 8]
    world.take(sample("outbox", "call_ended"))
    assert world.flows.resumed == [TOKEN]


def test_a_wait_that_may_not_be_woken_is_counted_and_holds_up_nothing(capsys):
    world = Outbox()
    world.flows.refusals[TOKEN] = PermissionError("AccessDeniedException")
    world.take(sample("outbox", "call_ended"))
    assert [notice.sequence for notice in world.notices.first] == [7, 8]
    counted = json.loads(capsys.readouterr().out)
    assert (counted["Unexpected"], counted["Function"]) == (1, "outbox")

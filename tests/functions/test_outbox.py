"""What the stream says was committed → what must be told to whom, and which state is resumed."""

import json
from datetime import timedelta

import pytest

from duologue.adapters.basics.aws import from_item
from duologue.adapters.calls.dynamo_people import listings
from duologue.adapters.rows.call_rows import ASKED, asked_row, event_row, facts_of, own_event_key
from duologue.call_control.machine import decide
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.flows import FlowOrder
from duologue.usecases.ports.notifying import Notice
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.fakes.seals import ROWS
from tests.functions.worlds import CALL_ID, Outbox, sample, samples
from tests.samples import NETWORK_CALL, callback, return_call

APP = "k7Qm2Xw9Lr4Tz8Vb1Nc6Yd3Hf5Js0Gp2"
s = lambda seconds: timedelta(seconds=seconds)  # noqa: E731
LAST = f"EVENT#{NETWORK_CALL}#000008"


@pytest.mark.parametrize(
    ("name", "item", "facts", "resumes"),
    [
        ("caller_answered", f"EVENT#{NETWORK_CALL}#000003", [4], {Wait.CALLER_ANSWER}),
        ("call_ended", LAST, [7, 8], set(Wait)),
        ("call_closed_by_the_sweeper", own_event_key(9), [5, 6], set(Wait)),
        ("call_accepted", "", [], set()),
        ("cdr_written", "", [], set()),
        ("return_call_connected", f"EVENT#{NETWORK_CALL}#000001", [1, 2], set()),
    ],
)
@pytest.mark.parametrize("waits_for", [None, *Wait])
def test_a_batch_is_handed_on_in_order_and_resumes_whom_it_concerns(name, item, facts, resumes, waits_for):
    """The end of a call concerns every wait, an answer only the wait for it; an item of another kind nobody."""
    world = Outbox(waits_for=waits_for)
    world.take(sample("outbox", name))
    assert world.notices.first == [Notice(CALL_ID, sequence, item, APP) for sequence in facts]
    assert world.flows.resumed == (["token-1"] if waits_for in resumes else [])


@pytest.mark.parametrize("name", samples("outbox"))
def test_a_batch_twice_is_queued_twice_and_resumes_once(name):
    """The queue knows a fact by its sequence: the stream may repeat what it likes."""
    world = Outbox(waits_for=Wait.END)
    world.take(sample("outbox", name))
    once = (list(world.notices.first), list(world.flows.resumed))
    world.take(sample("outbox", name))
    assert (world.notices.first, world.flows.resumed) == (once[0] * 2, once[1])


@pytest.mark.parametrize("name", samples("outbox"))
def test_the_flow_of_a_call_that_came_in_is_started_under_its_id(name):
    """Its first state finds the caller's leg and its second the callee's dial, so it only watches."""
    world = Outbox(return_call())
    world.take(sample("outbox", name))
    watches = FlowOrder(CALL_ID, s(140), s(80), s(29 * 60), s(60))
    assert world.flows.started == ({CALL_ID: watches} if name == "return_call_connected" else {})


def test_no_flow_is_started_for_a_call_that_is_over():
    world = Outbox(decide(return_call(), CALLER_LEFT).call)
    world.take(sample("outbox", "return_call_connected"))
    assert world.flows.started == {}


def test_a_flow_that_cannot_be_started_now_is_started_when_the_batch_comes_again():
    world = Outbox(return_call(), failures=1)
    with pytest.raises(OutsideUnavailable):
        world.take(sample("outbox", "return_call_connected"))
    assert [notice.sequence for notice in world.notices.first] == [1, 2], "the SP is notified in any case"
    world.take(sample("outbox", "return_call_connected"))
    assert list(world.flows.started) == [CALL_ID]


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_what_was_not_inserted_is_passed_over(change):
    """Filtered out by template.yaml; a filter that is loosened tells nobody anything twice."""
    event = sample("outbox", "call_ended")
    for record in event["Records"]:
        record["eventName"] = change
    world = Outbox(waits_for=Wait.END)
    world.take(event)
    assert (world.notices.first, world.flows.resumed) == ([], [])


@pytest.mark.parametrize("item", ["CALL", "ASKED", "TOKEN", "CDR", "DELIVERY#000007"])
def test_no_item_but_an_event_is_forwarded(item):
    """What is written beside it is inserted as well, and may have fields of the same names."""
    event = sample("outbox", "call_ended")
    for record in event["Records"]:
        record["dynamodb"]["NewImage"]["item"]["S"] = item
    world = Outbox(waits_for=Wait.END)
    world.take(event)
    assert (world.notices.first, world.flows.resumed) == ([], [])


def test_a_queue_out_of_reach_gives_the_batch_back_to_the_stream():
    world = Outbox()
    world.notices.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        world.take(sample("outbox", "call_ended"))


def test_a_store_out_of_reach_gives_the_batch_back_when_all_is_queued():
    """Whom to resume is read after the commit that the stream tells of."""
    world = Outbox(waits_for=Wait.END)
    world.calls.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        world.take(sample("outbox", "call_ended"))
    assert [notice.sequence for notice in world.notices.first] == [7, 8]
    world.calls.out_of_reach = False
    world.take(sample("outbox", "call_ended"))
    assert world.flows.resumed == ["token-1"]


def test_a_wait_that_may_not_be_resumed_is_counted_and_holds_up_nothing(capsys):
    world = Outbox(waits_for=Wait.END)
    world.flows.refusals["token-1"] = PermissionError("AccessDeniedException")
    world.take(sample("outbox", "call_ended"))
    assert [notice.sequence for notice in world.notices.first] == [7, 8]
    counted = json.loads(capsys.readouterr().out)
    assert (counted["Unexpected"], counted["Function"]) == ([1.0], "outbox")


@pytest.mark.parametrize("name", sorted(set(samples("outbox")) - {"call_accepted", "cdr_written"}))
def test_the_samples_of_events_are_what_the_store_writes(name):
    for record in sample("outbox", name)["Records"]:
        row = from_item(record["dynamodb"]["NewImage"])
        assert row.items() >= event_row(row["app"], row["first"], facts_of(row).values()).items()


@pytest.mark.parametrize("name", samples("outbox"))
def test_calls_are_listed_when_they_are_accepted_and_counted_when_they_are_over(name):
    story = Story(*TALKING, CALLER_LEFT, CALLEE_LEFT)
    world = Outbox(story.call)
    world.take(sample("outbox", name))
    assert world.lists.listed == ({CALL_ID} if name == "call_accepted" else set())
    assert world.lists.counted == ({CALL_ID} if name == "cdr_written" else set())


@pytest.mark.parametrize("error", [OutsideUnavailable("lists table"), KeyError("app")])
def test_lists_that_cannot_be_written_hold_up_no_notification(error, monkeypatch):
    """Not even those of the next batch: the stream would repeat this one."""
    world = Outbox()

    def fail(_calls):
        raise error

    monkeypatch.setattr(world.lists, "add", fail)
    world.take(sample("outbox", "call_accepted"))
    world.take(sample("outbox", "call_ended"))
    assert len(world.notices.first) == 2


def test_the_sample_of_an_accepted_call_is_what_the_store_writes():
    [record] = sample("outbox", "call_accepted")["Records"]
    written = ROWS.closed(CALL_ID, ASKED, asked_row(callback()) | listings(callback(), ROWS)[ASKED])
    row = from_item(record["dynamodb"]["NewImage"])
    assert row.keys() - {"call", "item", "expires_at"} <= written.keys()
    assert len(row["ends"]) == len(written["ends"])

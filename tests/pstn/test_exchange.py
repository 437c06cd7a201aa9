"""The exchange as a whole: several calls at once, its clock, its feed."""

import pytest

from pstn.clocks import JumpingClock
from pstn.exchange import CALLS_KEPT, Exchange
from pstn.feed import EventLog, NetworkEvent
from pstn.lines.behaviours import answers, never_answers
from pstn.lines.phone_state import Phone
from pstn.lines.virtual import VirtualLine
from pstn.recordings import MemoryRecordings
from pstn.refusals import ServiceRefusal
from pstn.switches import Quotas
from tests.pstn.scripted import SHOWN_A, START, A, Story, action, bridge, hang_up, hang_up_the_rest, key_of, play

CALLBACK = {"HANGUP": hang_up_the_rest}
RINGS = "+12025550133"
RECORDINGS = {"Type": "S3", "Location": "recordings/calls"}


def test_five_callbacks_fill_the_account_and_a_sixth_is_refused_until_one_ends():
    def dial_the_other(event: dict) -> list:
        """A on 011x, B on 012x."""
        first = event["CallDetails"]["Participants"][0]["To"]
        return [bridge(to=first.replace("555011", "555012"))]

    story = Story({**CALLBACK, "CALL_ANSWERED": dial_the_other}, quotas=Quotas(on=True))
    exchange = story.exchange
    for last in range(6):
        exchange.phones[f"+1202555011{last}"] = Phone(answers(after=1.0))
        exchange.phones[f"+1202555012{last}"] = Phone(answers(after=1.0, talks=60.0))

    def create(last: int) -> str:
        return exchange.create_call(story.application, from_number=SHOWN_A, to_number=f"+1202555011{last}")

    for last in range(5):
        create(last)
        exchange.run_for(1.0)
    exchange.run_for(10.0)
    assert exchange.active_calls() == 10
    assert len(exchange.legs_up()) == 10
    with pytest.raises(ServiceRefusal) as refused:
        create(5)
    assert (refused.value.status, refused.value.code) == (400, "ResourceLimitExceeded")
    exchange.run_for(60.0)
    assert exchange.active_calls() == 0
    create(5)
    exchange.run()
    joined = [phone.calls[0].joined for phone in exchange.phones.values() if phone.number.startswith("+1202555012")]
    assert len(joined) == 6
    assert all(joined)
    assert exchange.legs_up() == []


def test_what_is_kept_of_calls_that_are_over():
    """The newest; and a call that goes on, however old."""
    lasts = "+12025550122"

    def answered(event: dict) -> list:
        return [] if event["CallDetails"]["Participants"][0]["To"] == lasts else [hang_up()]

    story = Story({"CALL_ANSWERED": answered}, a=answers(after=1.0))
    exchange = story.exchange
    exchange.phones[lasts] = Phone(answers(after=1.0))
    lasting = exchange.create_call(story.application, from_number=SHOWN_A, to_number=lasts)
    over = []
    for _ in range(CALLS_KEPT + 20):
        over.append(story.place().transaction)
        exchange.run_for(10.0)
    assert list(exchange.calls) == [lasting, *over[-CALLS_KEPT - 1 :]]
    assert isinstance(exchange.line, VirtualLine)
    assert len(exchange.line.calls) == CALLS_KEPT + 2
    assert len(story.a.calls) == CALLS_KEPT + 1


def test_a_call_is_kept_until_its_recording_is_stored():
    def record_and_leave(event: dict) -> list:
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        return [action("StartCallRecording", CallId=leg, Track="BOTH", Destination=RECORDINGS), hang_up()]

    story = Story({"CALL_ANSWERED": record_and_leave}, a=answers(after=1.0), recording_delay=100_000.0)
    for _ in range(CALLS_KEPT + 20):
        story.place().exchange.run_for(10.0)
    assert story.exchange.recordings_unstored() == story.exchange.unsettled() == CALLS_KEPT + 20
    story.run()
    story.place()
    assert len(story.exchange.calls) == CALLS_KEPT + 1


def test_all_calls_can_be_ended_at_once_whatever_they_do():
    """One is bridged and recorded, one rings; each ends as if its Lambda could not be used."""

    def record_and_bridge(event: dict) -> list:
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        return [action("StartCallRecording", CallId=leg, Track="BOTH", Destination=RECORDINGS), bridge()]

    story = Story({"CALL_ANSWERED": record_and_bridge}, a=answers(after=1.0), b=answers(after=1.0))
    story.exchange.phones[RINGS] = Phone(never_answers())
    story.place()
    story.exchange.run_for(10.0)
    story.exchange.create_call(story.application, from_number=SHOWN_A, to_number=RINGS)
    story.exchange.run_for(2.0)
    assert len(story.exchange.legs_up()) == 2
    assert len(story.exchange.legs_ringing()) == 1
    story.exchange.end_calls("the node ends")
    assert story.exchange.legs_up() == story.exchange.legs_ringing() == []
    story.run()
    codes = [each["ActionData"]["Parameters"]["SipResponseCode"] for each in story.events if "HANGUP" in key_of(each)]
    assert codes == [480, 480, 480]
    assert [phone.last.ended_by for phone in (story.a, story.b, story.exchange.phones[RINGS])] == ["network"] * 3
    stored = story.exchange.recordings
    assert isinstance(stored, MemoryRecordings)
    assert len(stored.objects) == 1


def test_without_room_a_new_call_is_refused_in_both_directions_and_others_go_on():
    full: list[str] = []
    story = Story({"CALL_ANSWERED": [play()], "NEW_INBOUND_CALL": [play()]}, no_room=lambda: full[0] if full else None)
    rule = {"Name": "in", "TriggerType": "ToPhoneNumber", "TriggerValue": SHOWN_A}
    targets = [{"SipMediaApplicationId": story.application, "Priority": 1}]
    story.exchange.account.create_rule({**rule, "TargetApplications": targets})
    story.place()
    full.append("This node is full")
    with pytest.raises(ServiceRefusal, match="This node is full") as refused:
        story.exchange.create_call(story.application, from_number=SHOWN_A, to_number=RINGS)
    assert refused.value.status == 429
    assert story.exchange.call_in(RINGS, SHOWN_A) is None
    story.update(command="x")
    story.exchange.run_for(5.0)
    assert "CALL_UPDATE_REQUESTED" in story.told
    full.clear()
    assert story.exchange.call_in(RINGS, SHOWN_A)


def test_the_feed_keeps_the_newest_events_under_their_numbers():
    log = EventLog(3)
    for kind in "abcde":
        log.append(NetworkEvent(START, kind))
    found = {number: "".join(event.kind for event in log.since(number)) for number in (0, 2, 3, 4, 5, 9)}
    assert found == {0: "cde", 2: "cde", 3: "de", 4: "e", 5: "", 9: ""}


def test_legs_that_ring():
    story = Story({**CALLBACK, "CALL_ANSWERED": [bridge()]}, b=never_answers()).place()
    story.exchange.run_for(1.0)
    assert story.exchange.legs_ringing() == [(story.transaction, "LEG-A")]
    story.exchange.run_for(5.0)
    assert story.exchange.legs_ringing() == [(story.transaction, "LEG-B")]
    assert story.exchange.active_calls() == 2


def test_running_until_something_holds():
    story = Story().place()
    story.exchange.run_until(lambda: story.a.saw is not None)
    assert story.a.calls[0].answered_at is None
    with pytest.raises(AssertionError, match="never true"):
        story.exchange.run_until(lambda: False)


def test_a_clock_that_cannot_come_to_rest_says_so():
    clock = JumpingClock(START, most_timers=100)

    def again() -> None:
        clock.call_later(1.0, again)

    again()
    with pytest.raises(RuntimeError, match="keeps rescheduling itself"):
        clock.run()


def test_a_lambda_may_update_its_own_call_while_it_answers():
    """As a state machine does that is woken from inside the function."""
    story = Story({"CALL_UPDATE_REQUESTED": [bridge()]})

    def update_first(event: dict) -> list:
        story.update(command="x")
        return []

    story.script = {**story.script, "CALL_ANSWERED": update_first}
    story.place().run()
    assert story.told[3:] == ["CALL_UPDATE_REQUESTED", "ACTION_SUCCESSFUL:CallAndBridge"]


def test_a_lambda_sees_no_object_of_the_exchange():
    """What it does to its event changes nothing."""

    def vandal(event: dict) -> dict:
        event["CallDetails"].clear()
        return {"SchemaVersion": "1.0", "Actions": []}

    story = Story({"NEW_OUTBOUND_CALL": vandal}).place().run()
    assert story.events[1]["CallDetails"]["TransactionId"] == story.transaction


def test_two_exchanges_share_nothing():
    one, two = (Exchange(JumpingClock(START), lambda arn, event: None) for _ in range(2))
    one.own(SHOWN_A)
    assert not two.account.owns(SHOWN_A)
    assert one.phones[A] is not two.phones[A]

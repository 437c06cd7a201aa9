"""Whole calls as the phones and the Lambda saw them."""

import pytest

from pstn.lines.virtual import (
    Behaviour,
    Phone,
    answers,
    busy,
    hangs_up_while_other_rings,
    invalid,
    never_answers,
    rejects,
    vanishes,
)
from tests.pstn.scripted import SHOWN_A, SHOWN_B, A, B, Story, bridge, hang_up, hang_up_the_rest, play

CALLBACK = {"CALL_ANSWERED": [play(), bridge()], "HANGUP": hang_up_the_rest}
FIRST = ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED"]


def test_a_callback():
    """A hears the prompt, B is dialled, both are joined; each saw only its own display number."""
    story = Story(CALLBACK, b=answers(after=2.0, talks=10.0)).place({"callbackId": "cb-1"}).run()

    assert story.told == [*FIRST, "ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert (story.a.saw, story.b.saw) == (SHOWN_A, SHOWN_B)
    assert story.heard_a == ["hello.wav"]
    (_, joined_at, parted_at) = story.a.calls[0].joined[0]
    assert parted_at is not None
    assert (parted_at - joined_at).total_seconds() == 10
    assert (story.b.calls[0].ended_by, story.a.calls[0].ended_by) == ("self", "network")
    assert story.exchange.legs_up() == []


def test_sequences_count_up_from_one():
    story = Story(CALLBACK, b=answers(talks=1.0)).place().run()
    assert [event["Sequence"] for event in story.events] == list(range(1, len(story.events) + 1))


@pytest.mark.parametrize(
    ("phone", "code"), [(busy(), 486), (rejects(), 603), (invalid(), 404), (never_answers(), 480)], ids=str
)
def test_leg_a_is_never_reached(phone: Behaviour, code: int):
    story = Story(CALLBACK, a=phone).place().run()
    assert story.told[-1] == "HANGUP:LEG-A"
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == code
    assert story.events[-1]["CallDetails"]["Participants"][0]["Status"] == "Disconnected"
    assert story.b.calls == []


def test_an_unanswered_leg_a_rings_as_long_as_the_network_lets_it():
    story = Story(CALLBACK, a=never_answers(), network_ring_limit=45.0).place().run()
    call = story.a.calls[0]
    assert call.ended_at is not None
    assert (call.ended_at - call.called_at).total_seconds() == 45


@pytest.mark.parametrize("phone", [busy(), rejects(), invalid(), never_answers()], ids=lambda each: each.kind)
def test_leg_b_is_never_reached(phone: Behaviour):
    """A stays up, and is not told why."""
    story = Story({**CALLBACK, "ACTION_FAILED": [play("sorry.wav"), hang_up()]}, b=phone).place().run()
    assert story.told == [*FIRST, "ACTION_FAILED:CallAndBridge", "HANGUP:LEG-A"]
    failure = story.data("ACTION_FAILED:CallAndBridge")
    assert (failure["ErrorType"], failure["ErrorMessage"]) == ("CallNotAnswered", "Call not answered")
    assert "SipResponseCode" not in failure
    assert [leg["ParticipantTag"] for leg in story.events[3]["CallDetails"]["Participants"]] == ["LEG-A"]
    assert story.heard_a == ["hello.wav", "sorry.wav"]


def test_the_bridge_gives_up_at_its_own_timeout():
    story = Story({**CALLBACK, "CALL_ANSWERED": [bridge(seconds=7)]}, b=never_answers()).place().run()
    call = story.b.calls[0]
    assert call.ended_at is not None
    assert (call.ended_at - call.called_at).total_seconds() == 7
    assert call.ended_by == "network"


def test_the_caller_leaves_while_the_other_rings():
    """B's phone stops ringing; only A's end is told."""
    story = Story(CALLBACK, a=hangs_up_while_other_rings(after=1.5), b=never_answers()).place().run()
    assert story.told == [*FIRST, "HANGUP:LEG-A"]
    assert story.b.calls[0].answered_at is None
    assert story.b.calls[0].ended_by == "network"


def test_no_leg_ends_because_its_peer_did():
    story = Story({"CALL_ANSWERED": [bridge()]}, b=answers(talks=3.0)).place().run()
    assert story.exchange.legs_up() == [(story.transaction, "LEG-A")]


def test_a_vanished_phone_keeps_its_leg_up():
    story = Story(CALLBACK, b=vanishes(after=2.0)).place().run()
    assert story.told[-1] == "ACTION_SUCCESSFUL:CallAndBridge"
    assert len(story.exchange.legs_up()) == 2


def test_the_network_may_notice_that_a_phone_vanished():
    story = Story(CALLBACK, b=vanishes(after=2.0, noticed=60.0)).place().run()
    assert story.told[-2:] == ["HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert story.exchange.legs_up() == []


def test_a_second_bridge_after_the_first_party_left():
    def again(event: dict) -> list:
        return [bridge(to="+12025550133")]

    story = Story({"CALL_ANSWERED": [bridge()], "HANGUP:LEG-B": again}, b=answers(talks=3.0))
    story.exchange.phones["+12025550133"] = Phone(answers())
    story.place().run()
    assert [peer for peer, _, _ in story.a.calls[0].joined] == [B, "+12025550133"]
    assert [leg["ParticipantTag"] for leg in story.events[-1]["CallDetails"]["Participants"]] == ["LEG-A", "LEG-B"]


def test_a_phone_in_a_call_is_busy_to_the_next():
    story = Story({"CALL_ANSWERED": [bridge(to=A)]}).place().run()
    assert story.told[-1] == "ACTION_FAILED:CallAndBridge"
    assert [call.sip_code for call in story.a.calls] == [None, 486]


def test_ringing_leg_a_cannot_be_cancelled():
    """Only the person can end it; the action fails."""
    story = Story({"CALL_UPDATE_REQUESTED": [hang_up()]}, a=answers(after=8.0))
    story.place().after(2.0, lambda: story.update(command="end"))
    story.exchange.run_for(5.0)
    assert story.told[-2:] == ["CALL_UPDATE_REQUESTED", "ACTION_FAILED:Hangup"]
    assert story.a.calls[0].ended_at is None
    story.run()
    assert story.told[-1] == "CALL_ANSWERED"


def test_an_hour_of_talk_takes_no_time():
    story = Story(CALLBACK, b=answers(talks=86_400.0)).place().run()
    (_, since, until) = story.b.calls[0].joined[0]
    assert until is not None
    assert (until - since).days == 1

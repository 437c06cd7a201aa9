"""Calls from outside: a SIP rule's application decides whether the phone is answered."""

from typing import Any

import pytest

from pstn.lines.virtual import Behaviour, answers
from tests.pstn.scripted import SHOWN_A, A, B, Story, Whole, action, bridge, hang_up, hang_up_the_rest, inbound, play


def called(
    script: dict[str, Any],
    b: Behaviour | None = None,
    sip_headers: dict[str, str] | None = None,
    **switches: Any,
) -> Story:
    """A dials the account's number, which a rule sends to the application."""
    return Story(script, b=b, **switches).called_in(sip_headers)


def test_the_first_event():
    story = Story({"NEW_INBOUND_CALL": [hang_up()]})
    with inbound(story) as rule:
        story.exchange.call_in(A, SHOWN_A)
        story.run()
    details = story.events[0]["CallDetails"]
    (leg,) = details["Participants"]
    assert story.told[0] == "NEW_INBOUND_CALL"
    assert details["SipRuleId"] == rule["SipRuleId"]
    assert (leg["From"], leg["To"], leg["Direction"]) == (A, SHOWN_A, "Inbound")
    assert "Status" not in leg


def test_its_headers_are_shown():
    story = called({"NEW_INBOUND_CALL": [hang_up()]}, sip_headers={"X-Account-Id": "4711"}).run()
    assert story.events[0]["CallDetails"]["Participants"][0]["SipHeaders"] == {"X-Account-Id": "4711"}


@pytest.mark.parametrize("first", [play(), action("ReceiveDigits")], ids=lambda each: each["Type"])
def test_most_actions_answer_the_call(first: dict[str, Any]):
    if first["Type"] == "ReceiveDigits":
        first["Parameters"] |= {
            "InputDigitsRegex": "1",
            "InBetweenDigitsDurationInMilliseconds": 1,
            "FlushDigitsDurationInMilliseconds": 2,
        }
    story = called({"NEW_INBOUND_CALL": [first]}).run()
    assert story.exchange.legs_up() == [(story.transaction, "LEG-A")]
    assert story.a.calls[0].answered_at is not None


def test_a_pause_leaves_it_ringing_and_hangup_rejects_it():
    story = called({"NEW_INBOUND_CALL": [action("Pause", DurationInMilliseconds=5000), hang_up(SipResponseCode="486")]})
    story.run()
    call = story.a.calls[0]
    assert (call.answered_at, call.sip_code) == (None, 486)
    assert story.told == ["NEW_INBOUND_CALL", "HANGUP:LEG-A"]


def test_a_bridge_answers_the_caller_when_the_called_party_answers():
    """The caller keeps hearing the network's own ringing until then."""
    story = called({"NEW_INBOUND_CALL": [bridge()], "HANGUP": hang_up_the_rest}, b=answers(after=4.0, talks=3.0)).run()
    assert story.a.calls[0].answered_at == story.b.calls[0].answered_at
    assert [peer for peer, _, _ in story.a.calls[0].joined] == [B]
    assert story.exchange.legs_up() == []


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ([], []),
        (Whole({"SchemaVersion": "1.0", "Actions": None}), []),
        (Whole("text"), ["INVALID_LAMBDA_RESPONSE"]),
        ([play(Repeat="x")], ["ACTION_FAILED:PlayAudio"]),
        ([action("Pause", DurationInMilliseconds=1000)], ["ACTION_SUCCESSFUL:Pause"]),
        ([bridge(to="+12025550142")], ["ACTION_FAILED:CallAndBridge"]),
        ([action("CallAndBridge")], ["ACTION_FAILED:CallAndBridge"]),
    ],
    ids=lambda each: str(each)[:30],
)
def test_an_unanswered_call_with_nothing_to_do_ends_after_30_seconds(first: Any, told: list[str]):
    story = called({"NEW_INBOUND_CALL": first}).run()
    call = story.a.calls[0]
    assert story.told == ["NEW_INBOUND_CALL", *told, "HANGUP:LEG-A"]
    assert (call.answered_at, call.sip_code) == (None, 480)
    assert call.ended_at is not None
    assert (call.ended_at - call.called_at).total_seconds() == pytest.approx(31 if told else 30, abs=1.1)


def test_actions_that_come_in_time_save_the_call():
    script = {"NEW_INBOUND_CALL": [], "CALL_UPDATE_REQUESTED": [play()]}
    story = called(script)
    story.after(29.0, lambda: story.update(command="answer")).run()
    assert story.exchange.legs_up() == [(story.transaction, "LEG-A")]


def test_the_caller_gives_up_before_an_answer():
    story = called({"NEW_INBOUND_CALL": [action("Pause", DurationInMilliseconds=20000)]})
    story.after(5.0, lambda: story.exchange.line.hang_up_by_hand(A)).run()
    assert story.told == ["NEW_INBOUND_CALL", "HANGUP:LEG-A"]


def test_without_a_rule_or_with_a_disabled_one_the_number_is_dead():
    story = Story()
    assert story.exchange.call_in(A, SHOWN_A) is None
    with inbound(story) as rule:
        story.exchange.account.update_rule(rule["SipRuleId"], {"Disabled": True})
        assert story.exchange.call_in(A, SHOWN_A) is None


def test_the_number_called_may_be_shown_to_the_second_leg():
    script = {"NEW_INBOUND_CALL": [bridge()]}
    assert called(script).run().b.saw == "+12025550101"

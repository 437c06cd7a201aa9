"""Calls from outside: a SIP rule's application decides whether the phone is answered."""

from typing import Any

import pytest

from pstn.lambdas import InvocationFault
from pstn.lines.virtual import Behaviour, answers, never_answers
from tests.pstn.scripted import (
    SHOWN_A,
    SHOWN_B,
    A,
    B,
    Story,
    Whole,
    action,
    bridge,
    hang_up,
    hang_up_the_rest,
    inbound,
    play,
)

CALLER_IDS = ["anonymous", "Restricted", "+266696687", "", "2025550111", "+1 (202) 555-0111", "+12025550111222333"]
"""What carriers send where a caller's number is withheld, or not as E.164 has it."""


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


@pytest.mark.parametrize("caller_id", CALLER_IDS)
def test_a_caller_id_is_told_as_it_is(caller_id: str):
    """It cannot be shown to the second leg unless it is a number."""
    story = Story({"NEW_INBOUND_CALL": [bridge(CallerIdNumber=caller_id), hang_up(SipResponseCode="480")]})
    with inbound(story):
        story.transaction = story.exchange.call_in(A, SHOWN_A, caller_id=caller_id) or ""
        story.run()
    (leg,) = story.events[0]["CallDetails"]["Participants"]
    assert leg["From"] == caller_id
    assert [call.caller_id for call in story.a.calls] == [caller_id]
    assert bool(story.b.calls) == (caller_id == "+266696687")


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


@pytest.mark.parametrize("code", ["0", "480", "486"])
def test_a_call_is_refused_unanswered_with_the_given_code(code: str):
    story = called({"NEW_INBOUND_CALL": [hang_up(SipResponseCode=code)]}).run()
    call = story.a.calls[0]
    assert (call.answered_at, call.ended_by, call.sip_code) == (None, "network", int(code))
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == int(code)


@pytest.mark.parametrize(
    ("seconds", "asked", "dialled"), [(4.0, 1, 1), (6.0, 2, 1), (19.0, 4, 1), (21.0, 4, 0)], ids=str
)
def test_a_slow_lambda_is_asked_again_each_5_seconds_and_given_up_after_20(seconds: float, asked: int, dialled: int):
    """The first answer counts, whatever the repeats answer later."""
    slow = Story(
        {"NEW_INBOUND_CALL": [bridge()], "HANGUP": hang_up_the_rest},
        b=answers(after=1.0, talks=30.0),
        fault=lambda event, attempt: InvocationFault(
            latency=seconds if event["InvocationEventType"] == "NEW_INBOUND_CALL" else None
        ),
    )
    story = slow.called_in().run()
    assert (story.told.count("NEW_INBOUND_CALL"), len(story.b.calls)) == (asked, dialled)
    if not dialled:
        call = story.a.calls[0]
        assert call.ended_at is not None
        assert (call.answered_at, call.sip_code) == (None, 480)
        assert (call.ended_at - call.called_at).total_seconds() == pytest.approx(20, abs=0.1)


def test_the_caller_gives_up_while_the_called_party_rings():
    """The called party's phone stops ringing, and the caller's HANGUP has code 0, although nobody answered."""
    story = called({"NEW_INBOUND_CALL": [bridge(seconds=60)]}, b=never_answers())
    story.after(5.0, lambda: story.exchange.line.hang_up_by_hand(A)).run()
    assert story.told == ["NEW_INBOUND_CALL", "HANGUP:LEG-A"]
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == 0
    assert [(call.answered_at, call.sip_code) for call in story.b.calls] == [(None, 487)]


def test_an_unanswered_caller_does_not_hear_the_ringback_tone():
    """It hears its own network's ringing: nothing has been answered."""
    tone = {"Type": "S3", "BucketName": "prompts", "Key": "ringback.wav"}
    heard = {}
    for first in ([bridge(RingbackTone=tone)], [play(), bridge(RingbackTone=tone)]):
        story = called({"NEW_INBOUND_CALL": first, "HANGUP": hang_up_the_rest}, b=answers(talks=1.0)).run()
        heard[len(first)] = "ringback.wav" in story.heard_a
    assert heard == {1: False, 2: True}


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


def test_a_bridge_to_a_number_of_the_account_comes_back_in_as_a_new_call():
    """From is the caller ID shown; whoever answers or hangs up there does so at the first call's leg as well."""

    def second_call_only(event: dict[str, Any]) -> list[dict[str, Any]]:
        second = event["CallDetails"]["TransactionId"] != story.transaction
        return [play("back.wav"), hang_up()] if second else [bridge(to=SHOWN_A)]

    story = Story({"NEW_INBOUND_CALL": second_call_only, "HANGUP": hang_up_the_rest})
    with inbound(story):
        story.transaction = story.exchange.call_in(A, SHOWN_A) or ""
        story.run()
    arrived = [
        (leg["From"], leg["To"])
        for event in story.events
        if event["InvocationEventType"] == "NEW_INBOUND_CALL"
        for leg in event["CallDetails"]["Participants"]
    ]
    assert arrived == [(A, SHOWN_A), (SHOWN_B, SHOWN_A)]
    assert [peer for peer, _, _ in story.a.calls[0].joined] == [SHOWN_A]
    assert story.exchange.legs_up() == []


@pytest.mark.parametrize(("code", "told"), [("0", "480"), ("480", "480"), ("486", "486")])
def test_a_call_that_comes_back_in_is_refused_with_the_code_that_the_account_chose(code: str, told: str):
    def refuse(event: dict[str, Any]) -> list[dict[str, Any]]:
        return [hang_up(SipResponseCode=code)]

    story = Story({"CALL_ANSWERED": [bridge(to=SHOWN_A)], "NEW_INBOUND_CALL": refuse}, bridge_failure_detail=True)
    with inbound(story):
        story.place().after(30.0, lambda: story.exchange.line.hang_up_by_hand(A)).run()
    assert str(story.data("ACTION_FAILED:CallAndBridge")["SipResponseCode"]) == told


def test_a_loop_ends_with_too_many_hops():
    """Every call that comes back in is sent on to the same number."""
    story = Story({"NEW_INBOUND_CALL": [bridge(to=SHOWN_A)]}, most_loops=3, bridge_failure_detail=True)
    with inbound(story):
        story.exchange.call_in(A, SHOWN_A)
        story.run()
    assert story.told.count("NEW_INBOUND_CALL") == 4
    assert story.data("ACTION_FAILED:CallAndBridge")["SipResponseCode"] == 483
    assert (story.exchange.legs_up(), story.exchange.legs_ringing()) == ([], [])


def test_without_a_rule_or_with_a_disabled_one_the_number_is_dead():
    story = Story()
    assert story.exchange.call_in(A, SHOWN_A) is None
    with inbound(story) as rule:
        story.exchange.account.update_rule(rule["SipRuleId"], {"Disabled": True})
        assert story.exchange.call_in(A, SHOWN_A) is None


def test_the_number_called_may_be_shown_to_the_second_leg():
    script = {"NEW_INBOUND_CALL": [bridge()]}
    assert called(script).run().b.saw == "+12025550101"

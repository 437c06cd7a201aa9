"""The Lambda's answers: unusable ones, late ones, none at all."""

from typing import Any

import pytest

from pstn.lambdas import InvocationFault
from pstn.lines.virtual import answers
from pstn.switches import older_attribute_limits
from tests.pstn.scripted import Story, Whole, action, bridge, hang_up, hang_up_the_rest, play

OK: dict[str, Any] = {"SchemaVersion": "1.0", "Actions": []}
SIZE = "TransactionAttributesInvalidMapSize"

UNUSABLE: list[tuple[Any, str]] = [
    (None, "InvalidLambdaResponse"),
    ("", "InvalidLambdaResponse"),
    ({}, "SchemaVersionMismatch"),
    ("text", "SchemaVersionMismatch"),
    ([], "SchemaVersionMismatch"),
    ({"statusCode": 200, "body": "{}"}, "SchemaVersionMismatch"),
    ({**OK, "SchemaVersion": "1.1"}, "SchemaVersionMismatch"),
    ({**OK, "SchemaVersion": 1.0}, "SchemaVersionMismatch"),
    ({"errorMessage": "boom", "errorType": "KeyError"}, "SchemaVersionMismatch"),
    ({**OK, "Actions": {}}, "InvalidActionList"),
    ({**OK, "Actions": "Hangup"}, "InvalidActionList"),
    ({**OK, "Actions": ["Hangup"]}, "InvalidActionList"),
    ({**OK, "Actions": [action("Dial")]}, "InvalidActionList"),
    ({**OK, "Actions": [{"Parameters": {}}]}, "InvalidActionList"),
    ({**OK, "Actions": [{"Type": "Hangup", "Parameters": []}]}, "InvalidActionList"),
    ({**OK, "Actions": [hang_up()] * 11}, "InvalidActionList"),
    ({**OK, "TransactionAttributes": []}, "TransactionAttributesInvalid"),
    ({**OK, "TransactionAttributes": {str(n): "" for n in range(101)}}, SIZE),
    ({**OK, "TransactionAttributes": {"key": "x" * 20_480}}, SIZE),
]


@pytest.mark.parametrize(("payload", "error"), UNUSABLE, ids=[f"{row[1]}-{n}" for n, row in enumerate(UNUSABLE)])
def test_an_unusable_answer_is_told_and_its_actions_are_not_run(payload: Any, error: str):
    story = Story({"CALL_ANSWERED": Whole(payload), "INVALID_LAMBDA_RESPONSE": [play("sorry.wav")]})
    story.place().run()
    assert story.told[3:] == ["INVALID_LAMBDA_RESPONSE", "ACTION_SUCCESSFUL:PlayAudio"]
    told = story.events[3]
    assert told["ErrorType"] == error
    assert told["ErrorMessage"]
    assert "ActionData" not in told
    assert story.heard_a == ["sorry.wav"]


@pytest.mark.parametrize(
    "attributes", [{str(n): "" for n in range(100)}, {"key": "x" * 20_000}, {"flag": True, "count": 3}], ids=len
)
def test_attributes_within_the_limits_are_kept(attributes: dict[str, Any]):
    story = Story({"RINGING": {**OK, "TransactionAttributes": attributes}}).place().run()
    assert story.events[-1]["CallDetails"]["TransactionAttributes"] == attributes


@pytest.mark.parametrize("attributes", [{str(n): "" for n in range(11)}, {"k": "x" * 1025}, {"k" * 1025: "x"}], ids=len)
def test_the_older_limits_are_a_switch(attributes: dict[str, Any]):
    story = Story({"CALL_ANSWERED": {**OK, "TransactionAttributes": attributes}}, **older_attribute_limits())
    story.place().run()
    assert "INVALID_LAMBDA_RESPONSE" in story.told
    assert "TransactionAttributes" not in story.events[-1]["CallDetails"]


def test_ten_actions_are_not_too_many():
    story = Story({"CALL_ANSWERED": [play(f"{n}.wav") for n in range(10)]}).place().run()
    assert len(story.heard_a) == 10


@pytest.mark.parametrize("payload", [None, {"statusCode": 200, "body": "{}"}, {**OK, "Actions": "Hangup"}])
@pytest.mark.parametrize("read", [False, True])
def test_an_unusable_answer_that_would_be_ignored_anyway(payload: Any, read: bool):
    """The developer meets the fault at the first answer that counts; by switch before the phone rings."""
    malformed = dict.fromkeys(["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED"], Whole(payload))
    story = Story(malformed, ignored_answers_are_read=read, a=answers(stays=9.0)).place().run()
    expected = ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED"]
    invalid = "INVALID_LAMBDA_RESPONSE"
    if read:
        expected = [each for event in expected for each in (event, invalid)]
    else:
        expected.append(invalid)
    assert sorted(story.told) == sorted([*expected, "HANGUP:LEG-A"])
    assert story.a.calls[0].answered_at is not None


def test_a_second_unusable_answer_ends_the_call():
    story = Story({"CALL_ANSWERED": {}, "INVALID_LAMBDA_RESPONSE": {}}).place().run()
    assert story.told[3:] == ["INVALID_LAMBDA_RESPONSE", "HANGUP:LEG-A"]
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == 480
    assert story.exchange.legs_up() == []


def test_a_second_unusable_answer_is_forgiven_by_switch():
    story = Story({"CALL_ANSWERED": {}, "INVALID_LAMBDA_RESPONSE": {}}, invalid_twice_drops=False, invocations=20)
    story.place().run()
    assert story.told.count("INVALID_LAMBDA_RESPONSE") == 17


def late(kind: str, seconds: float, attempts: int = 99) -> Any:
    return lambda event, attempt: InvocationFault(
        latency=seconds if event["InvocationEventType"] == kind and attempt <= attempts else 0.02
    )


def test_an_unanswered_event_is_repeated_after_five_seconds_with_its_sequence():
    story = Story({"CALL_ANSWERED": [play()]}, fault=late("CALL_ANSWERED", 7.0)).place().run()
    first, second = (event for event in story.events if event["InvocationEventType"] == "CALL_ANSWERED")
    assert first == second
    assert story.heard_a == ["hello.wav"]


def test_of_two_answers_the_first_counts():
    """The first attempt's reply comes at 7 s, the second's at 5.02 s."""
    replies = iter([[play("late.wav")], [play("prompt.wav")]])
    story = Story({"CALL_ANSWERED": lambda event: next(replies)}, fault=late("CALL_ANSWERED", 7.0, attempts=1))
    assert story.place().run().heard_a == ["prompt.wav"]


def test_twenty_seconds_without_an_answer_end_the_call():
    story = Story(
        {"CALL_ANSWERED": [bridge()]},
        fault=lambda event, attempt: InvocationFault(reached=event["InvocationEventType"] != "CALL_ANSWERED"),
    )
    story.place().run()
    call = story.a.calls[0]
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert (call.ended_at - call.answered_at).total_seconds() == 20
    assert story.told[-1] == "HANGUP:LEG-A"
    assert story.exchange.legs_up() == []


def test_a_lost_reply_is_asked_for_again():
    """The function ran, its reply never arrived: it runs twice, and the second reply counts."""
    lost = InvocationFault(reply_lost=True)
    story = Story(
        {"CALL_ANSWERED": [play()]},
        fault=lambda event, attempt: lost if (event["Sequence"], attempt) == (3, 1) else InvocationFault(),
    )
    story.place().run()
    assert story.told[2:4] == ["CALL_ANSWERED", "CALL_ANSWERED"]
    assert story.heard_a == ["hello.wav"]


def test_an_answer_after_nineteen_seconds_still_counts():
    story = Story({"CALL_ANSWERED": [play()]}, fault=late("CALL_ANSWERED", 19.0)).place().run()
    assert story.heard_a == ["hello.wav"]
    assert story.told.count("CALL_ANSWERED") == 4


def test_a_lambda_that_fails_is_tried_once_more():
    failures = iter([True, False])

    def unlucky(event: dict[str, Any]) -> Any:
        if next(failures):
            raise RuntimeError("boom")
        return [play()]

    story = Story({"CALL_ANSWERED": unlucky}).place().run()
    assert story.told.count("CALL_ANSWERED") == 2
    assert story.heard_a == ["hello.wav"]


def broken(event: dict[str, Any]) -> Any:
    raise RuntimeError("boom")


def test_a_lambda_that_fails_twice_cuts_everybody_off():
    script = {"CALL_ANSWERED": [bridge()], "ACTION_SUCCESSFUL:CallAndBridge": broken}
    story = Story(script).place().run()
    assert story.exchange.legs_up() == []
    assert story.told[-2:] == ["HANGUP:LEG-A", "HANGUP:LEG-B"]
    assert {call.sip_code for call in (*story.a.calls, *story.b.calls)} == {480}


def test_a_lambda_that_fails_at_once_is_why_nobody_is_dialled():
    story = Story({"NEW_OUTBOUND_CALL": broken}).place().run()
    assert story.a.calls == []
    assert story.told == ["NEW_OUTBOUND_CALL", "NEW_OUTBOUND_CALL", "HANGUP:LEG-A"]


def test_no_hangup_is_told_of_a_dropped_call_by_switch():
    story = Story({"NEW_OUTBOUND_CALL": broken}, hangup_after_drop=False).place().run()
    assert story.told == ["NEW_OUTBOUND_CALL", "NEW_OUTBOUND_CALL"]


def test_a_call_has_a_thousand_invocations():
    story = Story({"CALL_ANSWERED": [play()], "ACTION_SUCCESSFUL:PlayAudio": [play()]}).place().run()
    assert len(story.events) == 1000
    assert story.exchange.legs_up() == []


def test_events_of_one_call_are_in_flight_together():
    """B leaves while the answer to the bridge's success is still awaited."""
    script = {"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}
    story = Story(script, b=answers(talks=1.0), fault=late("ACTION_SUCCESSFUL", 4.0)).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert story.exchange.legs_up() == []


def test_the_answer_to_the_last_hangup_is_ignored():
    def even_more(event: dict[str, Any]) -> list[dict[str, Any]]:
        return [hang_up(), play()]

    story = Story({"CALL_ANSWERED": [hang_up()], "HANGUP": even_more}).place().run()
    assert story.told[3:] == ["HANGUP:LEG-A"]

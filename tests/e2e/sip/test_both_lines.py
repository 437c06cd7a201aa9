"""The same calls on both lines: what phones and Lambda saw must not depend on whether there is sound."""

from collections.abc import Callable
from typing import Any

import pytest

from pstn.lines import AudioFile
from pstn.lines.virtual import (
    Behaviour,
    answers,
    hangs_up_while_other_rings,
    never_answers,
    vanishes,
)
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import (
    SHOWN_A,
    SHOWN_B,
    A,
    B,
    Story,
    action,
    ask_two_digits,
    bridge,
    hang_up,
    hang_up_the_rest,
    inbound,
    play,
)

CALLBACK = {"CALL_ANSWERED": [play(), bridge()], "HANGUP": hang_up_the_rest}
FIRST = ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED"]
Open = Callable[..., Any]


@pytest.fixture(params=["virtual", "sip"])
def open_story(request) -> Open:
    """Opens a story on one of the lines; what is still up at the test's end is cut."""
    if request.param == "virtual":
        return Story
    opened: list[SipStory] = []
    sip_exchange = request.getfixturevalue("sip_exchange")

    def open_one(script, **more) -> SipStory:
        opened.append(SipStory(sip_exchange, script, **more))
        return opened[-1]

    def end_all() -> None:
        for story in opened:
            story.end()

    request.addfinalizer(end_all)
    return open_one


def quick(**more: Any) -> Behaviour:
    return answers(**{"after": 0.2, **more})


def until(story: Any, key: str) -> None:
    """Run to an event; the virtual clock simply runs out."""
    story.run(lambda: key in story.told) if isinstance(story, SipStory) else story.run()


def test_a_callback(open_story):
    """A hears the prompt, B is dialled, both are joined; each saw only its own display number."""
    story = open_story(CALLBACK, a=quick(), b=quick(talks=0.5)).place({"callbackId": "cb-1"}).run()
    assert story.told == [*FIRST, "ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert (story.a.saw, story.b.saw) == (SHOWN_A, SHOWN_B)
    assert story.heard_a == ["hello.wav"]
    assert [number for number, _, _ in story.a.calls[0].joined] == [B]
    assert (story.b.calls[0].ended_by, story.a.calls[0].ended_by) == ("self", "network")
    assert [what for _, what, _ in story.b.log] == ["called", "rang", "picked_up", "joined", "ended"]
    assert story.exchange.legs_up() == []


def test_a_phone_in_a_call_is_busy_to_the_next(open_story):
    script = {"CALL_ANSWERED": [bridge(to=A)], "ACTION_FAILED": [hang_up()]}
    story = open_story(script, a=quick()).place().run()
    assert story.told[3] == "ACTION_FAILED:CallAndBridge"
    assert story.a.calls[1].sip_code == 486


def test_the_caller_leaves_while_the_other_rings(open_story):
    """B's phone stops ringing; only A's end is told."""
    leaves = hangs_up_while_other_rings(after=0.5, answers_after=0.2)
    story = open_story(CALLBACK, a=leaves, b=never_answers()).place().run()
    assert story.told == [*FIRST, "HANGUP:LEG-A"]
    assert (story.b.calls[0].answered_at, story.b.calls[0].ended_by) == (None, "network")


def test_no_leg_ends_because_its_peer_did(open_story):
    story = open_story({"CALL_ANSWERED": [bridge()]}, a=quick(), b=quick(talks=0.3)).place()
    until(story, "HANGUP:LEG-B")
    assert story.exchange.legs_up() == [(story.transaction, "LEG-A")]


def test_ringing_leg_a_cannot_be_cancelled(open_story):
    """Only the person can end it; the action fails, and the answer comes."""

    def rings(event: dict[str, Any]) -> list[dict[str, Any]]:
        story.after(0.2, lambda: story.update(command="end"))
        return []

    script = {"RINGING": rings, "CALL_UPDATE_REQUESTED": [hang_up()], "CALL_ANSWERED": [hang_up()]}
    story = open_story(script, a=quick(after=3.0))
    story.place().run()
    assert story.told[2:4] == ["CALL_UPDATE_REQUESTED", "ACTION_FAILED:Hangup"]
    assert story.told[-2:] == ["CALL_ANSWERED", "HANGUP:LEG-A"]


def test_an_update_cuts_a_prompt(open_story):
    def answered(event: dict[str, Any]) -> list[dict[str, Any]]:
        story.after(1.0, lambda: story.update(command="end"))
        return [play()]

    script = {"CALL_ANSWERED": answered, "CALL_UPDATE_REQUESTED": [hang_up()]}
    story = open_story(script, a=quick(), audio=lambda bucket, key: AudioFile(9.0))
    story.place().run()
    assert story.told[3] == "CALL_UPDATE_REQUESTED"
    # Both come of one answer, and events are not delivered one after the other.
    assert sorted(story.told[4:]) == ["ACTION_INTERRUPTED:PlayAudio", "HANGUP:LEG-A"]


def test_digits_asked_for(open_story):
    ask = ask_two_digits(r"^\d{2}$", repeat_ms=5000, between_ms=2000)
    script = {"CALL_ANSWERED": [ask], "ACTION_SUCCESSFUL": [hang_up()]}
    story = open_story(script, a=quick(presses="42", press_after=0.2)).place().run()
    assert story.data("ACTION_SUCCESSFUL:PlayAudioAndGetDigits")["ReceivedDigits"] == "42"
    assert [digit for _, digit in story.a.calls[0].pressed] == ["4", "2"]


def test_digits_listened_for_in_a_bridge(open_story):
    listen = action(
        "ReceiveDigits",
        ParticipantTag="LEG-A",
        InputDigitsRegex=r"^\*\d$",
        InBetweenDigitsDurationInMilliseconds=500,
        FlushDigitsDurationInMilliseconds=10_000,
    )
    script = {"CALL_ANSWERED": [listen, bridge()], "DIGITS_RECEIVED": [hang_up()], "HANGUP": hang_up_the_rest}
    story = open_story(script, a=quick(presses="*5", press_when="join", press_after=0.3), b=quick()).place().run()
    assert story.data("DIGITS_RECEIVED")["ReceivedDigits"] == "*5"


def test_digits_sent_to_a_party(open_story):
    """DTMF of the network to the callee, as RFC 4733 events where there is sound."""

    def send(event: dict[str, Any]) -> list[dict[str, Any]]:
        leg_b = event["CallDetails"]["Participants"][1]["CallId"]
        return [action("SendDigits", CallId=leg_b, Digits=",,12,A#"), action("Pause", DurationInMilliseconds=300)]

    script = {"CALL_ANSWERED": [bridge()], "ACTION_SUCCESSFUL:CallAndBridge": send, "HANGUP": hang_up_the_rest}
    script["ACTION_SUCCESSFUL:Pause"] = [hang_up("LEG-B")]
    story = open_story(script, a=quick(), b=quick()).place().run()
    assert [digit for _, digit in story.b.calls[0].received] == ["1", "2", "A", "#"]
    assert story.a.calls[0].received == []


def test_the_network_notices_a_phone_that_vanished(open_story, sip_exchange):
    """By its silence on the SIP line, which is the network's own; by the script's time on the other."""
    story = open_story(CALLBACK, a=quick(), b=vanishes(after=0.4, answers_after=1.0, noticed=4.0)).place().run()
    assert story.told[-2:] == ["HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert story.b.calls[0].vanished_at is not None
    assert story.b.calls[0].ended_by == "network"
    assert story.exchange.legs_up() == []


def test_a_call_from_outside_is_answered_and_bridged(open_story):
    story = open_story({"NEW_INBOUND_CALL": [play(), bridge()], "HANGUP": hang_up_the_rest}, b=quick(talks=0.5))
    with inbound(story):
        story.transaction = story.exchange.call_in(A, SHOWN_A)
        story.run()
    assert story.told == ["NEW_INBOUND_CALL", "ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert story.b.saw == SHOWN_B
    assert story.heard_a == ["hello.wav"]


@pytest.mark.parametrize("caller_id", ["anonymous", "", "+1 (202) 555-0111"])
def test_a_call_from_outside_without_a_number(open_story, caller_id):
    story = open_story({"NEW_INBOUND_CALL": [play(), hang_up()]})
    with inbound(story):
        story.transaction = story.exchange.call_in(A, SHOWN_A, caller_id=caller_id)
        story.run()
    assert story.events[0]["CallDetails"]["Participants"][0]["From"] == caller_id
    assert (story.heard_a, story.exchange.legs_up()) == (["hello.wav"], [])


@pytest.mark.parametrize("code", [480, 486])
def test_a_call_to_a_number_of_the_account_comes_back_in(open_story, code):
    """The first time it is answered there, the second time refused with the code that the account chose."""
    answered = iter([True, False])

    def back(event: dict[str, Any]) -> list[dict[str, Any]]:
        (leg,) = event["CallDetails"]["Participants"]
        assert (leg["From"], leg["To"]) == (SHOWN_B, SHOWN_A)
        return [play("back.wav"), hang_up()] if next(answered) else [hang_up(SipResponseCode=str(code))]

    to_itself = bridge(to=SHOWN_A)
    script = {
        "CALL_ANSWERED": [to_itself],
        "NEW_INBOUND_CALL": back,
        "HANGUP:LEG-B": [to_itself],
        "ACTION_FAILED:CallAndBridge": [hang_up()],
    }
    story = open_story(script, a=quick(), bridge_failure_detail=True)
    with inbound(story):
        story.place().run()
    assert [peer for peer, _, _ in story.a.calls[0].joined] == [SHOWN_A]
    assert story.data("ACTION_FAILED:CallAndBridge")["SipResponseCode"] == code
    assert story.exchange.legs_up() == []

"""The samples of call_control look like what the local network really sends, key by key and kind by kind."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.prompts import Prompt
from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.chime.answer import Buckets, write_answer
from pstn.lines import AudioFile
from pstn.lines.behaviours import answers, busy, never_answers, rejects
from pstn.recordings import MemoryRecordings
from tests.functions.worlds import sample, samples
from tests.pstn.scripted import SHOWN_B, B, Story, action, hang_up_the_rest

Answer = Callable[[dict[str, Any]], dict[str, Any]]

STORE = Buckets("prompts", "recordings-bucket")
PLAY = PlayPrompt(Party.CALLER, Prompt.BEFORE_CALLEE)
JOIN = DialAndBridge(PhoneNumber(B), PhoneNumber(SHOWN_B), timedelta(seconds=20), Prompt.WAITING)
NOT_OURS = DialAndBridge(PhoneNumber(B), PhoneNumber("+12025550199"), timedelta(seconds=20), Prompt.WAITING)
LISTEN = action(
    "ReceiveDigits",
    ParticipantTag="LEG-A",
    InputDigitsRegex="[0-9]",
    InBetweenDigitsDurationInMilliseconds=500,
    FlushDigitsDurationInMilliseconds=900,
)
NEVER_SENT = {"event_of_a_type_unknown"}
"""What the service has no such type of, yet."""


def do(*actions: Action) -> dict[str, Any]:
    """An answer as the product writes it."""
    return write_answer(actions, STORE)


def hang_up(tag: str) -> Answer:
    def answer(event: dict[str, Any]) -> dict[str, Any]:
        legs = {leg["ParticipantTag"]: leg["CallId"] for leg in event["CallDetails"]["Participants"]}
        return do(HangUp(Party.CALLER, legs[tag]))

    return answer


def record(event: dict[str, Any]) -> dict[str, Any]:
    legs = {leg["ParticipantTag"]: leg["CallId"] for leg in event["CallDetails"]["Participants"]}
    return do(StartRecording(legs["LEG-A"], "app-1/1_2_3_20261123090000"))


class _NoBucket(MemoryRecordings):
    def accessible(self, bucket: str) -> bool:
        return False


@cache
def sent() -> dict[str, list[Any]]:
    """The shapes that the local network sends, by kind, from calls that meet each of them."""
    shapes: dict[str, list[Any]] = {}

    def call(on_answer: Any, *, arguments: dict[str, str] | None = None, ask_after: float = 30.0, **story: Any) -> None:
        script = {"CALL_ANSWERED": on_answer, "HANGUP": hang_up_the_rest, **story.pop("script", {})}
        kept = do() | {"TransactionAttributes": {"callId": "1_2_3_20261123090000"}}
        recordings = story.pop("recordings", MemoryRecordings())
        played = Story(script | {"NEW_OUTBOUND_CALL": kept}, **({"a": answers(2, stays=60.0)} | story))
        played.exchange.recordings = recordings
        played.place(arguments).after(ask_after, lambda: _ask_to_end(played)).run()
        gather(played.events, shapes)

    call(do(JOIN), arguments={"callId": "1_2_3_20261123090000"})
    call(do(JOIN), script={"CALL_UPDATE_REQUESTED": hang_up("LEG-B")}, hangup_success="after")
    call(do(JOIN), b=answers(3, talks=5.0), script={"HANGUP:LEG-B": hang_up("LEG-B")}, ringing_leg_b=True)
    call(do(JOIN), a=answers(2, talks=5.0), b=answers(3), script={"HANGUP:LEG-A": hang_up("LEG-A")})
    call(do(JOIN), b=busy())
    call(do(JOIN), b=busy(), bridge_failure_detail=True)
    call(do(JOIN), a=answers(2, patience=2.0), b=never_answers())
    presses = answers(2, stays=60.0, presses="5", press_when="join")
    call(do(JOIN), a=presses, script={"ACTION_SUCCESSFUL:CallAndBridge": [LISTEN]})
    call(do(JOIN), script={"ACTION_SUCCESSFUL:CallAndBridge": record})
    call(do(JOIN), script={"ACTION_SUCCESSFUL:CallAndBridge": record}, recordings=_NoBucket())
    call(do(NOT_OURS))
    call(do(PLAY))
    long = AudioFile(12.0)
    call(do(PLAY), audio=lambda bucket, key: long, ask_after=6.0, script={"CALL_UPDATE_REQUESTED": do(JOIN)})
    call(do(PLAY), audio=lambda bucket, key: None)
    call({"SchemaVersion": "0"})
    for phone in (busy(), never_answers(), rejects()):
        call(do(), a=phone)
    gather(Story({"NEW_INBOUND_CALL": hang_up("LEG-A")}).called_in().run().events, shapes)
    return shapes


def gather(events: list[dict[str, Any]], shapes: dict[str, list[Any]]) -> None:
    for event in events:
        shapes.setdefault(kind(event), []).append(shape(event))


def _ask_to_end(story: Story) -> None:
    if story.exchange.legs_up():
        story.update(command="end")


def kind(event: dict[str, Any]) -> str:
    """What an event is, as far as its shape depends on it."""
    data = event.get("ActionData", {})
    return f"{event['InvocationEventType']} {data.get('Type', '')}".strip()


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__


@pytest.mark.parametrize("name", sorted(set(samples("call_control")) - NEVER_SENT))
def test_the_network_sends_what_the_sample_shows(name):
    event = sample("call_control", name)
    assert shape(event) in sent().get(kind(event), [])

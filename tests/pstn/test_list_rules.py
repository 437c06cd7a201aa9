"""The action list: what is told in its middle, what replaces it, what can be cut."""

from typing import Any

import pytest

from pstn.lines import AudioFile
from pstn.lines.virtual import answers, never_answers
from tests.pstn.scripted import Story, action, bridge, hang_up, hang_up_the_rest, play


def test_only_the_last_prompt_of_a_list_is_told():
    story = Story({"CALL_ANSWERED": [play("1.wav"), action("Pause", DurationInMilliseconds="500"), play("2.wav")]})
    story.place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:PlayAudio"]
    assert story.data("ACTION_SUCCESSFUL:PlayAudio")["Parameters"]["AudioSource"]["Key"] == "2.wav"
    assert story.heard_a == ["1.wav", "2.wav"]


def test_a_bridge_is_told_in_the_middle_and_an_empty_answer_lets_the_list_go_on():
    story = Story({"CALL_ANSWERED": [bridge(), play("welcome.wav", tag="LEG-B")]}).place().run()
    assert story.told[3:] == ["ACTION_SUCCESSFUL:CallAndBridge", "ACTION_SUCCESSFUL:PlayAudio"]
    assert story.heard_b == ["welcome.wav"]


def test_an_answer_in_the_middle_replaces_the_rest():
    script = {
        "CALL_ANSWERED": [bridge(), play("never.wav")],
        "ACTION_SUCCESSFUL:CallAndBridge": [play("instead.wav")],
    }
    story = Story(script).place().run()
    assert story.heard_a == ["instead.wav"]


def test_null_and_missing_actions_keep_the_list():
    for answer in ({"SchemaVersion": "1.0"}, {"SchemaVersion": "1.0", "Actions": None}):
        story = Story({"CALL_ANSWERED": [bridge(), play("kept.wav")], "ACTION_SUCCESSFUL:CallAndBridge": answer})
        assert story.place().run().heard_a == ["kept.wav"]


def test_a_failure_clears_the_list():
    story = Story({"CALL_ANSWERED": [bridge(), play("never.wav")]}, b=never_answers()).place().run()
    assert story.told[3:] == ["ACTION_FAILED:CallAndBridge"]
    assert story.heard_a == []


def test_an_action_is_judged_at_its_turn():
    story = Story({"CALL_ANSWERED": [play("1.wav"), play("2.wav", Repeat="0"), play("3.wav")]}).place().run()
    assert story.heard_a == ["1.wav"]
    assert story.told[3:] == ["ACTION_FAILED:PlayAudio"]
    assert story.data("ACTION_FAILED:PlayAudio")["ErrorType"] == "InvalidActionParameter"


def test_an_update_cuts_what_can_be_interrupted():
    story = Story({"CALL_ANSWERED": [play("hold.wav", Repeat=100)], "CALL_UPDATE_REQUESTED": [play("new.wav")]})
    story.place().after(10.0, lambda: story.update(command="x")).run()
    assert story.told[3:] == ["CALL_UPDATE_REQUESTED", "ACTION_INTERRUPTED:PlayAudio", "ACTION_SUCCESSFUL:PlayAudio"]
    assert story.heard_a == ["hold.wav", "new.wav"]


def test_an_update_waits_for_what_cannot_be_interrupted():
    story = Story({"CALL_ANSWERED": [action("Speak", Text="a" * 150)], "CALL_UPDATE_REQUESTED": [play("new.wav")]})
    story.place().after(5.0, lambda: story.update(command="x")).run()
    assert story.told[3:] == ["CALL_UPDATE_REQUESTED", "ACTION_SUCCESSFUL:PlayAudio"]
    (spoke_at, _), (played_at, _) = story.a.heard
    assert (played_at - spoke_at).total_seconds() == 10


def test_an_update_answered_empty_changes_nothing():
    story = Story({"CALL_ANSWERED": [play("hold.wav", Repeat=10), play("end.wav")]})
    story.place().after(10.0, lambda: story.update(command="x")).run()
    assert story.heard_a == ["hold.wav", "end.wav"]


def test_an_update_of_an_idle_call_starts_at_once():
    story = Story({"CALL_UPDATE_REQUESTED": [bridge()]}).place()
    story.after(10.0, lambda: story.update(command="bridge")).run()
    assert story.told[-1] == "ACTION_SUCCESSFUL:CallAndBridge"


def test_an_update_during_a_bridge_runs_after_its_result():
    story = Story({"CALL_ANSWERED": [bridge()], "CALL_UPDATE_REQUESTED": [hang_up()]}, b=answers(after=15.0))
    story.place().after(8.0, lambda: story.update(command="end")).run()
    assert story.told[3:] == ["CALL_UPDATE_REQUESTED", "ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-A"]
    assert story.exchange.legs_up() == [(story.transaction, "LEG-B")]


def test_other_answers_do_not_cut_the_running_action():
    """B leaves while A hears a prompt: the hang-up waits for the prompt's end."""
    script = {
        "CALL_ANSWERED": [bridge()],
        "ACTION_SUCCESSFUL:CallAndBridge": [play("long.wav", Repeat=5)],
        "HANGUP": hang_up_the_rest,
    }
    story = Story(script, b=answers(talks=3.0)).place().run()
    (started, _) = story.a.heard[0]
    ended = story.a.calls[0].ended_at
    assert ended is not None
    assert (ended - started).total_seconds() == 10


def test_hangup_in_the_middle_waits_for_the_answer_and_goes_on():
    story = Story({"CALL_ANSWERED": [bridge()], "CALL_UPDATE_REQUESTED": [hang_up("LEG-A"), hang_up("LEG-B")]})
    story.place().after(20.0, lambda: story.update(command="end")).run()
    assert story.told[-2:] == ["HANGUP:LEG-A", "HANGUP:LEG-B"]
    assert story.exchange.legs_up() == []


@pytest.mark.parametrize("rest", [action("Pause", DurationInMilliseconds=10), play(), bridge(), hang_up()])
@pytest.mark.parametrize("ending", [[hang_up("LEG-A")], [hang_up("LEG-B"), hang_up("LEG-A")]])
def test_nothing_is_run_after_the_hang_up_of_the_last_leg(rest: dict[str, Any], ending: list[dict[str, Any]]):
    script = {"CALL_ANSWERED": [bridge()] if len(ending) == 2 else [], "CALL_UPDATE_REQUESTED": [*ending, rest]}
    story = Story(script).place()
    story.after(10.0, lambda: story.update(command="end")).run()
    assert story.told[-1] == "HANGUP:LEG-A"
    assert story.told.count("HANGUP:LEG-A") == 1


def test_answers_to_new_outbound_call_and_ringing_do_nothing_but_store_attributes():
    reply = {"SchemaVersion": "1.0", "Actions": [hang_up()], "TransactionAttributes": {"id": "1"}}
    story = Story({"NEW_OUTBOUND_CALL": reply, "RINGING": {**reply, "TransactionAttributes": {"id": "2"}}})
    story.place().run()
    assert [event["CallDetails"].get("TransactionAttributes") for event in story.events] == [
        None,
        {"id": "1"},
        {"id": "2"},
    ]
    assert story.exchange.legs_up() == [(story.transaction, "LEG-A")]


def test_attributes_are_replaced_whole_kept_or_erased():
    def reply(attributes: Any) -> dict[str, Any]:
        return {"SchemaVersion": "1.0", "Actions": [play()], "TransactionAttributes": attributes}

    story = Story({"NEW_OUTBOUND_CALL": reply({"a": "1", "b": "2"}), "RINGING": reply({"c": "3"})}).place().run()
    assert story.events[-1]["CallDetails"]["TransactionAttributes"] == {"c": "3"}
    story = Story({"NEW_OUTBOUND_CALL": reply({"a": "1"}), "RINGING": reply(None)}).place().run()
    assert story.events[-1]["CallDetails"]["TransactionAttributes"] == {"a": "1"}
    story = Story({"NEW_OUTBOUND_CALL": reply({"a": "1"}), "RINGING": reply({})}).place().run()
    assert story.events[-1]["CallDetails"]["TransactionAttributes"] == {}


def test_a_terminator_ends_a_prompt_early():
    story = Story({"CALL_ANSWERED": [play("menu.wav", PlaybackTerminators=["#"], Repeat=10)]}, a=answers(presses="5#"))
    story.place().run()
    assert story.told[-1] == "ACTION_SUCCESSFUL:PlayAudio"
    call = story.a.calls[0]
    assert (story.clock.now() - call.heard[0][0]).total_seconds() < 2


def test_ringback_is_heard_until_the_other_answers():
    tone = {"Type": "S3", "BucketName": "prompts", "Key": "ringback.wav"}
    network_events: list[str] = []
    story = Story({"CALL_ANSWERED": [bridge(RingbackTone=tone)]}, b=answers(after=9.0))
    story.exchange.observers.append(lambda event: network_events.append(event.kind))
    story.place().run()
    assert story.heard_a == ["ringback.wav"]
    assert network_events.index("heard") < network_events.index("stopped") < network_events.index("joined")


@pytest.mark.parametrize("why", ["fails", "its policy"])
def test_a_bucket_that_cannot_be_read_is_an_invalid_source(why: str):
    def lookup(bucket: str, key: str) -> AudioFile | None:
        raise ConnectionError(bucket)

    story = Story({"CALL_ANSWERED": [play()]})
    if why == "fails":
        story.exchange.audio = lookup
    else:
        story.exchange.access = lambda action, bucket, key, application: False
    story.place().run()
    assert story.data("ACTION_FAILED:PlayAudio")["ErrorType"] == "InvalidAudioSource"


def test_a_prompt_that_does_not_exist_fails():
    def lookup(bucket: str, key: str) -> AudioFile | None:
        return None if key == "missing.wav" else AudioFile(1.0)

    story = Story({"CALL_ANSWERED": [play("missing.wav")]}, audio=lookup).place().run()
    assert story.data("ACTION_FAILED:PlayAudio")["ErrorType"] == "InvalidAudioSource"
    tone = {"Type": "S3", "BucketName": "prompts", "Key": "missing.wav"}
    story = Story({"CALL_ANSWERED": [bridge(RingbackTone=tone)]}, audio=lookup).place().run()
    failure = story.data("ACTION_FAILED:CallAndBridge")
    assert (failure["ErrorType"], failure["ErrorMessage"]) == (
        "InvalidAudioSource",
        "Cannot access S3 bucket or audio file.",
    )
    assert story.b.calls == []

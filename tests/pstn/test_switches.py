"""Each switch in both positions: what of the call changes, and what must not."""

import re
from dataclasses import fields
from typing import Any

import pytest

from pstn.control import change_switches, show_switches
from pstn.feed import NetworkEvent
from pstn.lambdas import InvocationFault
from pstn.lines.virtual import Behaviour, answers, busy, never_answers, rejects, vanishes
from pstn.refusals import ServiceRefusal
from pstn.switches import Quotas, Switches
from tests.pstn.scripted import SHOWN_A, START, A, B, Story, action, bridge, hang_up, hang_up_the_rest, play

CALLBACK = {"CALL_ANSWERED": [bridge()], "ACTION_FAILED": [hang_up()], "HANGUP": hang_up_the_rest}
FIRST = ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED"]


def talked(**switches: Any) -> Story:
    return Story(CALLBACK, b=answers(talks=5.0), **switches).place().run()


def test_ringing_of_leg_b():
    story = talked(ringing_leg_b=True)
    assert story.told[:5] == [*FIRST, "RINGING", "ACTION_SUCCESSFUL:CallAndBridge"]
    legs = story.events[3]["CallDetails"]["Participants"]
    assert [(leg["ParticipantTag"], leg.get("Status")) for leg in legs] == [("LEG-A", "Connected"), ("LEG-B", None)]
    assert story.events[3]["Sequence"] == 4
    assert talked().told.count("RINGING") == 1


def test_ringing_of_leg_a_may_be_missing():
    assert "RINGING" not in talked(ringing_leg_a=False).told


@pytest.mark.parametrize(
    ("phone", "code"), [(busy(), 486), (rejects(), 603), (Behaviour("rejects", sip_code=503), 503)]
)
def test_a_failed_bridge_may_tell_the_sip_code(phone: Behaviour, code: int):
    story = Story(CALLBACK, b=phone, bridge_failure_detail=True).place().run()
    failure = story.data("ACTION_FAILED:CallAndBridge")
    assert (failure["ErrorType"], failure["SipResponseCode"]) == ("CallNotAnswered", code)
    assert failure["ErrorMessage"] == f"Call not answered: {code}"


def test_a_bridge_that_ran_into_its_own_timeout_has_no_code():
    story = Story(CALLBACK, b=never_answers(), bridge_failure_detail=True).place().run()
    assert "SipResponseCode" not in story.data("ACTION_FAILED:CallAndBridge")


def test_a_network_that_gives_up_on_leg_b_has_one():
    story = Story(CALLBACK, b=never_answers(), bridge_failure_detail=True, network_ring_limit_b=5.0).place().run()
    assert story.data("ACTION_FAILED:CallAndBridge")["SipResponseCode"] == 480


@pytest.mark.parametrize(
    ("when", "end"),
    [
        ("bridged_leg_b", ["HANGUP:LEG-B", "HANGUP:LEG-A"]),
        ("none", ["HANGUP:LEG-B", "HANGUP:LEG-A"]),
        ("before", ["HANGUP:LEG-B", "ACTION_SUCCESSFUL:Hangup", "HANGUP:LEG-A"]),
        ("after", ["HANGUP:LEG-B", "HANGUP:LEG-A", "ACTION_SUCCESSFUL:Hangup"]),
    ],
)
def test_success_of_hangup(when: str, end: list[str]):
    story = talked(hangup_success=when)
    assert story.told[4:] == end
    assert story.exchange.legs_up() == []


@pytest.mark.parametrize(
    ("when", "next_bridge"),
    [("bridged_leg_b", True), ("none", False), ("before", True), ("after", True)],
)
def test_a_handler_that_bridges_again_once_it_has_hung_up_leg_b(when: str, next_bridge: bool):
    """As AWS's take-back-and-transfer sample does, on ACTION_SUCCESSFUL of its Hangup."""
    script = {
        "CALL_ANSWERED": [bridge()],
        "CALL_UPDATE_REQUESTED": [hang_up("LEG-B")],
        "ACTION_SUCCESSFUL:Hangup": [bridge()],
    }
    story = Story(script, hangup_success=when).place()
    story.after(10.0, lambda: story.update(command="take back")).run()
    assert len(story.b.calls) == (2 if next_bridge else 1)


@pytest.mark.parametrize("stay", [True, False])
def test_ended_legs_in_participants(stay: bool):
    last = talked(ended_legs_stay=stay).events[-1]["CallDetails"]["Participants"]
    assert [leg["ParticipantTag"] for leg in last] == (["LEG-A", "LEG-B"] if stay else ["LEG-A"])


CUT = {
    "a prompt": ([play(Repeat=50), play()], answers(stays=5.0), "PlayAudio"),
    "a bridge that rings": ([bridge(), play()], answers(patience=3.0), "CallAndBridge"),
}


@pytest.mark.parametrize(("cut", "result"), [("unreported", []), ("fail", ["FAILED"]), ("succeed", ["SUCCESSFUL"])])
@pytest.mark.parametrize("what", CUT)
def test_an_action_cut_by_the_end_of_its_leg(what: str, cut: str, result: list[str]):
    actions, caller, kind = CUT[what]
    story = Story({"CALL_ANSWERED": actions}, a=caller, b=never_answers(), cut_actions=cut).place().run()
    assert story.told[3:] == [*(f"ACTION_{each}:{kind}" for each in result), "HANGUP:LEG-A"]
    for event in story.events[3:]:
        (leg,) = event["CallDetails"]["Participants"]
        assert leg["Status"] == "Disconnected"
    assert story.exchange.legs_ringing() == []


@pytest.mark.parametrize("survives", [True, False])
def test_an_update_s_list_behind_a_failing_action(survives: bool):
    script = {"CALL_ANSWERED": [bridge()], "CALL_UPDATE_REQUESTED": [play("update.wav")]}
    story = Story(script, b=never_answers(), update_survives_failure=survives).place()
    story.after(8.0, lambda: story.update(command="x")).run()
    assert story.heard_a == (["update.wav"] if survives else [])


@pytest.mark.parametrize("when", ["at_once", "after_answer", "after_later_event"])
def test_each_event_is_delivered_twice(when: str):
    """The second delivery is the same event; its answer changes nothing."""
    story = talked(duplicates=when)
    once = talked()
    told = sorted(event["Sequence"] for event in story.events)
    assert told == sorted([*range(1, len(once.events) + 1)] * 2)
    assert list(dict.fromkeys(story.told)) == once.told
    assert story.exchange.legs_up() == []
    assert len(story.b.calls) == 1
    for sequence in set(told):
        first, second = (event for event in story.events if event["Sequence"] == sequence)
        assert first == second


def test_a_later_event_comes_between_the_two_deliveries():
    order = [event["Sequence"] for event in talked(duplicates="after_later_event").events]
    assert order[:6] == [1, 2, 1, 3, 2, 4]


def test_the_two_hangups_in_reverse():
    """Both parties leave; the later HANGUP arrives first, and the earlier still shows the other leg connected."""
    story = talked(hangup_order="reversed")
    assert story.told[-2:] == ["HANGUP:LEG-A", "HANGUP:LEG-B"]
    assert [event["Sequence"] for event in story.events[-2:]] == [6, 5]
    assert story.events[-1]["CallDetails"]["Participants"][0]["Status"] == "Connected"
    assert story.exchange.legs_up() == []


def test_two_hangups_of_an_update_in_reverse():
    script = {"CALL_ANSWERED": [bridge()], "CALL_UPDATE_REQUESTED": [hang_up("LEG-A"), hang_up("LEG-B")]}
    story = Story(script, hangup_order="reversed").place()
    story.after(15.0, lambda: story.update(command="end")).run()
    assert story.told[-2:] == ["HANGUP:LEG-B", "HANGUP:LEG-A"]


def test_neighbours_change_places():
    story = talked(reordering="neighbours", reordering_window=4.0)
    assert story.told[:3] == ["NEW_OUTBOUND_CALL", "CALL_ANSWERED", "RINGING"]
    assert [event["Sequence"] for event in story.events[:3]] == [1, 3, 2]
    assert story.exchange.legs_up() == []


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        ({"RINGING"}, ["NEW_OUTBOUND_CALL", "CALL_ANSWERED", "ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B"]),
        ({"HANGUP:LEG-B"}, [*FIRST, "ACTION_SUCCESSFUL:CallAndBridge"]),
        ({"NEW_OUTBOUND_CALL"}, ["RINGING", "CALL_ANSWERED", "ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B"]),
    ],
)
def test_lost_events_use_up_their_sequence(lost: set[str], left: list[str]):
    story = talked(lost_events=frozenset(lost))
    assert story.told[: len(left)] == left
    assert [event["Sequence"] for event in story.events] == sorted({event["Sequence"] for event in story.events})


def test_the_first_event_may_come_before_create_returns():
    early = Story(CALLBACK, event_before_create_returns=True).place({"callbackId": "cb-1"})
    assert early.told == ["NEW_OUTBOUND_CALL"]
    assert Story(CALLBACK).place().told == []
    assert early.run().told.count("NEW_OUTBOUND_CALL") == 1


@pytest.mark.parametrize("waits", [True, False])
def test_the_first_dial_and_the_first_answer(waits: bool):
    story = Story(CALLBACK, dial_waits_for_first_answer=waits, lambda_latency=2.0).place().run()
    placed = story.events[0]["CallDetails"]["Participants"][0]["StartTimeInMilliseconds"]
    assert int(story.a.calls[0].called_at.timestamp() * 1000) - int(placed) == (2000 if waits else 0)


@pytest.mark.parametrize("mutes", [True, False])
def test_a_prompt_in_a_bridge_mutes_both(mutes: bool):
    story = Story({"CALL_ANSWERED": [bridge(), play("notice.wav")]}, prompt_mutes_peer=mutes).place().run()
    for call in (story.a.calls[0], story.b.calls[0]):
        spans = [(until - since).total_seconds() for since, until in call.muted if until]
        assert spans == ([2.0] if mutes else [])


def test_hangup_of_a_ringing_leg_a_may_be_ignored():
    story = Story({"CALL_UPDATE_REQUESTED": [hang_up()]}, a=answers(after=8.0), hangup_of_ringing_leg_a="ignored")
    story.place().after(2.0, lambda: story.update(command="end")).run()
    assert "ACTION_FAILED:Hangup" not in story.told
    assert story.a.calls[0].answered_at is not None


@pytest.mark.parametrize(("limit", "code"), [(30.0, 408), (5.0, 480)])
def test_an_unanswered_leg_a(limit: float, code: int):
    story = Story(CALLBACK, a=never_answers(), network_ring_limit=limit, sip_code_of_no_answer=code).place().run()
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == code


@pytest.mark.parametrize("fails", [True, False])
def test_a_bridge_over_the_quota(fails: bool):
    quotas = Quotas(on=True, active_calls=1)
    story = Story(CALLBACK, b=answers(talks=5.0), quotas=quotas, bridge_over_quota_fails=fails).place().run()
    assert ("ACTION_FAILED:CallAndBridge" in story.told) is fails
    assert len(story.exchange.phones[B].calls) == (0 if fails else 1)
    assert story.exchange.legs_up() == []


def test_every_switch_has_its_reason():
    for each in fields(Switches):
        assert each.metadata["about"], each.name
        assert each.metadata["source"], each.name


SILENT = InvocationFault(reached=False)


def _attempts(event_type: str, **switches: Any) -> list[float]:
    """When the invocations of one event that nobody answers were made: seconds from the first."""
    at: list[float] = []

    def fault(event: dict[str, Any], attempt: int) -> InvocationFault:
        if event["InvocationEventType"] != event_type:
            return InvocationFault()
        at.append((story.clock.now() - START).total_seconds())
        return SILENT

    story = Story(fault=fault, **switches)
    story.place().run()
    return [round(each - at[0], 3) for each in at]


def test_when_an_unanswered_event_is_repeated_and_given_up():
    assert _attempts("RINGING") == [0, 5, 10, 15]
    assert _attempts("RINGING", repeat_after=2.0, repeats=2) == [0, 2, 4]
    assert _attempts("RINGING", repeats=0) == [0]


def test_when_an_unanswered_event_ends_the_call():
    story = (
        Story(fault=lambda event, attempt: SILENT if event["Sequence"] == 3 else InvocationFault(), drop_after=8.0)
        .place()
        .run()
    )
    call = story.a.calls[0]
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert (call.ended_at - call.answered_at).total_seconds() == 8


@pytest.mark.parametrize("repeats", [0, 1, 3])
def test_how_often_a_failed_invocation_is_repeated(repeats: int):
    def broken(event: dict[str, Any]) -> Any:
        raise RuntimeError("boom")

    story = Story({"CALL_ANSWERED": broken}, error_repeats=repeats).place().run()
    assert story.told.count("CALL_ANSWERED") == repeats + 1


def test_how_long_speech_takes():
    def say(event: dict[str, Any]) -> list[dict[str, Any]]:
        return [action("Speak", CallId=event["CallDetails"]["Participants"][0]["CallId"], Text="x" * 60), hang_up()]

    story = Story({"CALL_ANSWERED": say}, speech_rate=20.0).place().run()
    ended = story.a.calls[0].ended_at
    assert ended is not None
    assert (ended - story.a.heard[0][0]).total_seconds() == 3


@pytest.mark.parametrize(
    ("limits", "attributes"),
    [
        ({"attribute_pairs": 2}, {"a": "", "b": "", "c": ""}),
        ({"attribute_bytes": 20}, {"key": "x" * 20}),
        ({"attribute_characters": 5}, {"key": "x" * 6}),
    ],
)
def test_the_limits_of_attributes(limits: dict[str, Any], attributes: dict[str, str]):
    reply = {"SchemaVersion": "1.0", "Actions": [], "TransactionAttributes": attributes}
    assert "INVALID_LAMBDA_RESPONSE" in Story({"CALL_ANSWERED": reply}, **limits).place().run().told
    assert "INVALID_LAMBDA_RESPONSE" not in Story({"CALL_ANSWERED": reply}).place().run().told


def test_how_long_a_reversed_hangup_is_held_back():
    """B does not leave by itself, since it vanished: the first HANGUP is told after the hold."""
    told: list[float] = []
    story = Story(
        {"CALL_ANSWERED": [bridge()]}, a=answers(talks=5.0), b=vanishes(2.0), hangup_order="reversed", hangup_hold=1.5
    )
    story.exchange.observers.append(
        lambda event: told.append((event.at - START).total_seconds()) if _is_hangup(event) else None
    )
    story.place().run()
    call_end = story.a.calls[0].ended_at
    assert call_end is not None
    assert told == [(call_end - START).total_seconds() + 1.5]


def _is_hangup(event: NetworkEvent) -> bool:
    return event.kind == "event" and event.detail["event"]["InvocationEventType"] == "HANGUP"


def test_how_long_an_order_takes_and_an_idle_inbound_call_waits():
    story = Story(order_delay=60.0, inbound_patience=10.0)
    order = story.exchange.account.order_numbers("SipMediaApplicationDialIn", ["+12025550105"], None)
    story.exchange.run_for(59.0)
    assert story.exchange.account.order(order["PhoneNumberOrderId"])["Status"] == "Processing"
    story.exchange.run_for(1.0)
    assert story.exchange.account.order(order["PhoneNumberOrderId"])["Status"] == "Successful"
    story.called_in().run()
    call = story.a.calls[0]
    assert call.ended_at is not None
    assert (call.ended_at - call.called_at).total_seconds() == pytest.approx(10, abs=0.1)


def updated_while_answering(**switches: Any) -> Story:
    """The application asks for an update of the call before it has answered CALL_ANSWERED, as a flow may."""

    def answer_late(event: dict[str, Any]) -> list[dict[str, Any]]:
        story.update(command="dial")
        return [play("connecting.wav")]

    script = {**CALLBACK, "CALL_ANSWERED": answer_late, "CALL_UPDATE_REQUESTED": [bridge()]}
    story = Story(script, b=answers(after=2.0, talks=5.0), **switches)
    return story.place().run()


UPDATED = [*FIRST, "CALL_UPDATE_REQUESTED"]
TALKED = ["ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B", "HANGUP:LEG-A"]


@pytest.mark.parametrize(("order", "heard"), [("as_it_comes", []), ("after_answer", ["connecting.wav"])])
def test_an_update_after_the_answer_interrupts_its_actions(order: str, heard: list[str]):
    """As it comes, its answer arrives in the same moment as the other, before the prompt has begun to sound."""
    story = updated_while_answering(update_order=order)
    assert story.told == [*UPDATED, "ACTION_INTERRUPTED:PlayAudio", *TALKED]
    answered = next(event for event in story.events if event["InvocationEventType"] == "CALL_UPDATE_REQUESTED")
    assert answered["Sequence"] == 4
    assert (story.heard_a, len(story.b.calls)) == (heard, 1)


def test_an_update_before_the_answer_is_followed_by_its_actions():
    """The list of the older event waits behind the bridge, and is played into the talk."""
    story = updated_while_answering(update_order="before_answer")
    assert story.told == [*UPDATED, "ACTION_SUCCESSFUL:CallAndBridge", "ACTION_SUCCESSFUL:PlayAudio", *TALKED[1:]]
    assert (story.heard_a, len(story.b.calls)) == (["connecting.wav"], 1)


def test_an_update_before_the_answer_may_make_it_void():
    story = updated_while_answering(update_order="before_answer", older_answer_replaces=False)
    assert story.told == [*UPDATED, *TALKED]
    assert (story.heard_a, len(story.b.calls)) == ([], 1)


def test_an_answer_to_a_newer_event_is_never_void():
    story = talked(update_order="before_answer", older_answer_replaces=False)
    assert story.told == [*FIRST, *TALKED]


def test_a_lost_update_holds_up_no_answer():
    story = updated_while_answering(update_order="before_answer", lost_events=frozenset({"CALL_UPDATE_REQUESTED"}))
    assert story.heard_a == ["connecting.wav"]


def test_a_create_is_refused_by_the_number_that_it_calls_or_shows():
    called, shown = Switches(refused_creates=frozenset({f"{A}:Forbidden"})), frozenset({f"{SHOWN_A}:BadRequest"})
    assert called.create_refused(SHOWN_A, A) == "Forbidden"
    assert called.create_refused(SHOWN_A, B) is None
    assert Switches(refused_creates=shown).create_refused(SHOWN_A, B) == "BadRequest"
    assert Switches(refused_creates=frozenset({"AccessDenied"})).create_refused(SHOWN_A, B) == "AccessDenied"


def test_a_create_is_refused_for_good_by_known_errors_only():
    with pytest.raises(ValueError, match="Throttled"):
        Switches(refused_creates=frozenset({"Throttled"}))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"no_such_switch": 1}, "no_such_switch is no switch of the network; it has ringing_leg_b, "),
        ({"duplicates": "twice"}, "duplicates is one of none, at_once, after_answer, after_later_event"),
        ({"ringing_leg_a": "no"}, "ringing_leg_a is true or false"),
        ({"repeat_after": -1}, "repeat_after is a number of type float, at least 0"),
        ({"network_ring_limit_b": "5"}, "network_ring_limit_b is a number of type float, at least 0"),
        ({"lost_events": "RINGING"}, "lost_events is a list of text"),
        ({"quotas": 5}, "quotas is an object"),
        ({"quotas": {"calls": 5}}, "calls is no part of quotas; it has on, creates_per_second, "),
        ({"refused_creates": ["Throttled"]}, "refused_creates: Throttled must be one of BadRequest, "),
    ],
)
def test_a_value_that_a_switch_cannot_have_is_refused_with_the_rule(given, says):
    with pytest.raises(ServiceRefusal, match=re.escape(says)):
        change_switches(Switches(), given)


def test_every_switch_can_be_set_to_what_is_shown_of_it():
    changes = {"network_ring_limit_b": 5, "lost_events": ["RINGING"], "quotas": {"on": True}, "duplicates": "at_once"}
    changed = change_switches(Switches(), changes)
    assert change_switches(Switches(), show_switches(changed)) == changed
    assert (changed.quotas, changed.lost_events) == (Quotas(on=True), frozenset({"RINGING"}))
    assert change_switches(changed, show_switches(Switches())) == Switches()

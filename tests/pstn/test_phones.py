"""Virtual phones: the number plan, and what each phone remembers."""

import re

import pytest

from pstn.lines.behaviours import Behaviour, planned
from pstn.lines.virtual import answers
from tests.pstn.scripted import SHOWN_B, Story, bridge, hang_up, hang_up_the_rest

PLAN = {
    "00": ("invalid", None),
    "09": ("invalid", None),
    "10": ("answers", None),
    "29": ("answers", None),
    "30": ("answers", 10.0),
    "34": ("answers", 4.0),
    "40": ("busy", None),
    "59": ("never_answers", None),
    "66": ("rejects", None),
    "79": ("invalid", None),
    "80": ("answers", None),
    "85": ("answers", None),
    "90": ("answers", None),
    "95": ("answers", None),
}


@pytest.mark.parametrize("ending", PLAN)
def test_the_plan(ending: str):
    behaviour = planned(f"+120255501{ending}")
    assert (behaviour.kind, behaviour.talks) == PLAN[ending]


def test_the_plan_s_special_callers():
    assert planned("+12025550182").patience == 1.0
    assert planned("+12025550187").vanishes == 2.0
    assert planned("+12025550193").presses == "1"
    assert (planned("+12025550127").leaves_after_peer, planned("+12025550128").leaves_after_peer) == (1.0, None)
    voicemail, takes_over = planned("+12025550197"), planned("+12025550198")
    assert (voicemail.rings, voicemail.after, voicemail.stays) == (False, 0.0, 20.0)
    assert (takes_over.rings, takes_over.after, takes_over.stays) == (True, 25.0, 20.0)


@pytest.mark.parametrize("number", ["+12025551100", "+442079460000", "110", ""])
def test_numbers_outside_the_plan_reach_nobody(number: str):
    assert planned(number).kind == "invalid"


def test_every_row_of_the_plan_is_in_its_table():
    documented = planned.__doc__ or ""
    bounds = [(int(low), int(high)) for low, high in re.findall(r"\| (\d\d)-(\d\d) \|", documented)]
    assert [low for low, _ in bounds] == [0, *(high + 1 for _, high in bounds[:-1])]
    assert bounds[-1][1] == 99


def test_a_phone_remembers_its_call():
    story = Story({"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}, b=answers(after=2.0, talks=4.0))
    story.place().run()
    assert [what for _, what, _ in story.b.log] == ["called", "rang", "picked_up", "joined", "ended"]
    times = [at for at, _, _ in story.b.log]
    assert times == sorted(times)
    assert story.b.log[1][2] == SHOWN_B
    assert story.b.log[-1][2] == "self"


def test_a_polite_phone_leaves_after_the_other():
    story = Story({"CALL_ANSWERED": [bridge()]}, a=answers(leaves_after_peer=1.0), b=answers(talks=3.0)).place().run()
    assert story.exchange.legs_up() == []
    assert story.a.calls[0].ended_by == "self"


def test_early_media_is_no_answer():
    """A phone that does not ring sends no 180; only its answer counts."""
    story = Story({"CALL_ANSWERED": [hang_up()]}, a=Behaviour("answers", 5.0, rings=False)).place().run()
    assert story.told == ["NEW_OUTBOUND_CALL", "CALL_ANSWERED", "HANGUP:LEG-A"]


def test_a_network_that_says_ringing_twice_is_told_once():
    story = Story({"CALL_ANSWERED": [hang_up()]}).place()
    story.after(1.0, lambda: story.exchange.rang(story.a.calls[0].call_id)).run()
    assert story.told.count("RINGING") == 1


def test_a_slow_network_is_a_switch():
    story = Story({"CALL_ANSWERED": [hang_up()]}, post_dial_delay=4.0).place().run()
    call = story.a.calls[0]
    assert call.rang_at is not None
    assert (call.rang_at - call.called_at).total_seconds() == 4


def test_a_person_may_act_by_hand():
    story = Story({"CALL_ANSWERED": [bridge()]}).place()
    story.exchange.run()
    line = story.exchange.line
    assert line.press(story.a.number, "5")
    assert story.a.calls[0].pressed[0][1] == "5"
    assert line.hang_up_by_hand(story.a.number)
    story.exchange.run()
    assert story.told[-1] == "HANGUP:LEG-A"
    assert not line.hang_up_by_hand(story.a.number)
    assert not line.press(story.a.number, "5")

"""The same cases while the network repeats, reorders and loses events, and behaves in every way the documents allow."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.outcome import EndReason
from lab.pstn.lambdas import Fate
from lab.pstn.lines.behaviours import answers, busy, never_answers, vanishes
from lab.pstn.switches import Quotas, Switches
from tests.journeys.line import CALLEE, CALLER, Line

EITHER_WAY = [
    {"ringing_leg_b": True},
    {"ringing_leg_a": False},
    {"bridge_failure_detail": True},
    {"hangup_success": "before"},
    {"hangup_success": "after"},
    {"ended_legs_stay": False},
    {"cut_actions_fail": True},
    {"update_survives_failure": True},
    {"hangup_order": "reversed"},
    {"event_before_create_returns": True},
    {"dial_waits_for_first_answer": False},
    {"prompt_mutes_peer": True},
    {"network_ring_limit_b": 10.0},
    {"update_while_ringing": False},
    {"duplicates": "at_once"},
    {"duplicates": "after_answer"},
    {"duplicates": "after_later_event"},
    {"reordering": "neighbours"},
    {"lost_events": frozenset({"RINGING"})},
]
STORIES = {
    "they talk": (answers(2, talks=20.0), answers(3), None, 0),
    "the callee hangs up": (answers(2), answers(3, talks=20.0), None, 0),
    "both hang up at once": (answers(2, talks=20.0), answers(3, talks=20.0), None, 0),
    "the caller is busy": (busy(), answers(), None, 8108),
    "the callee is busy": (answers(2), busy(), None, None),
    "the callee never answers": (answers(2), never_answers(), None, None),
    "the caller leaves early": (answers(2, patience=4.0), never_answers(), None, 8009),
    "stopped while the caller rings": (answers(5), answers(3), 2.0, 8017),
    "stopped while the callee rings": (answers(2), answers(9), 6.0, 8017),
    "stopped in talk": (answers(2), answers(3), 15.0, 8017),
}


@pytest.mark.parametrize("begins", [0.0, 1.0, 4.0])
def test_half_a_minute_without_the_store_costs_the_flow_no_call(begins):
    """Before the first dial, between the legs, as they begin to talk: it goes on where it stood and dials each once."""
    line = Line(answers(2), answers(3, talks=60.0))
    line.outage = (begins, begins + 30)
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 0
    assert [len(line.exchange.phones[number].calls) for number in (CALLER, CALLEE)] == [1, 1]


@pytest.mark.parametrize("begins", [1.0, 4.0])
def test_a_store_that_stays_out_of_reach_ends_the_call_and_leaves_nobody_on_the_line(begins):
    line = Line(answers(2), answers(3))
    line.outage = (begins, begins + 200)
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.cdr(call).reason is EndReason.LOST


@pytest.mark.parametrize("switch", EITHER_WAY, ids=lambda switch: "-".join(f"{k}={v}" for k, v in switch.items()))
@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_as_it_must_whatever_the_network_is_like(story, switch):
    caller, callee, stop, state_code = STORIES[story]
    line = Line(caller, callee, switches=Switches(**switch))
    call = line.place()
    if stop is not None:
        line.stop_after(call, stop)
    line.run()
    line.check_all_over(call)
    assert line.told_to_sp[-2:] == ["disconnect", "fee"]
    if state_code is not None:
        assert line.disconnect["stateCode"] == state_code
    _told_once_and_in_order(line)


def _told_once_and_in_order(line):
    steps = [(told["eventType"], told["statusInfo"]["called"]) for told in line.letters if "statusInfo" in told]
    assert len(steps) == len(set(steps))
    for number in (CALLER, CALLEE):
        mine = [kind for kind, called in steps if called == number and kind != "disconnect"]
        assert mine == [kind for kind in ("callout", "alerting", "answer") if kind in mine]
    times = [told["statusInfo"]["timestamp"] for told in line.letters if "statusInfo" in told]
    assert times == sorted(times)


def test_the_outbox_alone_wakes_the_flow():
    """The fast path may fail every time: the stream does it again."""
    line = Line(answers(2), answers(3, talks=20.0), fast_path=False)
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 0


@pytest.mark.parametrize("kind", ["CALL_ANSWERED", "ACTION_SUCCESSFUL", "HANGUP", "CALL_UPDATE_REQUESTED"])
def test_a_reply_that_is_lost_is_given_again(kind):
    line = Line(answers(2), answers(3, talks=20.0))
    line.exchange.lambdas.fate = lambda event, attempt: Fate(
        reply_lost=event["InvocationEventType"] == kind and attempt == 1
    )
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 0


def test_the_last_hang_up_is_never_heard():
    """Settle asks the network, which knows no such call, and closes the account."""
    line = Line(answers(2), answers(3, talks=20.0), switches=Switches(lost_events=frozenset({"HANGUP"})))
    line.place(longest_talk=timedelta(minutes=1))
    line.run()
    line.exchange.legs_up()
    assert line.told_to_sp[-2:] == ["disconnect", "fee"]
    assert line.calls.in_use("app-1") == 0


def test_a_phone_that_vanishes_is_ended_at_the_longest_call():
    line = Line(answers(2), vanishes(2.0))
    call = line.place(longest_talk=timedelta(minutes=2))
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 8010


def test_an_accepted_call_that_nothing_took_up_is_closed_without_dialling():
    line = Line(answers(2), answers(3))
    line.player.holds_back = True  # the process died between the write and the start
    call = line.place()
    assert line.sweep().closed == 0, "not before its time"
    line.exchange.run_for(line.patience.take_up.total_seconds() + 1)
    assert line.sweep().closed == 1
    assert line.sweep().closed == 0
    line.run()
    assert line.exchange.phones[CALLER].calls == []
    assert line.told_to_sp == ["disconnect", "fee"]
    assert line.cdr(call).reason is EndReason.NEVER_STARTED
    line.check_all_over(call)


def test_a_flow_that_starts_after_the_sweep_dials_nobody():
    line = Line(answers(2), answers(3))
    line.player.holds_back = True
    call = line.place()
    line.exchange.run_for(200)
    line.sweep()
    line.player.holds_back = False
    line.player.start(*line.player.held_back[0])
    line.run()
    assert line.exchange.phones[CALLER].calls == []
    line.check_all_over(call)


def test_an_execution_that_died_is_swept():
    """Both are talking and the flow is gone: the sweeper ends the call at its time, and the hang-ups account for it."""
    line = Line(answers(2), answers(3))
    call = line.place(longest_talk=timedelta(minutes=1))
    line.exchange.run_for(20)
    execution = line.player.executions[call]
    line.player._stop_waiting(execution)
    execution.status = "SUCCEEDED"
    line.exchange.run_for(line.patience.whole(timedelta(minutes=1)).total_seconds())
    swept = line.sweep()
    assert (swept.closed, swept.left) == (0, 1), "asked to end, not closed over its head"
    line.run()
    line.check_all_over(call)


def test_five_callbacks_at_once_within_the_quotas():
    line = Line(switches=Switches(quotas=Quotas(on=True)))
    calls = []
    for pair in range(5):
        caller, callee = f"+120255501{10 + pair}", f"+120255501{20 + pair}"
        line.exchange.phones[caller].behaviour = replace(line.exchange.phones[caller].behaviour, talks=30.0)
        calls.append(line.place(caller=caller, callee=callee))
    line.run()
    line.check_all_over(*calls)
    assert [told["statusInfo"]["stateCode"] for told in line.letters if told["eventType"] == "disconnect"] == [0] * 5


def test_a_sixth_callback_costs_none_of_the_five_and_ends_cleanly():
    line = Line(switches=Switches(quotas=Quotas(on=True)), concurrent_calls=6)
    calls = []
    for pair in range(6):
        caller, callee = f"+120255501{10 + pair}", f"+120255501{20 + pair}"
        line.exchange.phones[caller].behaviour = replace(line.exchange.phones[caller].behaviour, talks=90.0)
        calls.append(line.place(caller=caller, callee=callee))
    line.run()
    line.check_all_over(*calls)
    codes = sorted(told["statusInfo"]["stateCode"] for told in line.letters if told["eventType"] == "disconnect")
    assert codes == [0, 0, 0, 0, 0, 7109]


def test_a_dial_that_the_network_has_no_room_for_fails_with_its_account():
    line = Line(answers(2), answers(3), switches=Switches(quotas=Quotas(on=True, active_calls=0)))
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.told_to_sp == ["disconnect", "fee"], "a leg's callout is told when its dial was accepted"
    assert (line.disconnect["stateCode"], line.fee["ulFailReason"]) == (7109, 522)
    assert "callOutStartTime" not in line.fee

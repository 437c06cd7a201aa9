"""The same cases while the network repeats, reorders and loses events, and behaves in every way the documents allow."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.accounting.receipt import flow_of
from duologue.domain.calls.due import SWEEP_MARGIN, TAKE_UP
from duologue.domain.calls.outcome import EndReason, Outcome, Result
from duologue.domain.errors import OutsideUnavailable
from duologue.wire.chime.commands import END, command
from pstn.lambdas import InvocationFault
from pstn.lines.behaviours import answers, busy, never_answers, vanishes
from pstn.switches import Quotas, Switches
from tests.journeys.flow_player import InvocationFault as FlowFault
from tests.journeys.line import CALLEE, CALLER, Line

EITHER_WAY = [
    {"ringing_leg_b": True},
    {"ringing_leg_a": False},
    {"bridge_failure_detail": True},
    {"hangup_success": "none"},
    {"hangup_success": "before"},
    {"hangup_success": "after"},
    {"ended_legs_stay": False},
    {"cut_actions": "fail"},
    {"cut_actions": "succeed"},
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


def play(story, *, slow=None, rung=None, **more):
    """One story to its end, with what must be true of it whatever the network and the cloud are like.

    `slow`: seconds until each function of the flow returns. `rung`: how often the caller and the callee are dialled.
    """
    caller, callee, stop, state_code = STORIES[story]
    line = Line(caller, callee, **more)
    if slow:
        line.player.fault = lambda invocation: FlowFault(seconds=slow)
    call = line.place()
    if stop is not None:
        line.stop_after(call, stop)
    line.run()
    line.check_all_over(call)
    assert line.told_to_sp[-2:] == ["disconnect", "fee"]
    if state_code is not None:
        assert line.disconnect["stateCode"] == state_code
    check_told_once_and_in_order(line)
    assert [len(line.exchange.phones[number].calls) for number in (CALLER, CALLEE)] == (rung or dialled(story))
    return line


def dialled(story):
    """How often the caller and the callee are dialled."""
    return [1, 0] if story in ("the caller is busy", "stopped while the caller rings") else [1, 1]


@pytest.mark.parametrize("story", sorted(STORIES.keys() - {"stopped while the callee rings"}))
def test_a_receipt_has_the_transitions_that_its_flow_made(story):
    """In the story left out the callee's answer and the stop are at the same moment: the flow looks once more."""
    line = play(story)
    [(call_id, execution)] = line.player.executions.items()
    call, ended = line.calls.load(call_id).call, execution.entered.count("Ended")
    assert flow_of(call) == (len(execution.entered), len(execution.entered) - ended)
    assert line.cdr(call_id).receipt.aws.state_transition == len(execution.entered)


@pytest.mark.parametrize("switch", EITHER_WAY, ids=lambda switch: "-".join(f"{k}={v}" for k, v in switch.items()))
@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_as_it_must_whatever_the_network_is_like(story, switch):
    play(story, switches=Switches(**switch))


def check_told_once_and_in_order(line):
    steps = [(told["eventType"], told["statusInfo"]["called"]) for told in line.requests if "statusInfo" in told]
    assert len(steps) == len(set(steps))
    for number in (CALLER, CALLEE):
        mine = [kind for kind, called in steps if called == number and kind != "disconnect"]
        assert mine == [kind for kind in ("callout", "alerting", "answer") if kind in mine]
    times = [told["statusInfo"]["timestamp"] for told in line.requests if "statusInfo" in told]
    assert times == sorted(times)


def test_the_outbox_alone_resumes_the_flow():
    """The fast path may fail every time: the stream does it again."""
    line = Line(answers(2), answers(3, talks=20.0), fast_path=False)
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 0


@pytest.mark.parametrize("kind", ["CALL_ANSWERED", "ACTION_SUCCESSFUL", "HANGUP", "CALL_UPDATE_REQUESTED"])
def test_a_reply_that_is_lost_is_given_again(kind):
    line = Line(answers(2), answers(3, talks=20.0))
    line.exchange.lambdas.fault = lambda event, attempt: InvocationFault(
        reply_lost=event["InvocationEventType"] == kind and attempt == 1
    )
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 0


def test_no_hang_up_is_ever_heard():
    """At the longest call the network knows no such call. When the talk ended nobody knows: it is billed to there."""
    line = Line(answers(2), answers(3, talks=20.0), switches=Switches(lost_events=frozenset({"HANGUP"})))
    call = line.place(longest_talk=timedelta(minutes=1))
    line.run()
    line.check_all_over(call)
    assert line.told_to_sp[-2:] == ["disconnect", "fee"]
    assert (line.disconnect["stateCode"], line.fee["ulFailReason"]) == (8010, 516)
    assert line.cdr(call).talk < timedelta(minutes=1, seconds=31), "no longer than the flow waits for late hang-ups"


def test_the_last_hang_up_is_lost_by_the_network():
    """The other one was heard, and no leg outlives its peer: that was the end, however late it is found out."""
    line = Line(answers(2, talks=20.0), answers(3), switches=Switches(lost_events=frozenset({"HANGUP:LEG-B"})))
    call = line.place()
    _sweep_each_minute(line)
    line.run()
    line.check_all_over(call)
    assert line.told_to_sp[-2:] == ["disconnect", "fee"]
    assert (line.disconnect["stateCode"], line.fee["callEndTime"]) == (0, "2026-11-23 09:00:25")
    assert line.cdr(call).talk == timedelta(seconds=20)
    assert line.told_at["fee"] < timedelta(minutes=7), "found out within minutes, not at the longest call"


@pytest.mark.parametrize("leg", ["LEG-A", "LEG-B"])
def test_the_store_is_out_of_reach_for_a_hang_up(leg):
    """The last one is not answered, so the network asks again; for the first one the peer is hung up unrecorded."""
    line = Line(answers(2, talks=20.0), answers(3))
    line.store_fails(lambda event, attempt: _is_hang_up(event, leg) and attempt == 1)
    call = line.place()
    _sweep_each_minute(line)
    line.run()
    line.check_all_over(call)
    assert (line.disconnect["stateCode"], line.fee["callEndTime"]) == (0, "2026-11-23 09:00:25")
    assert line.cdr(call).talk < timedelta(seconds=20.1)
    assert line.told_at["fee"] < timedelta(minutes=7)


@pytest.mark.parametrize(
    ("kind", "action", "state_code", "minutes"),
    [
        ("CALL_ANSWERED", "", 8107, 3),
        ("ACTION_SUCCESSFUL", "CallAndBridge", 8101, 3),
    ],
    ids=["at the caller's answer", "at the callee's answer"],
)
def test_the_store_is_out_of_reach_for_an_answer(kind, action, state_code, minutes):
    """The row does not know that somebody is up; the network does, and they are let go when the flow gives up."""
    line = Line(answers(2), answers(3))
    line.store_fails(
        lambda event, _: event["InvocationEventType"] == kind and event.get("ActionData", {}).get("Type", "") == action
    )
    call = line.place()
    line.exchange.run_for(60 * minutes)
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == state_code
    assert line.cdr(call).talk == timedelta(0)


def test_the_store_is_out_of_reach_when_the_end_is_asked():
    """Whoever asks for the end has recorded why: it is carried out, and the hang-ups account for it."""
    line = Line(answers(2), answers(3))
    line.store_fails(
        lambda event, _: event.get("ActionData", {}).get("Parameters", {}).get("Arguments") == command(END)
    )
    call = line.place()
    line.stop_after(call, 30)
    line.exchange.run_for(60)
    line.check_all_over(call)
    assert (line.disconnect["stateCode"], line.fee["callEndTime"]) == (8017, "2026-11-23 09:00:30")


def test_a_write_that_was_done_but_not_answered_still_dials():
    line = Line(answers(2), answers(3, talks=20.0))
    save, cut_off = line.calls.save, iter([True])

    def save_and_be_cut_off(change):
        save(change)
        if change.after.callee.dialled_at and next(cut_off, False):
            raise OutsideUnavailable("calls table: ReadTimeoutError")

    line.calls.save = save_and_be_cut_off
    call = line.place()
    line.run()
    line.check_all_over(call)
    assert len(line.exchange.phones[CALLEE].calls) == 1
    assert (line.disconnect["stateCode"], line.cdr(call).talk) == (0, timedelta(seconds=20))


def _is_hang_up(event, leg):
    return event["InvocationEventType"] == "HANGUP" and event["ActionData"]["Parameters"]["ParticipantTag"] == leg


def _sweep_each_minute(line, minutes=60):
    for minute in range(1, minutes + 1):
        line.clock.call_later(60 * minute, line.sweep)


def test_a_phone_that_vanishes_is_ended_at_the_longest_call():
    line = Line(answers(2), vanishes(2.0))
    call = line.place(longest_talk=timedelta(minutes=2))
    line.run()
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 8010


def test_an_accepted_call_that_nothing_took_up_is_finalized_without_dialling():
    line = Line(answers(2), answers(3))
    line.player.holds_back = True  # the process died between the write and the start
    call = line.place()
    assert line.sweep().finalized == 0, "not before its time"
    line.exchange.run_for(TAKE_UP.total_seconds() + 1)
    assert line.sweep().finalized == 1
    assert line.sweep().finalized == 0
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
    line.player.die(call)
    line.exchange.run_for((timedelta(minutes=1) + SWEEP_MARGIN).total_seconds())
    swept = line.sweep()
    assert (swept.finalized, swept.remaining) == (0, 1), "asked to end, not finalized while a leg is up"
    line.run()
    line.check_all_over(call)


def test_a_caller_whose_flow_died_is_not_held_for_the_longest_call():
    """Nobody talks yet, so nothing is waited for but dials, rings and prompts."""
    line = Line(answers(2), answers(3))
    call = line.place()
    line.clock.call_later(1, lambda: line.player.die(call))
    _sweep_each_minute(line)
    line.exchange.run_for(20 * 60)
    line.check_all_over(call)
    assert (line.disconnect["stateCode"], line.cdr(call).caller.outcome) == (8020, Outcome(Result.COMPLETED))


def test_a_stop_of_a_call_whose_hang_ups_were_lost_ends_it_now():
    """The network knows no such call: the flow is told, not left to wait for the longest one."""
    lost = Switches(lost_events=frozenset({"HANGUP"}))
    line = Line(answers(2, talks=20.0), answers(3, talks=20.0), switches=lost)
    call = line.place()
    line.stop_after(call, 60)
    line.exchange.run_for(120)
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 8017


@pytest.mark.parametrize("longest", [timedelta(minutes=1), timedelta(days=1)])
def test_a_stop_is_carried_out_by_the_sweeper_if_by_nobody_else(longest):
    """What the network was asked never reaches us, and no hang-up either."""
    line = Line(answers(2), answers(3))
    call = line.place(longest_talk=longest)
    line.exchange.run_for(20)
    line.exchange.lambdas.fault = lambda event, attempt: InvocationFault(reached=False)
    line.stop(call)
    _sweep_each_minute(line)
    line.exchange.run_for(600)
    line.check_all_over(call)
    assert line.disconnect["stateCode"] == 8017


@pytest.mark.parametrize("more", [0, 1])
def test_callbacks_at_once_use_the_quotas_and_one_more_ends_cleanly_and_costs_none_of_them(more):
    line = Line(switches=Switches(quotas=Quotas(on=True)), concurrent_calls=5 + more)
    calls = []
    for pair in range(5 + more):
        caller, callee = f"+120255501{10 + pair}", f"+120255501{20 + pair}"
        line.exchange.phones[caller].behaviour = replace(line.exchange.phones[caller].behaviour, talks=90.0)
        calls.append(line.place(caller=caller, callee=callee))
    line.run()
    line.check_all_over(*calls)
    codes = sorted(told["statusInfo"]["stateCode"] for told in line.requests if told["eventType"] == "disconnect")
    assert codes == [0] * 5 + [7109] * more

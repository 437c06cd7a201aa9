"""One path each, in product words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.actions import DialAndBridge, HangUp, PlayPrompt
from duologue.call_control.events import (
    BridgeFailed,
    DialAccepted,
    EndAsked,
    GaveUp,
    LegAnswered,
    LegEnded,
    NeverTakenUp,
    StopAsked,
)
from duologue.call_control.machine import decide, leaves_a_prompt
from duologue.call_control.prompts import Prompt
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Phase
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import (
    CalleeSilent,
    CallerSilent,
    CallStopping,
    DialRefused,
    LongestReached,
    NoSuchNetworkCall,
    NothingWasDialled,
    OutsideUnavailable,
)
from tests.call_control.stories import (
    BRIDGE_TIMED_OUT,
    CALLEE_ANSWERED,
    CALLEE_LEFT,
    CALLEE_RANG,
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_DIALLED,
    CALLER_LEFT,
    CALLER_RANG,
    END_WANTED,
    HANG_UP_REFUSED,
    NO_ROOM,
    PROMPT_REFUSED,
    REFUSED,
    TALKING,
    Story,
    closed,
)
from tests.samples import CALLEE, LEG_A, LEG_B, NETWORK_CALL, SHOWN_TO_CALLEE, at, callback

HANG_UP_CALLER = HangUp(Party.CALLER, LEG_A)
HANG_UP_CALLEE = HangUp(Party.CALLEE, LEG_B)


def test_they_talk_and_the_callee_hangs_up():
    story = Story(*TALKING, CALLEE_LEFT)
    assert story.actions == (HANG_UP_CALLER,)
    story.play(replace(CALLER_LEFT, at=at(61)))
    assert story.told == [
        "LegDialledRecorded caller",
        "LegRingingRecorded caller",
        "LegAnsweredRecorded caller",
        "LegDialledRecorded callee",
        "LegAnsweredRecorded callee",
        "CallEnded",
        "CdrWritten",
    ]
    assert story.call.phase is Phase.OVER
    assert (story.call.ending, story.call.ended_by) == (EndReason.HUNG_UP, Party.CALLEE)
    assert cdr_of(story.call).talk == timedelta(seconds=51)
    assert story.call.facts == 8


def test_nothing_is_played_to_the_callers_answer_since_the_dial_may_overtake_it():
    story = Story(CALLER_DIALLED, CALLER_RANG, CALLER_ANSWERED)
    assert story.actions == ()
    assert story.last.resumes is Wait.CALLER_ANSWER


def test_the_callee_is_shown_the_display_number_while_the_caller_hears_the_waiting_prompt():
    story = Story(CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED)
    assert story.actions == (DialAndBridge(CALLEE, SHOWN_TO_CALLEE, timedelta(seconds=30), Prompt.WAITING),)


def test_ringing_of_the_callee_is_told_where_the_network_says_it():
    assert "LegRingingRecorded callee" in Story(*TALKING[:4], CALLEE_RANG).told
    assert "LegRingingRecorded callee" not in Story(*TALKING).told


@pytest.mark.parametrize(
    ("sip_status", "result"),
    [(486, Result.BUSY), (480, Result.NO_ANSWER), (603, Result.REJECTED), (404, Result.INVALID_NUMBER)],
)
def test_the_caller_is_not_reached(sip_status, result):
    story = Story(CALLER_DIALLED, LegEnded(at(5), NETWORK_CALL, Party.CALLER, LEG_A, sip_status))
    assert story.call.caller.outcome == Outcome(result, sip_status)
    assert story.call.ending is EndReason.CALLER_FAILED
    assert story.told == ["LegDialledRecorded caller", "CallEnded", "CdrWritten"]
    assert story.last.resumes is Wait.END


@pytest.mark.parametrize(
    ("seconds", "sip_status", "expected", "heard"),
    [
        (12, 0, Outcome(Result.UNREACHABLE), Prompt.CALLEE_UNAVAILABLE),
        # It was dialled at 4 s and may ring for 30; the clocks of the dial and of its end may differ by one.
        (32.9, 0, Outcome(Result.UNREACHABLE), Prompt.CALLEE_UNAVAILABLE),
        (33, 0, Outcome(Result.NO_ANSWER), Prompt.CALLEE_UNAVAILABLE),
        (34, 0, Outcome(Result.NO_ANSWER), Prompt.CALLEE_UNAVAILABLE),
        (12, 486, Outcome(Result.BUSY, 486), Prompt.CALLEE_BUSY),
        (12, 600, Outcome(Result.BUSY, 600), Prompt.CALLEE_BUSY),
        (12, 408, Outcome(Result.NO_ANSWER, 408), Prompt.CALLEE_NO_ANSWER),
        (12, 480, Outcome(Result.NO_ANSWER, 480), Prompt.CALLEE_NO_ANSWER),
        (12, 404, Outcome(Result.INVALID_NUMBER, 404), Prompt.CALLEE_UNAVAILABLE),
        (12, 487, Outcome(Result.CANCELLED, 487), Prompt.CALLEE_UNAVAILABLE),
        (12, 503, Outcome(Result.UNREACHABLE, 503), Prompt.CALLEE_UNAVAILABLE),
        (12, 603, Outcome(Result.REJECTED, 603), Prompt.CALLEE_UNAVAILABLE),
    ],
)
def test_the_callee_is_not_reached_and_the_caller_is_told(seconds, sip_status, expected, heard):
    story = Story(*TALKING[:4], BridgeFailed(at(seconds), NETWORK_CALL, sip_status))
    assert story.actions == (PlayPrompt(Party.CALLER, heard), HANG_UP_CALLER)
    assert story.call.callee.outcome == expected
    story.play(replace(CALLER_LEFT, at=at(seconds + 3)))
    assert story.told[-2:] == ["CallEnded", "CdrWritten"]
    assert (story.call.ending, story.call.ended_by) == (EndReason.CALLEE_FAILED, None)


@pytest.mark.parametrize(("failure", "reason"), [(NO_ROOM, EndReason.NO_ROOM), (REFUSED, EndReason.DIAL_REFUSED)])
def test_a_bridge_that_the_network_refuses_is_no_fault_of_the_callee(failure, reason):
    story = Story(*TALKING[:4], failure)
    assert (story.call.ending, story.call.dial_refusal) == (reason, failure.refused)
    assert story.actions[-1] == HANG_UP_CALLER
    assert Story(failure, call=story.call).last.note is not None, "twice"
    story.play(CALLER_LEFT)
    assert cdr_of(story.call).callee == callback().callee, (
        "it was never dialled, whatever was told when it was asked for"
    )
    assert cdr_of(story.call).dial_refusal == failure.refused


def test_a_callee_that_rang_was_dialled_whatever_the_network_calls_its_failure():
    story = Story(*TALKING[:4], CALLEE_RANG, replace(NO_ROOM, at=at(7)))
    assert story.call.ending is EndReason.CALLEE_FAILED
    assert story.call.callee.dialled_at == at(4)


UNPLAYABLE = BridgeFailed(at(9), NETWORK_CALL, refused="InvalidAudioSource", unplayable=True)


def test_a_prompt_to_wait_by_that_cannot_be_played_leaves_the_caller_in_silence_and_the_call_going_on():
    story = Story(*TALKING[:4], UNPLAYABLE)
    assert story.actions == (DialAndBridge(CALLEE, SHOWN_TO_CALLEE, timedelta(seconds=30), None),)
    assert (story.call.phase, story.told.count("LegDialledRecorded callee")) == (Phase.RINGING_CALLEE, 1)
    story.play(TALKING[4])
    assert story.call.phase is Phase.TALKING


def test_a_stopped_call_is_not_dialled_again_in_silence():
    story = Story(*TALKING[:4])
    story = Story(UNPLAYABLE, call=replace(story.call, ending=EndReason.STOPPED))
    assert story.actions == (HANG_UP_CALLER,)


def test_the_parting_prompt_cannot_be_played():
    story = Story(*TALKING[:4], BRIDGE_TIMED_OUT, PROMPT_REFUSED)
    assert story.actions == (HANG_UP_CALLER,)


def test_the_caller_leaves_while_the_callee_rings():
    story = Story(*TALKING[:4], CALLER_LEFT)
    assert story.call.phase is Phase.OVER
    assert (story.call.ending, story.call.ended_by) == (EndReason.CALLER_LEFT, Party.CALLER)
    assert story.call.callee.outcome == Outcome(Result.CANCELLED)
    story.play(replace(CALLEE_ANSWERED, at=at(61)))
    assert story.actions == (HANG_UP_CALLEE, HANG_UP_CALLER)
    assert story.told.count("CallEnded") == 1


def test_stopped_before_the_caller_answers():
    stopped = replace(Story(CALLER_DIALLED, CALLER_RANG).call, ending=EndReason.STOPPED)
    story = Story(CALLER_ANSWERED, call=stopped)
    assert story.actions == (HANG_UP_CALLER,)
    assert Story(CALLEE_WANTED, call=story.call).actions == (HANG_UP_CALLER,)
    story.play(CALLER_LEFT)
    assert story.call.ending is EndReason.STOPPED


def test_stopped_while_the_callee_rings():
    stopped = replace(Story(*TALKING[:4]).call, ending=EndReason.STOPPED)
    assert Story(END_WANTED, call=stopped).actions == (HANG_UP_CALLER,)
    assert Story(CALLEE_ANSWERED, call=stopped).actions == (HANG_UP_CALLER, HANG_UP_CALLEE)
    assert Story(BRIDGE_TIMED_OUT, call=stopped).actions == (HANG_UP_CALLER,)


def test_stopped_in_talk():
    stopped = replace(Story(*TALKING).call, ending=EndReason.STOPPED)
    story = Story(END_WANTED, CALLER_LEFT, CALLEE_LEFT, call=stopped)
    assert story.call.ending is EndReason.STOPPED
    assert story.call.ended_by is None


def test_the_leg_that_the_network_reports_is_hung_up_before_one_whose_end_was_lost():
    """The hang-up of an ended leg is refused, and the rest of the list is dropped."""
    stopped = replace(Story(*TALKING).call, ending=EndReason.STOPPED)
    story = Story(EndAsked(at(70), NETWORK_CALL, {Party.CALLEE: LEG_B}), call=stopped)
    assert story.actions == (HangUp(Party.CALLEE, LEG_B), HANG_UP_CALLER)


def test_an_answer_overtaken_by_the_end_of_its_leg_still_counts():
    story = Story(*TALKING[:4], CALLEE_LEFT, replace(CALLEE_ANSWERED, at=at(62)), replace(CALLER_LEFT, at=at(63)))
    assert story.call.callee.answered_at == story.call.callee.ended_at == at(60)
    assert "LegAnsweredRecorded callee" in story.told


def test_the_caller_hears_no_longer_that_the_callee_was_not_reached_once_its_answer_is_known():
    """The end of the leg has overtaken the answer. Only a request stops a prompt that plays (R9)."""
    story = Story(*TALKING[:4], CALLEE_LEFT)
    assert story.actions == (PlayPrompt(Party.CALLER, Prompt.CALLEE_UNAVAILABLE), HANG_UP_CALLER)
    late = replace(CALLEE_ANSWERED, at=at(62))
    for call in (story.call, decide(story.call, late).call):
        assert leaves_a_prompt(call, late)
    assert decide(story.call, late).actions == (HANG_UP_CALLER,)
    gone = decide(story.call, replace(CALLER_LEFT, at=at(61))).call
    others = [(Story(*TALKING[:4]).call, late), (story.call, replace(late, leg_id="leg-c")), (gone, late)]
    assert not any(leaves_a_prompt(*other) for other in others)


def test_a_second_network_call_is_a_stray():
    story = Story(CALLER_DIALLED)
    stray = DialAccepted(at(2), "another", "leg-x", at(2))
    assert decide(story.call, stray).facts == ()
    answered = decide(story.call, LegAnswered(at(3), "another", Party.CALLER, "leg-x", None))
    assert answered.actions == (HangUp(Party.CALLER, "leg-x"),)
    assert answered.call == story.call


def test_an_event_may_come_before_the_one_that_caused_it():
    story = Story(CALLER_ANSWERED, CALLER_DIALLED, CALLER_RANG)
    assert story.told == ["LegDialledRecorded caller", "LegAnsweredRecorded caller"]


def test_hanging_up_a_leg_that_has_ended_is_harmless():
    story = Story(*TALKING, CALLEE_LEFT, HANG_UP_REFUSED)
    assert story.actions == ()
    assert story.last.note is not None


def test_the_safety_net_finalizes_what_the_network_never_ended():
    decision = closed(Story(*TALKING).call, 4000)
    assert decision.call.phase is Phase.OVER
    assert decision.resumes is Wait.END
    assert cdr_of(decision.call).talk == timedelta(seconds=3991)
    assert closed(decision.call, 5000).note is not None


@pytest.mark.parametrize("left", [CALLEE_LEFT, CALLER_LEFT])
def test_a_last_hang_up_that_never_came_does_not_make_a_day_of_talk(left):
    """No leg outlives its peer, so it ended when its peer did (R9), however late that is found out."""
    story = Story(*TALKING, left)
    account = cdr_of(closed(story.call, 86_400).call)
    assert account.caller.ended_at == account.callee.ended_at == account.ended_at == at(60)
    assert account.talk == timedelta(seconds=51)
    assert account.reason is EndReason.HUNG_UP


def test_a_leg_answered_without_an_event_is_hung_up_by_the_networks_report():
    """The caller's: the flow gives up, and asks for the end of a leg that the row does not know to be up."""
    story = Story(CALLER_DIALLED, CALLER_RANG)
    story.call = replace(story.call, ending=EndReason.CALLER_SILENT)
    assert story.play(END_WANTED).actions == ()
    assert story.play(replace(END_WANTED, connected={Party.CALLER: LEG_A})).actions == (HANG_UP_CALLER,)


def test_a_callee_answered_without_an_event_does_not_outlive_the_caller():
    """Nor is the call over before its leg is."""
    left = replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B})
    story = Story(CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED, left)
    assert story.actions == (HANG_UP_CALLEE,)
    assert story.call.phase is Phase.ENDING
    story.play(replace(CALLEE_LEFT, at=at(61)))
    account = cdr_of(story.call)
    assert (account.ended_at, account.reason) == (at(61), EndReason.CALLER_LEFT)
    assert account.talk == timedelta(0), "nobody knows since when they talked"


def test_a_callee_that_the_row_never_dialled_is_hung_up_with_the_end_of_the_call():
    """Its own end would not be known for one of ours: nothing is waited for."""
    story = Story(CALLER_DIALLED, CALLER_ANSWERED, replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B}))
    assert story.actions == (HANG_UP_CALLEE,)
    assert story.call.phase is Phase.OVER


def test_a_callee_that_the_network_says_is_up_is_hung_up_however_often_the_callers_end_is_told():
    story = Story(*TALKING)
    for _ in range(2):
        assert story.play(replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B})).actions == (HANG_UP_CALLEE,)


def test_a_caller_that_the_network_says_is_up_is_hung_up_though_its_end_was_told():
    story = Story(*TALKING, CALLER_LEFT, replace(CALLEE_LEFT, at=at(61), connected={Party.CALLER: LEG_A}))
    assert story.actions == (HANG_UP_CALLER,)
    assert story.call.phase is Phase.OVER


def test_a_callee_answered_while_its_caller_was_gone_has_not_ended_before():
    left = replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B})
    story = Story(CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED, left, replace(CALLEE_ANSWERED, at=at(62)))
    account = cdr_of(closed(story.call, 400).call)
    assert account.callee.answered_at == account.callee.ended_at == account.ended_at == at(62)
    assert account.talk == timedelta(0)


def test_a_leg_still_up_on_a_finalized_call_is_hung_up():
    story = Story(*TALKING)
    story.call = closed(story.call, 100).call
    both = {Party.CALLER: LEG_A, Party.CALLEE: LEG_B}
    assert story.play(replace(END_WANTED, connected=both)).actions == (HANG_UP_CALLER, HANG_UP_CALLEE)
    assert story.play(replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B})).actions == (HANG_UP_CALLEE,)
    assert story.facts[-1] == story.facts[4], "nothing is recorded"


def test_a_silent_network_means_no_answer():
    call = closed(replace(Story(CALLER_DIALLED).call, ending=EndReason.CALLER_SILENT), 140).call
    assert call.caller.outcome == Outcome(Result.NO_ANSWER)
    assert call.ending is EndReason.CALLER_SILENT


def test_a_call_that_was_never_taken_up_has_no_legs_in_its_cdr():
    call = decide(callback(), NeverTakenUp(at(120))).call
    assert (call.ending, call.caller.ended_at) == (EndReason.NEVER_STARTED, None)
    assert cdr_of(call).talk == timedelta(0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CallerSilent, EndReason.CALLER_SILENT),
        (NothingWasDialled, EndReason.NO_ROOM),
        (DialRefused, EndReason.DIAL_REFUSED),
        (LongestReached, EndReason.LONGEST_CALL),
        (OutsideUnavailable, EndReason.LOST),
        (None, EndReason.LOST),
        (NoSuchNetworkCall, None),  # hang-ups on their way know better
        (CallStopping, None),  # who stopped it has recorded that
    ],
)
def test_why_the_flow_gave_up_follows_from_the_error_that_led_there(error, reason):
    decision = decide(Story(CALLER_DIALLED).call, GaveUp(at(140), error))
    assert (decision.call.ending, decision.call.ending_at) == (reason, reason and at(140))
    assert not decision.goes_on


@pytest.mark.parametrize(
    ("events", "error", "goes_on"),
    [
        (TALKING[:2], CallerSilent, False),
        (TALKING[:3], CallerSilent, True),
        (TALKING[:4], CalleeSilent, False),
        (TALKING, CalleeSilent, True),
        (TALKING, LongestReached, False),
    ],
)
def test_who_answered_at_the_last_moment_is_not_given_up(events, error, goes_on):
    story = Story(*events)
    decision = decide(story.call, GaveUp(at(140), error))
    assert decision.goes_on is goes_on
    assert (decision.call == story.call) is goes_on


def test_the_first_reason_to_end_stands():
    stopped = decide(Story(*TALKING[:4]).call, StopAsked(at(8))).call
    assert (stopped.ending, stopped.ending_at) == (EndReason.STOPPED, at(8))
    for later in (StopAsked(at(9)), GaveUp(at(9), CalleeSilent), GaveUp(at(9), None)):
        assert decide(stopped, later).call == stopped
    assert closed(stopped, 20).call.ending is EndReason.STOPPED


def test_a_call_that_is_over_is_neither_stopped_nor_given_up():
    over = Story(*TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61))).call
    for late in (StopAsked(at(70)), GaveUp(at(70), None), NeverTakenUp(at(70))):
        assert decide(over, late).call == over


def test_a_network_that_never_said_a_word_means_a_silent_caller_else_the_end_was_lost():
    assert closed(replace(callback(), taken_up_at=at(1)), 140).call.ending is EndReason.CALLER_SILENT
    assert closed(Story(*TALKING[:3]).call, 400).call.ending is EndReason.LOST


def test_a_callee_whose_leg_ends_before_its_answer_is_told_to_the_caller():
    """A carrier may end the callee's leg without saying that a bridge failed."""
    busy = LegEnded(at(7), NETWORK_CALL, Party.CALLEE, LEG_B, 486, {Party.CALLER: LEG_A})
    story = Story(*TALKING[:4], busy)
    assert story.actions == (PlayPrompt(Party.CALLER, Prompt.CALLEE_BUSY), HANG_UP_CALLER)
    assert (story.call.ending, story.call.callee.outcome) == (EndReason.CALLEE_FAILED, Outcome(Result.BUSY, 486))
    assert Story(BridgeFailed(at(8), NETWORK_CALL, 486), call=story.call).actions == (), "told once"


def test_a_callee_on_a_stray_call_is_hung_up_and_our_caller_is_not():
    stray = replace(CALLEE_ANSWERED, network_call="another", leg_id="leg-c")
    assert Story(*TALKING, stray).actions == (HangUp(Party.CALLEE, "leg-c"),)


def test_another_leg_of_the_callee_that_answers_after_the_first_has_ended_is_hung_up():
    """The end of its own leg may overtake an answer; the end of another leg says nothing of it."""
    ended = Story(*TALKING[:4], replace(CALLEE_LEFT, at=at(8), sip_status=486))
    late = Story(replace(CALLEE_ANSWERED, leg_id="leg-c"), call=ended.call)
    assert (late.actions, late.told) == ((HangUp(Party.CALLEE, "leg-c"),), [])


@pytest.mark.parametrize("plays_before_callee", [False, True])
def test_a_dial_that_the_network_takes_at_last_leaves_no_error_of_the_network(plays_before_callee):
    """Also while the prompt before it is played: a caller who leaves then was refused nothing."""
    story = Story(CALLER_DIALLED, CALLER_ANSWERED, call=replace(callback(), plays_before_callee=plays_before_callee))
    refused = replace(story.call, dial_refusal="ThrottledClientException")
    assert Story(CALLEE_WANTED, CALLER_LEFT, call=refused).call.dial_refusal is None

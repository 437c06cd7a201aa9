"""Return calls: how one begins (inbound.py), and what `decide` does differently from there on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.actions import DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.events import BridgeFailed, GaveUp, LegAnswered, LegEnded, StopAsked
from duologue.call_control.inbound import DEFAULT_TERMS, connect, play_tone, reject, turn_away
from duologue.call_control.machine import decide
from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import NotifyTo, Phase
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import CalleeSilent, CallerSilent
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.numbers.phone_number import WITHHELD
from tests.call_control.stories import (
    CALLEE_ANSWERED,
    CALLEE_LEFT,
    CALLEE_RANG,
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_LEFT,
    CALLER_RANG,
    END_WANTED,
    NO_ROOM,
    PROMPT_REFUSED,
    REFUSED,
    Story,
    closed,
    facts_of,
)
from tests.samples import (
    CALLER,
    LEG_A,
    LEG_B,
    NETWORK_CALL,
    SHOWN_TO_CALLEE,
    TARGET,
    at,
    inbound_app,
    incoming,
    return_call,
)


def test_the_target_is_rung_at_once_and_the_caller_is_not_answered():
    decision = connect(incoming(), TARGET)
    assert decision.actions == (DialAndBridge(CALLER, SHOWN_TO_CALLEE, timedelta(seconds=30), None),)
    assert facts_of(decision) == ["InboundCallRecorded", "LegDialledRecorded callee"]
    call = decision.call
    assert (call.phase, call.caller.answered_at, call.facts) == (Phase.RINGING_CALLEE, None, 2)
    assert call.accepted_at == call.taken_up_at == call.caller.dialled_at == call.callee.dialled_at == at(0)
    assert (call.network_call, call.caller.network_id) == (NETWORK_CALL, LEG_A)


def test_it_takes_over_what_the_remembered_request_set_and_the_app_still_has():
    audio = Audio("a.wav", "b.wav", "last.wav", AudioListeners.CALLER, "notice.wav")
    terms = replace(
        DEFAULT_TERMS,
        audio=audio,
        wants_recording=True,
        notify=NotifyTo("https://sp.example/own"),
        user_data="order-9",
        call_back_tone="sorry.wav",
    )
    app = inbound_app(recording=True, recording_notices=("notice.wav",), keep_recordings_days=7)
    call = return_call(app=app, target=replace(TARGET, terms=terms))
    assert call.audio == Audio(
        last_minute="last.wav",
        last_minute_to=AudioListeners.CALLER,
        recording_notice="notice.wav",
        call_back="sorry.wav",
    )
    assert call.notify == NotifyTo("https://sp.example/own", app.fee_url)
    assert (call.wants_recording, call.keep_recording_days, call.user_data) == (True, 7, "order-9")
    later = return_call(app=inbound_app(), target=replace(TARGET, terms=terms))
    assert (later.wants_recording, later.audio.recording_notice) == (False, None)


@pytest.mark.parametrize(
    ("tone", "prompt"), [("shop.wav", AppPrompt("app-1", "shop.wav")), (None, Prompt.CALLEE_UNAVAILABLE)]
)
def test_a_caller_whom_nobody_need_answer_hears_a_prompt_once(tone, prompt):
    decision = play_tone(incoming(app=inbound_app(call_back_tone=tone)))
    assert decision.actions == (PlayPrompt(Party.CALLER, prompt), HangUp(Party.CALLER, LEG_A))
    assert facts_of(decision) == ["InboundCallRecorded"]
    assert (decision.call.ending, decision.call.phase) == (EndReason.NOBODY_REMEMBERED, Phase.ENDING)
    assert decision.call.caller.is_up, "the prompt answers the leg"


@pytest.mark.parametrize(("reason", "status"), [(EndReason.NOBODY_REMEMBERED, 480), (EndReason.NO_ROOM, 486)])
def test_a_rejected_call_is_over_at_once_and_has_its_cdr(reason, status):
    decision = reject(incoming(caller=None), reason, TARGET)
    assert decision.actions == turn_away(incoming().event, status) == (HangUp(Party.CALLER, LEG_A, status),)
    assert facts_of(decision) == ["InboundCallRecorded", "CallEnded", "CdrWritten"]
    account = cdr_of(decision.call)
    assert (account.reason, account.ended_at, account.caller.number) == (reason, at(0), WITHHELD)
    assert account.caller.outcome == Outcome(Result.REJECTED, status)
    assert (account.caller.answered_at, account.callee.dialled_at) == (None, None)


HANG_UP_CALLER, HANG_UP_CALLEE = HangUp(Party.CALLER, LEG_A), HangUp(Party.CALLEE, LEG_B)
UNAVAILABLE, BUSY = HangUp(Party.CALLER, LEG_A, 480), HangUp(Party.CALLER, LEG_A, 486)


def returned(*events, **settings):
    return Story(*events, call=replace(return_call(), **settings))


def failed(sip_status):
    return BridgeFailed(at(12), NETWORK_CALL, sip_status)


def test_the_callees_answer_answers_the_caller_too():
    story = returned(CALLEE_RANG, CALLEE_ANSWERED)
    assert story.told == ["LegRingingRecorded callee", "LegAnsweredRecorded callee"]
    assert story.call.caller.answered_at == story.call.callee.answered_at == at(9)
    assert story.last.resumes is Wait.CALLEE_ANSWER
    story.play(CALLEE_LEFT)
    assert story.actions == (HANG_UP_CALLER,)
    story.play(replace(CALLER_LEFT, at=at(61)))
    assert (story.call.ending, cdr_of(story.call).talk) == (EndReason.HUNG_UP, timedelta(seconds=51))


def test_both_hear_the_notice_before_a_return_call_is_recorded():
    story = returned(CALLEE_ANSWERED, wants_recording=True)
    assert [(type(each), getattr(each, "party", None)) for each in story.actions] == [
        (PlayPrompt, Party.CALLER),
        (PlayPrompt, Party.CALLEE),
        (StartRecording, None),
    ]


@pytest.mark.parametrize(
    ("status", "prompt", "rejection"),
    [
        (486, Prompt.CALLEE_BUSY, BUSY),
        (600, Prompt.CALLEE_BUSY, BUSY),
        (480, Prompt.CALLEE_NO_ANSWER, UNAVAILABLE),
        (404, Prompt.CALLEE_UNAVAILABLE, UNAVAILABLE),
        (0, Prompt.CALLEE_UNAVAILABLE, UNAVAILABLE),
    ],
)
def test_a_callee_who_is_not_reached_is_told_by_a_prompt_or_by_the_rejection(status, prompt, rejection):
    told = returned(failed(status))
    assert told.actions == (PlayPrompt(Party.CALLER, prompt), HANG_UP_CALLER), "the prompt answers the leg"
    told.play(CALLER_LEFT)
    rejected = returned(failed(status), rejects_failure=True)
    assert rejected.actions == (rejection,)
    rejected.play(replace(CALLER_LEFT, sip_status=rejection.sip_status))
    for story, result in (told, Result.COMPLETED), (rejected, Result.REJECTED):
        assert (story.call.ending, story.call.phase, story.call.ended_by) == (EndReason.CALLEE_FAILED, Phase.OVER, None)
        assert story.call.caller.outcome.result is result
    assert rejected.call.caller.answered_at is None


@pytest.mark.parametrize(("refusal", "reason"), [(NO_ROOM, EndReason.NO_ROOM), (REFUSED, EndReason.DIAL_REFUSED)])
def test_a_dial_that_the_network_refuses_is_no_dial_in_the_cdr(refusal, reason):
    story = returned(refusal, CALLER_LEFT)
    assert (story.call.ending, cdr_of(story.call).callee.dialled_at) == (reason, None)


def test_the_requests_own_prompt_takes_the_place_of_the_one_that_says_why():
    story = returned(failed(486), audio=Audio(call_back="sorry.wav"))
    assert story.actions == (PlayPrompt(Party.CALLER, AppPrompt("app-1", "sorry.wav")), HANG_UP_CALLER)


def test_a_prompt_that_cannot_be_played_answers_nobody():
    for story in (returned(failed(0), PROMPT_REFUSED), Story(PROMPT_REFUSED, call=play_tone(incoming()).call)):
        assert story.actions == (UNAVAILABLE,)
        assert story.call.caller.answered_at is None


@pytest.mark.parametrize(
    ("before", "status", "reason", "by", "result"),
    [
        ((), 0, EndReason.CALLER_LEFT, Party.CALLER, Result.CANCELLED),
        ((), 487, EndReason.CALLER_LEFT, Party.CALLER, Result.CANCELLED),
        ((CALLEE_RANG,), 480, EndReason.CALLER_LEFT, Party.CALLER, Result.REJECTED),
        ((), 480, EndReason.LOST, None, Result.REJECTED),  # the network had no answer in time, so nobody was dialled
    ],
)
def test_a_caller_who_gives_up_has_left_and_has_not_failed(before, status, reason, by, result):
    story = returned(*before, replace(CALLER_LEFT, sip_status=status))
    assert (story.call.ending, story.call.ended_by, story.call.phase) == (reason, by, Phase.OVER)
    assert story.call.caller.outcome == Outcome(result, status)
    assert story.call.callee.outcome == Outcome(Result.CANCELLED)
    assert story.last.resumes is Wait.END
    story.play(replace(CALLEE_ANSWERED, at=at(61)))
    assert story.actions == (HANG_UP_CALLEE, HANG_UP_CALLER), "a bridge has both legs"


def test_a_caller_who_gives_up_as_the_callee_answers_leaves_nobody_up():
    story = returned(replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B}))
    assert (story.actions, story.call.phase) == ((HANG_UP_CALLEE,), Phase.ENDING)
    story.play(replace(CALLEE_ANSWERED, at=at(61)), replace(CALLEE_LEFT, at=at(62)))
    assert (story.call.ending, cdr_of(story.call).talk) == (EndReason.CALLER_LEFT, timedelta(0))


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (StopAsked(at(8)), EndReason.STOPPED),
        (GaveUp(at(8), CalleeSilent), EndReason.CALLEE_SILENT),
        (GaveUp(at(8), CallerSilent), EndReason.CALLEE_SILENT),  # its caller is never waited for
        (GaveUp(at(8), None), EndReason.LOST),
    ],
)
def test_a_call_that_is_ended_while_it_rings_rejects_its_caller(own, reason):
    ending = decide(return_call(), own).call
    assert ending.ending is reason
    for event in (END_WANTED, replace(END_WANTED, connected={Party.CALLER: LEG_A}), CALLEE_WANTED, failed(0)):
        assert Story(event, call=ending).actions == (UNAVAILABLE,)
    assert Story(CALLEE_ANSWERED, call=ending).actions == (HANG_UP_CALLER, HANG_UP_CALLEE)
    account = cdr_of(closed(ending, 400).call)
    assert account.caller.outcome == Outcome(Result.CANCELLED)


@pytest.mark.parametrize("event", [CALLER_RANG, CALLEE_WANTED, incoming().event, CALLER_ANSWERED])
def test_events_of_a_caller_that_we_dial_change_nothing_that_the_sp_sees(event):
    """A carrier may report that the leg was answered; by what, its own event says."""
    story = returned(event)
    assert (story.actions, story.told, story.last.resumes, story.call.ending) == ((), [], None, None)


def test_a_caller_who_hears_the_tone_is_not_cut_off_by_the_report_of_the_answer():
    story = Story(replace(CALLER_ANSWERED, at=at(1)), call=play_tone(incoming()).call)
    assert story.actions == ()
    story.play(CALLER_LEFT)
    assert (story.told, story.call.ending) == (["CallEnded", "CdrWritten"], EndReason.NOBODY_REMEMBERED)
    assert cdr_of(story.call).talk == timedelta(0)


def test_the_safety_net_closes_a_call_whose_end_was_never_reported():
    account = cdr_of(closed(return_call(), 400).call)
    assert (account.reason, account.caller.outcome) == (EndReason.LOST, Outcome(Result.CANCELLED))
    assert cdr_of(closed(play_tone(incoming()).call, 400).call).reason is EndReason.NOBODY_REMEMBERED


def test_a_late_answer_answers_the_caller_no_later_than_the_callee_left():
    ended = returned(replace(CALLEE_LEFT, at=at(8)), rejects_failure=True)
    story = Story(CALLEE_ANSWERED, call=ended.call)
    assert story.call.callee.answered_at == story.call.caller.answered_at == at(8)
    assert story.told == ["LegAnsweredRecorded callee"]


def test_another_leg_of_the_caller_is_none_of_ours():
    other = LegAnswered(at(3), "another", Party.CALLER, "leg-x", None)
    assert returned(other).actions == (HangUp(Party.CALLER, "leg-x"),)
    assert returned(LegEnded(at(3), "another", Party.CALLER, "leg-x", 0)).call == return_call()

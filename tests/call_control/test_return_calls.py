"""Return calls: how one begins (inbound.py), and what `decide` does differently from there on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.actions import DialAndBridge, HangUp, PlayPrompt
from duologue.call_control.inbound import DEFAULT_TERMS, connect, play_tone, reject, turn_away
from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.audio import Audio, AudioListeners
from duologue.domain.call import NotifyTo, Phase
from duologue.domain.cdr import cdr_of
from duologue.domain.outcome import EndReason, Outcome, Party, Result
from duologue.domain.phone_number import WITHHELD
from tests.call_control.stories import facts_of
from tests.samples import (
    CALLER,
    LEG_A,
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
        DEFAULT_TERMS, audio=audio, wants_recording=True, notify=NotifyTo("https://sp.example/own"), user_data="order-9"
    )
    app = inbound_app(recording=True, recording_notices=("notice.wav",), keep_recordings_days=7)
    call = return_call(app=app, target=replace(TARGET, terms=terms))
    assert call.audio == Audio(
        last_minute="last.wav", last_minute_to=AudioListeners.CALLER, recording_notice="notice.wav"
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


@pytest.mark.parametrize(("reason", "status"), [(EndReason.NOBODY_REMEMBERED, 480), (EndReason.NO_ROOM, 486)])
def test_a_rejected_call_is_over_at_once_and_has_its_cdr(reason, status):
    decision = reject(incoming(caller=None), reason, TARGET)
    assert decision.actions == turn_away(incoming().event, status) == (HangUp(Party.CALLER, LEG_A, status),)
    assert facts_of(decision) == ["InboundCallRecorded", "CallEnded", "CdrWritten"]
    account = cdr_of(decision.call)
    assert (account.reason, account.ended_at, account.caller.number) == (reason, at(0), WITHHELD)
    assert account.caller.outcome == Outcome(Result.REJECTED, status)
    assert (account.caller.answered_at, account.callee.dialled_at) == (None, None)

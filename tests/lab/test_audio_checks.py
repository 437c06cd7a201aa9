"""Judging what a phone received, and which telephones a command plays with."""

import argparse
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lab.cases.audio_checks import JUDGED_FROM_S, audio_checks
from lab.cases.catalogue import named
from lab.cases.checks import checks
from lab.cases.play import Pair, Played
from lab.cases.prompts import length_of, prompt_name
from lab.cases.tone_detection import samples, seconds_of
from lab.cli import line_choice
from lab.sp.client import Reply
from pstn.feed import NetworkEvent
from pstn.lines.phone_state import Phone, PhoneCall
from pstn.lines.sip.audio import FRAME_BYTES, tone
from pstn.lines.sip.media import mixed
from pstn.switches import Switches

PAIR = Pair("+12025550111", "+12025550122")
CALLER_SOUNDS, CALLEE_SOUNDS = 520.0, 740.0
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_a_tone_counts_for_as_long_as_it_sounds_alone():
    silence = bytes(2 * 4000)
    assert seconds_of(740, samples(silence + tone(740, 2.0) + silence)) == pytest.approx(2.0, abs=0.1)
    assert seconds_of(740, samples(tone(760, 2.0))) == 0
    assert seconds_of(740, samples(silence)) == 0


def test_a_tone_under_another_does_not_count():
    frames = [tone(740, 1.0)[at : at + FRAME_BYTES] for at in range(0, 16000, FRAME_BYTES)]
    over = [tone(900, 1.0)[at : at + FRAME_BYTES] for at in range(0, 16000, FRAME_BYTES)]
    both = b"".join(mixed(one, other) for one, other in zip(frames, over, strict=True))
    assert seconds_of(740, samples(both)) == 0


def test_half_a_sample_at_the_end_is_left_out():
    assert len(samples(b"\1\0\2")) == 1


def call(other: str, seconds: float = 4.0, heard: tuple[tuple[float, str], ...] = ()) -> PhoneCall:
    """Connected at noon, for so many seconds; `heard`: prompts, by the second in which each began."""
    end = NOON + timedelta(seconds=seconds)
    prompts = [(NOON + timedelta(seconds=at), f"prompts/{name}.wav") for at, name in heard]
    return PhoneCall(Phone(), other, "+12025550100", NOON, joined=[(other, NOON, None)], ended_at=end, heard=prompts)


@pytest.fixture
def played() -> Played:
    reply = Reply(200, {}, {})
    sp = SimpleNamespace(name="acme", numbers=("+12025550100", "+12025550101"), account=SimpleNamespace(app_key=""))
    legs = {"caller_calls": [call(PAIR.callee)], "callee_calls": [call(PAIR.caller)]}
    return Played(named("talked"), PAIR, Switches(), sp, NOON, reply, **legs)  # type: ignore[arg-type]


def found(played: Played, to_caller: bytes, to_callee: bytes) -> list[bool]:
    ears = {PAIR.callee: to_caller, PAIR.caller: to_callee}
    return [check.passed for check in audio_checks(played, lambda call: ears[call.call_id])]


def test_each_hears_the_other(played):
    assert found(played, tone(CALLEE_SOUNDS, 4.0), tone(CALLER_SOUNDS, 4.0)) == [True, True]


@pytest.mark.parametrize("heard", [b"", tone(CALLEE_SOUNDS, 1.0), tone(CALLER_SOUNDS, 4.0)])
def test_silence_too_little_and_ones_own_voice_are_told(played, heard):
    assert found(played, heard, tone(CALLER_SOUNDS, 4.0)) == [False, True]


@pytest.mark.parametrize(("heard", "busy"), [(b"", False), (tone(CALLEE_SOUNDS, 1.0), True)])
def test_a_voice_that_was_interrupted_is_told_with_the_usual_cause(played, heard, busy):
    found = audio_checks(played, lambda call: heard)[0].found or ""
    assert found.startswith(f"only for {1.0 if busy else 0.0} s of 4.0 s")
    assert ("A machine that is busy with other work" in found) is busy


def test_who_was_never_joined_heard_nobody(played):
    assert found(replace(played, callee_calls=[]), tone(CALLEE_SOUNDS, 4.0), b"") == [True, False]


def test_where_nobody_talks_nothing_need_be_heard(played):
    assert audio_checks(replace(played, case=named("caller_busy")), lambda call: b"") == []


@pytest.mark.parametrize(
    ("seconds", "prompts", "sounds", "judged"),
    [
        (0.1, (), 0.0, []),  # the SP stopped it at once: the voice has not arrived yet
        (JUDGED_FROM_S - 0.1, (), 0.0, []),
        (JUDGED_FROM_S, (), JUDGED_FROM_S - 0.3, [True]),
        (JUDGED_FROM_S, (), 0.0, [False]),
        (8.0, ((0.0, "recording-notice"),), 2.0, [True]),  # half of what the notice left
        (8.0, ((0.0, "recording-notice"),), 0.5, [False]),
        (6.0, ((0.0, "recording-notice"),), 0.0, []),
        (2.0, ((-6.0, "waiting"),), 0.0, [False]),  # it had ended before the talk
        (4.0, ((0.0, "prompt-of-the-sp"),), 2.0, [True]),  # its length is not known
    ],
)
def test_a_voice_is_judged_by_the_talk_without_prompts(played, monkeypatch, seconds, prompts, sounds, judged):
    monkeypatch.setattr("lab.cases.prompts.length_of", lambda key: PROMPTS.get(prompt_name(key), timedelta(0)))
    short = replace(played, caller_calls=[call(PAIR.callee, seconds, prompts)])
    made = audio_checks(short, lambda each: tone(CALLEE_SOUNDS if each is short.caller else CALLER_SOUNDS, sounds))
    assert [each.passed for each in made if "caller's phone" in each.what] == judged


PROMPTS = {"recording-notice": timedelta(seconds=5), "waiting": timedelta(seconds=6)}


@pytest.mark.parametrize(
    ("prompt", "cut_s", "passed"),
    [
        ("callee-busy", 0.0, True),
        ("callee-busy", 0.4, True),
        ("callee-busy", 0.6, False),
        ("callee-no-answer", 3.0, False),
    ],
)
def test_a_final_prompt_is_heard_to_its_own_end(played, prompt, cut_s, passed):
    length = length_of(f"prompts/{prompt}.wav").total_seconds()
    caller = call("", length - cut_s, ((0.0, prompt),))
    dialled = [NetworkEvent(NOON, "placed", "1", None, {"to": PAIR.caller})]
    heard = replace(played, case=named("callee_busy"), caller_calls=[caller], network_events=dialled)
    [about] = [check for check in checks(heard) if "final prompt" in check.what]
    assert about.passed == passed


@pytest.mark.parametrize(
    ("arguments", "why_not", "line"),
    [
        ([], None, "sip"),
        ([], "no wheel", "virtual"),
        (["--virtual"], None, "virtual"),
        (["--virtual"], "no", "virtual"),
    ],
)
def test_sip_wherever_the_machine_can_unless_told_otherwise(monkeypatch, arguments, why_not, line):
    monkeypatch.setattr(line_choice, "missing", lambda: why_not)
    parser = argparse.ArgumentParser()
    line_choice.add_argument(parser)
    choice = line_choice.chosen(parser.parse_args(arguments))
    assert choice.line == line
    assert (choice.why is not None) == (why_not is not None and not arguments), (
        "only what was not asked for is explained"
    )
    assert why_not is None or arguments or why_not in str(choice.why)

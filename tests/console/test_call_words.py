"""Why a call ended, in words that need no codes."""

from dataclasses import replace

import pytest

from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result, outcome_of
from duologue.operator.call_words import ENDINGS, Meaning, meaning, sentence, short
from tests.call_control.stories import (
    CALLEE_LEFT,
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_DIALLED,
    CALLER_LEFT,
    CALLER_RANG,
    TALKING,
    Story,
)
from tests.console.world import FAILED, NOT_ANSWERED, TALKED, stopped
from tests.samples import at, callback

STORIES = {
    "accepted": ((), "Accepted 12 s ago; no phone rings yet.", "accepted", Meaning.WAITS),
    "ringing the caller": (
        (CALLER_DIALLED, CALLER_RANG),
        "The caller is being called, for 12 s.",
        "ringing the caller",
        Meaning.RINGS,
    ),
    "caller waiting": (
        (CALLER_DIALLED, CALLER_ANSWERED),
        "The caller has answered and waits, for 9 s.",
        "caller waiting",
        Meaning.WAITS,
    ),
    "ringing the callee": (
        (CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED),
        "The caller waits; the callee is being called, for 8 s.",
        "ringing the callee",
        Meaning.RINGS,
    ),
    "talking": (TALKING, "They have been talking for 3 s.", "talking", Meaning.TALKS),
    "stopping": (
        (*TALKING, stopped(11)),
        "They talked for 2 s, until the SP or the operator stopped the call. The call is ending.",
        "ending",
        Meaning.WAITS,
    ),
    "hung up": (TALKED, "They talked for 51 s, until the callee hung up.", "talked", Meaning.TALKS),
    "caller busy": (FAILED, "The caller's phone was busy. The callee was not rung.", "caller busy", Meaning.FAILED),
    "callee did not answer": (
        NOT_ANSWERED,
        "The caller answered and waited. The callee's phone was not answered within 30 s.",
        "callee did not answer",
        Meaning.FAILED,
    ),
    "caller left": (
        (CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED, replace(CALLER_LEFT, at=at(7))),
        "The caller hung up after 4 s, before the callee had answered.",
        "the caller hung up early",
        Meaning.FAILED,
    ),
}


@pytest.mark.parametrize(("events", "text", "brief", "means"), STORIES.values(), ids=STORIES)
def test_a_call_says_how_it_stands_or_ended(events, text, brief, means):
    call = Story(*events).call
    assert (sentence(call, at(12)), short(call), meaning(call)) == (text, brief, means)


@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("talked", [True, False], ids=["talked", "did not talk"])
@pytest.mark.parametrize("result", [None, *Result])
def test_every_end_has_its_words(reason, talked, result):
    """For every reason, whatever is known of the legs; and who did not talk is never said to have talked."""
    answered = at(9) if talked else None
    outcome = Outcome(result) if result else None

    def ended(leg: Leg) -> Leg:
        return replace(leg, dialled_at=at(0), answered_at=answered, ended_at=at(60), outcome=outcome)

    call = callback()
    call = replace(
        call, caller=ended(call.caller), callee=ended(call.callee), ending=reason, ending_at=at(60), ended_at=at(60)
    )
    text = sentence(call, at(60))
    assert text[0].isupper()
    assert text.endswith(".")
    assert "None" not in text
    assert "_" not in text, "a sentence has no codes"
    assert talked or "They talked" not in text
    assert short(call)
    assert reason in ENDINGS
    assert meaning(call) is (Meaning.TALKS if talked else Meaning.FAILED)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (488, " (SIP 488 Not Acceptable Here: the two sides have no codec, or no encryption of the sound, in common)."),
        (503, " (SIP 503 Service Unavailable: the trunk could not be reached, is out of order, or has no free line)."),
        (599, " (SIP 599)."),
        (0, ", and the network does not say why."),
    ],
)
def test_who_could_not_be_reached_has_the_status_and_its_meaning(status, why):
    call = callback()
    callee = replace(call.callee, ended_at=at(60), outcome=outcome_of(status))
    call = replace(call, callee=callee, ending=EndReason.CALLEE_FAILED, ending_at=at(60), ended_at=at(60))
    assert sentence(call, at(60)) == f"The caller answered and waited. The callee could not be reached{why}"


def test_who_hung_up_is_named():
    other = Story(*TALKING, replace(CALLER_LEFT, at=at(50)), CALLEE_LEFT).call
    assert other.ended_by is Party.CALLER
    assert sentence(other, at(99)).endswith("until the caller hung up.")

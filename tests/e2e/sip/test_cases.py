"""The whole platform on real SIP and RTP: many callbacks at once, and eight cases of `lab.cases.catalogue` with sound.

`tests/e2e/lab/test_cases.py` plays every case without sound, `make stories` with sound.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from lab.cases.audio_checks import audio_checks
from lab.cases.catalogue import named
from lab.cases.checks import check
from lab.cases.play import Played
from lab.cases.return_calls import return_case
from lab.cases.return_checks import return_checks
from lab.phones.voices import voice
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import PhoneCall
from pstn.lines.sip.line import SipLine
from tests.e2e.lab.variants import USUAL
from tests.e2e.sip import audio_analysis

SOUNDED = (
    "talked",
    "talked_caller_leaves",
    "talked_recorded",
    "caller_never_answers",
    "callee_rejects_told",
    "caller_gives_up",
    "stopped_callee_answers",
    "stopped_in_talk",
)
"""Each sounds in another way: talks that either side or the SP ends, at once or later; each kind of prompt; ringing."""
AT_ONCE = 10
EDGE = timedelta(seconds=0.5)
"""Seconds at the start of a talk that are not analysed: the audio is delayed."""


def heard_in_talk(line: SipLine, call: PhoneCall | None) -> Counter[int | None]:
    """In how many windows of its talk a phone heard which tone."""
    assert call
    assert call.joined
    [(_, since, until)] = call.joined
    assert until
    return audio_analysis.loudest(
        audio_analysis.stretch(line.heard_by(call), call.called_at, since + EDGE, until - EDGE)
    )


def test_ten_at_once(quiet, lab):
    """Each is told, accounted for and put away, and each phone heard its partner's tone and nobody else's."""
    long = replace(named("talked"), callee=answers(1.0, talks=12.0))
    played = [each.result() for each in quiet.at_once([long] * AT_ONCE)]
    assert [check(each) for each in played] == [[]] * AT_ONCE
    joined = [call.joined[0] for each in played for call in (each.caller, each.callee) if call]
    assert max(since for _, since, _ in joined) < min(until for _, _, until in joined if until), "all talked at once"
    for each in played:
        for call, other in ((each.caller, each.pair.callee), (each.callee, each.pair.caller)):
            heard = heard_in_talk(lab.pstn.exchange.line, call)
            assert heard[int(voice(other))] > 15, "of about 40 windows in 11 seconds"
            strange = {tone: count for tone, count in heard.items() if tone not in (None, int(voice(other)))}
            assert max(strange.values(), default=0) <= 5, f"a jump of the tone may look like another one: {strange}"


@pytest.fixture(scope="package")
def plays(case_player, request):
    """Every case that was chosen; they are played beside one another while the tests look at them in turn."""
    chosen = [
        item.callspec.params["case"]
        for item in request.session.items
        if "case" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    case_player.wait()
    return case_player.begin((USUAL, case) for case in chosen)


@pytest.mark.parametrize("case", [named(name) for name in SOUNDED], ids=lambda case: case.name)
def test_a_case_comes_true_with_sound(plays, case, lab):
    played: Played = plays[USUAL.name, case.name].result(timeout=600)
    assert check(played) == []
    assert [each for each in audio_checks(played, lab.pstn.exchange.line.heard_by) if not each.passed] == []


@pytest.mark.parametrize("name", ["return_call", "return_recorded"])
def test_a_return_call_comes_true_with_sound(quiet, lab, name):
    played = quiet.return_calls([return_case(name)])[name].result(timeout=300)
    found = [*return_checks(played), *audio_checks(played, lab.pstn.exchange.line.heard_by)]
    assert [each for each in found if not each.passed] == []
    assert sum("voice" in each.what for each in found) == 2, "both phones were judged"

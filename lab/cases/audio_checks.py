"""Checks of the audio when a case was played over SIP, as in `lab.cases.checks`."""

from collections.abc import Callable, Iterator
from typing import Protocol

from lab.cases.checks import Check
from lab.cases.play import Pair
from lab.cases.prompts import heard_between
from lab.cases.tone_detection import samples, seconds_of
from lab.phones.voices import voice
from pstn.lines.phone_state import PhoneCall

LEAST = 0.5
"""Fraction of the talk: a busy machine may interrupt a voice."""

JUDGED_FROM_S = 1.5
"""Seconds of talk without a prompt from which it is judged: a voice takes up to 0.3 s to arrive, and only whole tenths
of a second of it count."""

_CUT = ". A machine that is busy with other work interrupts voices: play it again when it is idle"

HeardBy = Callable[[PhoneCall], bytes]
"""What a scripted phone received in a call, from `SipLine`."""


class Talk(Protocol):
    """What is judged of a played case."""

    pair: Pair

    @property
    def connected(self) -> bool: ...
    @property
    def caller(self) -> PhoneCall | None: ...
    @property
    def callee(self) -> PhoneCall | None: ...


def audio_checks(played: Talk, heard_by: HeardBy) -> list[Check]:
    """Empty if the parties were not connected; without a phone whose talk was too short to judge."""
    if not played.connected:
        return []
    pair = played.pair
    return [
        *_hears("caller", played.caller, voice(pair.callee), heard_by),
        *_hears("callee", played.callee, voice(pair.caller), heard_by),
    ]


def _hears(who: str, call: PhoneCall | None, hertz: float, heard_by: HeardBy) -> Iterator[Check]:
    what = f"the {who}'s phone received the other party's voice, a tone of {hertz:.0f} Hz"
    if call is None or not call.joined or call.ended_at is None:
        yield Check(what, "it was not connected")
        return
    _, since, until = call.joined[0]
    until = until or call.ended_at
    talked = (until - since - heard_between(call, since, until)).total_seconds()
    if talked < JUDGED_FROM_S:
        return
    heard = seconds_of(hertz, samples(heard_by(call)))
    yield Check(
        what, None if heard >= LEAST * talked else f"only for {heard:.1f} s of {talked:.1f} s{_CUT if heard else ''}"
    )

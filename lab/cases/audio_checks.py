"""Checks of the audio when a case was played over SIP, as in `lab.cases.checks`."""

from collections.abc import Callable

from lab.cases.checks import Check
from lab.cases.play import Played
from lab.cases.tone_detection import samples, seconds_of
from lab.phones.voices import voice
from pstn.lines.phone_state import PhoneCall

LEAST = 0.5
"""Fraction of the connected time: prompts may be mixed with a voice, and a busy machine may interrupt it."""

HeardBy = Callable[[PhoneCall], bytes]
"""What a scripted phone received in a call, from `SipLine`."""


def audio_checks(played: Played, heard_by: HeardBy) -> list[Check]:
    """Empty if the parties were not connected."""
    if not played.case.connected:
        return []
    pair = played.pair
    return [
        _hears("caller", played.caller, voice(pair.callee), heard_by),
        _hears("callee", played.callee, voice(pair.caller), heard_by),
    ]


def _hears(who: str, call: PhoneCall | None, hertz: float, heard_by: HeardBy) -> Check:
    what = f"the {who}'s phone received the other party's voice, a tone of {hertz:.0f} Hz"
    if call is None or not call.joined or call.ended_at is None:
        return Check(what, "it was not connected")
    _, since, until = call.joined[0]
    joined = ((until or call.ended_at) - since).total_seconds()
    heard = seconds_of(hertz, samples(heard_by(call)))
    return Check(what, None if heard >= LEAST * joined else f"only for {heard:.1f} s of {joined:.1f} s")

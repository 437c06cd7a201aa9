"""Every prompt of the platform has its sound, in the form the network plays (PCM, 8 kHz, 16 bit, mono)."""

import wave
from pathlib import Path

import pytest

from duologue.call_control.prompts import Prompt
from duologue.domain.media.wav import read_notice

AUDIO = Path(__file__).parents[2] / "audio"


@pytest.mark.parametrize("prompt", Prompt)
def test_a_prompt_has_its_audio(prompt):
    with wave.open(str(AUDIO / f"{prompt.value}.wav")) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (8000, 2, 1)
        seconds = sound.getnframes() / sound.getframerate()
        samples = sound.readframes(sound.getnframes())
    assert 0.5 < seconds < 15, "the waits of the flow allow for prompts of at most 15 s"
    assert max(samples) > 0, "not silence"


@pytest.mark.parametrize("language", ["", "zh"])
def test_the_recording_notice_is_short(language):
    """Both parties hear it, one after the other, before the recording starts, at most 5 s after the callee's answer."""
    assert 1 <= read_notice((AUDIO / language / "recording-notice.wav").read_bytes()).seconds <= 1.8


def test_every_file_is_of_a_prompt():
    assert {sound.stem for sound in AUDIO.glob("*.wav")} == {prompt.value for prompt in Prompt}

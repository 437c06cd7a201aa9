"""Prompts of any WAV form become telephone sound of the same length; texts become sound at all."""

import io
import itertools
import subprocess
import wave
from array import array

import pytest

from pstn.lines.sip import speech
from pstn.lines.sip.audio import RATE, resampled, telephone_audio, tone, wav_file


def wav(rate: int, width: int, channels: int, seconds: float = 0.5) -> bytes:
    """A square wave of 250 Hz at half volume; on two channels the second is silent."""
    half = rate // 500
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setframerate(rate)
        file.setsampwidth(width)
        file.setnchannels(channels)
        for at in range(int(rate * seconds)):
            high = 1 if (at // half) % 2 else -1
            for channel in range(channels):
                value = high * (1 << (8 * width - 2)) if channel == 0 else 0
                file.writeframesraw(
                    bytes([value + 128]) if width == 1 else value.to_bytes(width, "little", signed=True)
                )
    return out.getvalue()


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 6000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_pcm_wav(rate, width, channels):
    samples = array("h", telephone_audio(wav(rate, width, channels)))
    assert len(samples) == pytest.approx(RATE / 2, abs=2)
    loud = (1 << 14) // channels
    assert max(samples) == pytest.approx(loud, rel=0.05)
    assert min(samples) == pytest.approx(-loud, rel=0.05)
    crossings = sum((one < 0) != (other < 0) for one, other in itertools.pairwise(samples))
    assert crossings == pytest.approx(250, abs=3)


def test_what_is_there_already_is_not_touched():
    assert telephone_audio(wav_file(tone(600, 0.3))) == tone(600, 0.3)
    samples = array("h", [1, 2, 3])
    assert resampled(samples, RATE) is samples


def test_an_empty_file_is_no_sound():
    assert telephone_audio(wav_file(b"")) == b""


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 something else"])
def test_what_is_no_wav_file(content):
    with pytest.raises((wave.Error, EOFError)):
        telephone_audio(content)


def test_without_a_speaker_a_text_is_notes_of_its_length(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    short, long = speech.spoken("One two three"), speech.spoken("One two three four five six")
    assert len(long) == 2 * len(short)
    assert max(array("h", short)) > 5000


def test_a_speaker_that_fails_is_none(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("espeak-ng", 1)

    monkeypatch.setattr("shutil.which", lambda _: "/bin/espeak-ng")
    monkeypatch.setattr("subprocess.run", fail)
    assert max(array("h", speech.spoken("One two"))) > 5000

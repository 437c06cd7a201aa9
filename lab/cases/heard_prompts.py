"""Prompts that are tones, so that what a phone heard is found in its sound. Each is as long as the real one."""

import wave
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from lab.cases.tone_detection import samples, windows
from lab.lab import AUDIO
from pstn.lines.sip.audio import RATE, share, tone, wav_file

TONES = {name: 2_400.0 + 140.0 * index for index, name in enumerate(sorted(file.stem for file in AUDIO.glob("*.wav")))}
"""Name → Hertz, above every voice (lab.phones.voices) and within the band of G.711."""
_PRESENT = 0.3
"""The share of a window's energy from which a prompt is present; mixed with a voice it has about a half."""
_TENTH, _GAP = timedelta(seconds=0.1), timedelta(seconds=0.5)
"""A window, and the pause within which the same prompt goes on."""


def tone_prompts(folder: Path) -> Path:
    """Write them; returns the folder, for `Lab(prompts=…)`."""
    for name, hertz in TONES.items():
        with wave.open(str(AUDIO / f"{name}.wav")) as file:
            seconds = file.getnframes() / file.getframerate()
        (folder / f"{name}.wav").write_bytes(wav_file(tone(hertz, seconds)))
    return folder


def prompts_in(sound: bytes, since: datetime) -> list[tuple[datetime, str]]:
    """As `PhoneCall.heard`: when each began, and its name. `sound`: 16-bit samples at 8 kHz, received from `since`."""
    heard: list[tuple[datetime, str]] = []
    lasts: dict[str, datetime] = {}
    for index, window in enumerate(windows(samples(sound))):
        at = since + index * _TENTH
        for name in _in_window(window):
            if name not in lasts or at - lasts[name] > _GAP:
                heard.append((at, name))
            lasts[name] = at
    return heard


def _in_window(window: "array[int]") -> Iterator[str]:
    half = window[: RATE // 20]
    if any(half):
        yield from (name for name, hertz in TONES.items() if share(half, hertz) >= _PRESENT)

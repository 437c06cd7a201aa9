"""Prompts as files of samples for the stations, made once and beside the calls."""

import hashlib
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pstn.lines import AudioFile
from pstn.lines.sip.sounds import RATE, telephone_sound, tone
from pstn.lines.sip.speech import spoken


class Sounds:
    """`soon` runs what it is given in turn with the calls."""

    def __init__(self, folder: Path, soon: Callable[[Callable[[], None]], object]) -> None:
        self._folder, self._soon = folder, soon
        self._maker = ThreadPoolExecutor(1, "sounds")

    def get(self, audio: AudioFile, then: Callable[[Path], None]) -> None:
        """At once if the file is there."""
        what = audio.content or (audio.text or f"{audio.seconds} s").encode()
        file = self._folder / f"sound-{hashlib.sha256(what).hexdigest()[:32]}.pcm"
        if file.exists():
            then(file)
        else:
            self._maker.submit(self._make, audio, file, then)

    def close(self) -> None:
        self._maker.shutdown(wait=True, cancel_futures=True)

    def _make(self, audio: AudioFile, file: Path, then: Callable[[Path], None]) -> None:
        part = file.with_suffix(".part")
        part.write_bytes(_samples(audio))
        part.rename(file)
        self._soon(lambda: then(file))


def _samples(audio: AudioFile) -> bytes:
    """Of a file, of speech, or, if only its length is known, a tone of that length."""
    if audio.text:
        return spoken(audio.text)
    if audio.content is None:
        return tone(440, audio.seconds)
    try:
        return telephone_sound(audio.content)
    except (wave.Error, EOFError):  # whoever looked it up took it for sound; its time passes in silence
        return bytes(2 * int(audio.seconds * RATE))

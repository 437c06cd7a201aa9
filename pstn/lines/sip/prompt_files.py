"""Prompts converted to files of raw samples for the endpoints, once each, on a thread of its own."""

import hashlib
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pstn.lines import AudioFile
from pstn.lines.sip.audio import RATE, telephone_audio, tone
from pstn.lines.sip.speech import spoken


class PromptFiles:
    """`soon` schedules a callback under the exchange's lock."""

    def __init__(self, folder: Path, soon: Callable[[Callable[[], None]], object]) -> None:
        self._folder, self._soon = folder, soon
        self._maker = ThreadPoolExecutor(1, "sounds")

    def get(self, audio: AudioFile, then: Callable[[Path], None]) -> None:
        """Call `then` with the file; at once if it exists."""
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
    """Of a WAV file, of spoken text, or, if only the length is known, of a tone of that length."""
    if audio.text:
        return spoken(audio.text)
    if audio.content is None:
        return tone(440, audio.seconds)
    try:
        return telephone_audio(audio.content)
    except (wave.Error, EOFError):  # the look-up accepted it as audio, so play silence of its length
        return bytes(2 * int(audio.seconds * RATE))

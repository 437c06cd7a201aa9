"""Text to speech for Speak: espeak-ng if it is installed, otherwise one tone per word."""

import shutil
import subprocess

from pstn.lines.sip.audio import FRAME_BYTES, SILENCE, telephone_audio, tone

SPEAKER = "espeak-ng"
TIMEOUT_S = 10.0
_NOTES = (523.0, 659.0, 784.0)


def spoken(text: str) -> bytes:
    """The samples of a text. espeak-ng interprets SSML."""
    program = shutil.which(SPEAKER)
    if program is None:
        return _chimes(text)
    # U+4E00 … U+9FFF: CJK ideographs.
    language = "cmn" if any("\u4e00" <= each <= "\u9fff" for each in text) else "en"
    command = [program, "-v", language, "--stdin", "--stdout", *(["-m"] if text.lstrip().startswith("<") else [])]
    try:
        made = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, check=True)
        return telephone_audio(made.stdout) or SILENCE
    except (subprocess.SubprocessError, EOFError, OSError):
        return _chimes(text)


def _chimes(text: str) -> bytes:
    """Three rising notes, repeated, a quarter of a second per word: unlike any ringing or busy tone."""
    gap = SILENCE * 2
    words = range(max(2, len(text.split())))
    return b"".join(tone(_NOTES[word % 3], 0.21)[: 10 * FRAME_BYTES] + gap for word in words)

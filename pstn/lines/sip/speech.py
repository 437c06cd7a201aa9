"""Speak: espeak-ng's voice where that program is installed, otherwise tones, one for each word."""

import shutil
import subprocess

from pstn.lines.sip.sounds import FRAME_BYTES, SILENCE, telephone_sound, tone

SPEAKER = "espeak-ng"
PATIENCE_S = 10.0
_NOTES = (523.0, 659.0, 784.0)


def spoken(text: str) -> bytes:
    """The samples of a text; SSML is spoken as such by espeak-ng."""
    program = shutil.which(SPEAKER)
    if program is None:
        return _chimes(text)
    # U+4E00 … U+9FFF: the Chinese characters that every text in Chinese has.
    language = "cmn" if any("\u4e00" <= each <= "\u9fff" for each in text) else "en"
    command = [program, "-v", language, "--stdin", "--stdout", *(["-m"] if text.lstrip().startswith("<") else [])]
    try:
        made = subprocess.run(command, input=text.encode(), capture_output=True, timeout=PATIENCE_S, check=True)
        return telephone_sound(made.stdout) or SILENCE
    except (subprocess.SubprocessError, EOFError, OSError):
        return _chimes(text)


def _chimes(text: str) -> bytes:
    """Unlike any ringing or busy tone: three notes up, over and over, a quarter of a second for each word."""
    gap = SILENCE * 2
    words = range(max(2, len(text.split())))
    return b"".join(tone(_NOTES[word % 3], 0.21)[: 10 * FRAME_BYTES] + gap for word in words)

"""Make the platform's own prompts: 8 kHz, 16-bit, mono WAV, as the network wants them. `python audio/make.py`

Tones that a telephone user knows without a language, and speech where there is something to say, in English and then
in Mandarin. The recording notice has one language, since it is played twice before a recording starts: English, or as
the operator chooses Mandarin, `zh/recording-notice.wav` (docs/operations.md).

Speech needs Debian's espeak-ng and sox; the files that come of it are kept in the repository, so nobody who only runs
the platform needs them. What is said stands in TEXTS.
"""

import math
import struct
import subprocess
import wave
from pathlib import Path

RATE = 8000
HERE = Path(__file__).parent
LEVEL = 0.25
_RAMP = RATE // 200
"""5 ms of rise and fall, so that no tone clicks."""
_VOICES = {"en": "en-us", "zh": "cmn"}
_PACES = {"en": 170, "zh": 260}
"""Words per minute of the recording notice, which must be short: about four syllables a second in either language."""

Sound = list[float]

TEXTS = {
    "recording-notice": {"en": "This call will be recorded.", "zh": "通话将被录音。"},
    "last-minute": {"en": "One minute left.", "zh": "通话还剩一分钟。"},
    "before-callee": {"en": "Please hold.", "zh": "正在为您接通。"},
    "callee-unavailable": {
        "en": "The person you called cannot be reached.",
        "zh": "您呼叫的用户暂时无法接通。",
    },
    "callee-busy": {"en": "The person you called is busy.", "zh": "您呼叫的用户正忙。"},
    "callee-no-answer": {"en": "The person you called does not answer.", "zh": "您呼叫的用户暂时无人接听。"},
}


def tone(seconds: float, *hertz: float) -> Sound:
    """Several frequencies at once; none: silence."""
    length = round(seconds * RATE)
    loudness = LEVEL / max(1, len(hertz))
    return [
        min(1.0, i / _RAMP, (length - i) / _RAMP) * loudness * sum(math.sin(math.tau * f * i / RATE) for f in hertz)
        for i in range(length)
    ]


def speech(name: str) -> Sound:
    """What TEXTS has for a prompt, one language after the other."""
    spoken: Sound = []
    for language, text in TEXTS[name].items():
        spoken += said(text, _VOICES[language]) + tone(0.25)
    return spoken


def notice(language: str) -> Sound:
    """The recording notice in one language: at most 1.8 s."""
    return said(TEXTS["recording-notice"][language], _VOICES[language], _PACES[language]) + tone(0.1)


def said(text: str, voice: str, pace: int = 170) -> Sound:
    """One sentence. Raises FileNotFoundError or CalledProcessError if espeak-ng or sox is missing or fails."""
    command = ["espeak-ng", "-v", voice, "-s", str(pace), "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True)
    shape = ["-t", "raw", "-r", str(RATE), "-e", "signed", "-b", "16", "-c", "1", "-"]
    trim = ["silence", "1", "0.01", "1%", "reverse"] * 2
    command = ["sox", "-t", "wav", "-", *shape, *trim, "gain", "-n", "-6"]
    made = subprocess.run(command, input=spoken.stdout, capture_output=True, check=True)
    return [sample / 32768 for (sample,) in struct.iter_unpack("<h", made.stdout)]


def prompts() -> dict[str, Sound]:
    return {
        "before-callee": speech("before-callee"),
        # North American ringback: 440 + 480 Hz, 2 s on, 4 s off (ITU-T E.180 Supplement 2).
        "waiting": tone(2.0, 440, 480) + tone(4.0),
        # Special information tone: three rising tones of 330 ms (ITU-T E.180 §7), then the words.
        "callee-unavailable": tone(0.33, 950)
        + tone(0.33, 1400)
        + tone(0.33, 1800)
        + tone(0.3)
        + speech("callee-unavailable"),
        # North American busy tone: 480 + 620 Hz, half a second on and off (ITU-T E.180 Supplement 2), then the words.
        "callee-busy": (tone(0.5, 480, 620) + tone(0.5)) * 3 + speech("callee-busy"),
        # The caller has just heard it ring: a pause, then the words.
        "callee-no-answer": tone(0.3) + speech("callee-no-answer"),
        "recording-notice": notice("en"),
        "zh/recording-notice": notice("zh"),
        # Ours: three short pips, then the words.
        "last-minute": (tone(0.1, 1000) + tone(0.15)) * 3 + speech("last-minute"),
    }


def write(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", round(sample * 32767)) for sample in sound))


if __name__ == "__main__":
    for name, sound in prompts().items():
        write(HERE / f"{name}.wav", sound)
        print(f"{name}.wav  {len(sound) / RATE:.1f} s")

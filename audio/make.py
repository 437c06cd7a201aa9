"""Make the platform's own prompts: 8 kHz, 16-bit, mono WAV, as the network wants them. `python audio/make.py`

They are tones that a telephone user knows without a language: the ringback and the special information tone.
"""

import math
import struct
import wave
from pathlib import Path

RATE = 8000
HERE = Path(__file__).parent
LEVEL = 0.25
_RAMP = RATE // 200
"""5 ms of rise and fall, so that no tone clicks."""

Sound = list[float]


def tone(seconds: float, *hertz: float) -> Sound:
    """Several frequencies at once; none: silence."""
    length = round(seconds * RATE)
    loudness = LEVEL / max(1, len(hertz))
    return [
        min(1.0, i / _RAMP, (length - i) / _RAMP) * loudness * sum(math.sin(math.tau * f * i / RATE) for f in hertz)
        for i in range(length)
    ]


PROMPTS: dict[str, Sound] = {
    # Ours: two soft beeps, then quiet; it repeats until the callee is dialled.
    "connecting": tone(0.12, 660) + tone(0.1) + tone(0.12, 880) + tone(1.66),
    # Ours: one soft rising chime before the callee is dialled, heard once.
    "before-callee": tone(0.18, 523) + tone(0.18, 659) + tone(0.3, 784) + tone(0.34),
    # North American ringback: 440 + 480 Hz, 2 s on, 4 s off (ITU-T E.180 Supplement 2).
    "waiting": tone(2.0, 440, 480) + tone(4.0),
    # Ours: three short pips, as a clock strikes; a minute is left.
    "last-minute": (tone(0.1, 1000) + tone(0.15)) * 3,
    # Special information tone, three rising tones of 330 ms (ITU-T E.180 §7), twice.
    "callee-unavailable": (tone(0.33, 950) + tone(0.33, 1400) + tone(0.33, 1800) + tone(0.5)) * 2,
}


def write(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", round(sample * 32767)) for sample in sound))


if __name__ == "__main__":
    for name, sound in PROMPTS.items():
        write(HERE / f"{name}.wav", sound)

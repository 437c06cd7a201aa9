"""The prompts that a deployment starts with: their names, and how long each is."""

import wave
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from lab.lab import AUDIO
from pstn.lines.phone_state import PhoneCall


def prompt_name(key: str) -> str:
    """The name of a prompt by its S3 key: "waiting" for "prompts/waiting.wav"."""
    return key.rpartition("/")[2].removesuffix(".wav")


@cache
def length_of(key: str) -> timedelta:
    """The length of the prompt with this key; zero for one that is not among ours."""
    file: Path = AUDIO / f"{prompt_name(key)}.wav"
    if not file.is_file():
        return timedelta(0)
    with wave.open(str(file)) as sound:
        return timedelta(seconds=sound.getnframes() / sound.getframerate())


def heard_between(call: PhoneCall, since: datetime, until: datetime) -> timedelta:
    """For how long prompts were played to this phone between two times; they cover the other party's voice."""
    parts = (min(at + length_of(key), until) - max(at, since) for at, key in call.heard)
    return sum((max(part, timedelta(0)) for part in parts), timedelta(0))

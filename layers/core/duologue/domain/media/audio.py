"""The audio settings of a callback request."""

from dataclasses import dataclass, replace
from enum import StrEnum


class AudioListeners(StrEnum):
    """Who hears the prompt before the last minute."""

    CALLER = "caller"
    CALLEE = "callee"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Audio:
    """Names of the app's prompts in a request. None: the platform's own prompt, or none."""

    before_callee: str | None = None
    while_callee_rings: str | None = None
    last_minute: str | None = None
    last_minute_to: AudioListeners = AudioListeners.BOTH
    recording_notice: str | None = None
    call_back: str | None = None
    """Of a return call: instead of the prompt that says why it cannot be connected."""

    def mirrored(self) -> "Audio":
        """The same if the parties change places."""
        return replace(self, last_minute_to=_MIRRORED[self.last_minute_to])


_MIRRORED = {
    AudioListeners.CALLER: AudioListeners.CALLEE,
    AudioListeners.CALLEE: AudioListeners.CALLER,
    AudioListeners.BOTH: AudioListeners.BOTH,
}

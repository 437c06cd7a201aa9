"""One open page: messages to it, in order, and the audio of the call that it is in.

Rule: neither the media thread nor the loop waits for a page. At most `MOST` frames are buffered in each direction;
beyond that the oldest are dropped.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from pstn.lines.sip.audio import FRAME_BYTES

MOST = 25
"""Half a second of audio."""


class PageAudio:
    """The microphone and the speaker of a page in one call, as `Audio` of the media thread."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self.from_microphone: deque[bytes] = deque(maxlen=MOST)
        self.to_speaker: deque[bytes] = deque(maxlen=MOST)

    def read(self, max_bytes: int) -> bytes:
        frames = min(len(self.from_microphone), max_bytes // FRAME_BYTES)
        return b"".join(self.from_microphone.popleft() for _ in range(frames))

    def write(self, pcm: bytes) -> int:
        self.to_speaker.extend(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
        self._wake()
        return len(pcm)


class Page:
    """Runs on one asyncio loop; only its `audio` is shared with the media thread."""

    def __init__(self, number: str, close: Callable[[int, str], object]) -> None:
        """`close(code, reason)` closes the socket."""
        self.number = number
        self.close = close
        self.audio: PageAudio | None = None
        self._loop = asyncio.get_running_loop()
        self._messages: deque[str] = deque()
        self._pending = asyncio.Event()

    def send(self, word: str, **more: Any) -> None:
        self._messages.append(json.dumps({"say": word, **more}))
        self._pending.set()

    def start_audio(self) -> PageAudio:
        self.audio = PageAudio(lambda: self._loop.call_soon_threadsafe(self._pending.set))
        return self.audio

    def stop_audio(self) -> None:
        self.audio = None

    def microphone_frame(self, frame: bytes) -> None:
        """One frame of its microphone; dropped outside a call."""
        if self.audio:
            self.audio.from_microphone.append(frame)

    async def send_all(self, send: Callable[[str | bytes], Awaitable[None]]) -> None:
        """Send what is pending, until cancelled or the socket closes (which `send` raises)."""
        while True:
            await self._pending.wait()
            self._pending.clear()
            while (message := self._next()) is not None:
                await send(message)

    def _next(self) -> str | bytes | None:
        if self._messages:
            return self._messages.popleft()
        return self.audio.to_speaker.popleft() if self.audio and self.audio.to_speaker else None

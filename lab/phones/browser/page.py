"""One open page: what it is told, in order, and the sound of the call that it is in.

Rule: neither the media thread nor the loop waits for a page. What a page is slow to take or to give is kept for
`MOST` frames, and of more the oldest is dropped.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from pstn.lines.sip.audio import FRAME_BYTES

MOST = 25
"""Half a second of sound."""


class Sound:
    """The microphone and the speaker of a page in one call; the media thread's `Audio`."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self.spoken: deque[bytes] = deque(maxlen=MOST)
        self.heard: deque[bytes] = deque(maxlen=MOST)

    def read(self, max_bytes: int) -> bytes:
        frames = min(len(self.spoken), max_bytes // FRAME_BYTES)
        return b"".join(self.spoken.popleft() for _ in range(frames))

    def write(self, pcm: bytes) -> int:
        self.heard.extend(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
        self._wake()
        return len(pcm)


class Page:
    """Lives on one asyncio loop; only its `sound` is shared with the media thread."""

    def __init__(self, number: str, close: Callable[[int, str], object]) -> None:
        """`close`: the socket, with a code and its reason."""
        self.number = number
        self.close = close
        self.sound: Sound | None = None
        self._loop = asyncio.get_running_loop()
        self._words: deque[str] = deque()
        self._news = asyncio.Event()

    def say(self, word: str, **more: Any) -> None:
        self._words.append(json.dumps({"say": word, **more}))
        self._news.set()

    def begin_sound(self) -> Sound:
        self.sound = Sound(lambda: self._loop.call_soon_threadsafe(self._news.set))
        return self.sound

    def end_sound(self) -> None:
        self.sound = None

    def hear(self, frame: bytes) -> None:
        """What its microphone heard; outside a call it is nobody's."""
        if self.sound:
            self.sound.spoken.append(frame)

    async def tell(self, send: Callable[[str | bytes], Awaitable[None]]) -> None:
        """Send all there is to send, until cancelled or the socket closes (which `send` raises)."""
        while True:
            await self._news.wait()
            self._news.clear()
            while (news := self._next()) is not None:
                await send(news)

    def _next(self) -> str | bytes | None:
        if self._words:
            return self._words.popleft()
        return self.sound.heard.popleft() if self.sound and self.sound.heard else None

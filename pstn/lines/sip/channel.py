"""The child's end of the pipe to its parent: one JSON object per line, commands on stdin, events on the original
stdout.

The child exits when its stdin closes, so it never outlives its parent.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Handle = Callable[[dict[str, Any]], Awaitable[None]]
MOST_BYTES = 1 << 20
STATS_EVERY_S = 5.0
"""How often an endpoint reports; also the sign of life that `child.SILENT_S` waits for."""


MOST_LINES, PER_S = 30, 60.0
"""Lines of the log that reach the parent: a stranger's packets must not fill its journal. The child's file has all."""


class _ToParent(logging.Handler):
    """Sends warnings and errors to the parent, which masks and writes them. Each says how many were dropped before."""

    def __init__(self, channel: "Channel") -> None:
        super().__init__(logging.WARNING)
        self._channel = channel
        self._since, self._lines, self._dropped = 0.0, 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now - self._since >= PER_S:
            self._since, self._lines = now, 0
        if self._lines == MOST_LINES:
            self._dropped += 1
            return
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - of any argument's own __str__: whoever logs must not fail by it
            self.handleError(record)
            return
        self._lines += 1
        said = {"event": "log", "level": record.levelno, "logger": record.name, "text": text}
        if record.exc_info and record.exc_info[0]:
            said["error"] = record.exc_info[0].__name__
        self._channel.warn({**said, "dropped": self._dropped} if self._dropped else said)
        self._dropped = 0


class Channel:
    """Create it before anything prints: it keeps stdout for itself and redirects the process's stdout to stderr."""

    def __init__(self) -> None:
        self._out = os.dup(1)
        os.dup2(2, 1)
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        logging.getLogger().addHandler(_ToParent(self))
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event. May be called from any thread; events are written on the loop, one at a time."""
        assert self._loop is not None, "the channel does not serve yet"
        self._loop.call_soon_threadsafe(self._write, json.dumps(event).encode() + b"\n")

    def warn(self, event: dict[str, Any]) -> None:
        """The same for a line of the log; nothing before the channel serves, or after."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self.tell(event)

    async def serve(self, begin: Callable[[], Awaitable[Handle]]) -> None:
        """Call `begin`, then pass each command to the handler in order, until the parent closes the pipe."""
        self._loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MOST_BYTES)
        await self._loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        handle = await begin()
        while line := await reader.readline():
            await handle(json.loads(line))

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._out, line) :]

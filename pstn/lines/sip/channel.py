"""The child's end of the pipe to its parent: one JSON object per line, commands on stdin, events on the original
stdout.

The child exits when its stdin closes, so it never outlives its parent.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Handle = Callable[[dict[str, Any]], Awaitable[None]]
MOST_BYTES = 1 << 20
STATS_EVERY_S = 5.0
"""How often an endpoint reports; also the sign of life that `child.SILENT_S` waits for."""


class Channel:
    """Create it before anything prints: it keeps stdout for itself and redirects the process's stdout to stderr."""

    def __init__(self) -> None:
        self._out = os.dup(1)
        os.dup2(2, 1)
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event. May be called from any thread; events are written on the loop, one at a time."""
        assert self._loop is not None, "the channel does not serve yet"
        self._loop.call_soon_threadsafe(self._write, json.dumps(event).encode() + b"\n")

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

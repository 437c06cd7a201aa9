"""A queue of commands per leg: the commands of one leg run in order, and legs do not wait for one another.

A command may take seconds on a busy machine (the library's thread is blocked while calls end). Commands for an expected
inbound call wait until it arrives.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

Command = dict[str, Any]


class CommandQueue:
    """Runs on one asyncio loop. Each command has its leg in `leg`."""

    def __init__(self, carry_out: Callable[[Command], Awaitable[None]]) -> None:
        self._carry_out = carry_out
        self._waiting: dict[str, deque[Command]] = {}
        self._expected: set[str] = set()
        self._at_work: dict[str, asyncio.Task[None]] = {}

    def give(self, command: Command) -> None:
        leg = command["leg"]
        self._waiting.setdefault(leg, deque()).append(command)
        self._go_on(leg)

    def expect(self, leg: str) -> None:
        """Hold commands for this leg until `arrived`."""
        self._expected.add(leg)

    def arrived(self, leg: str) -> None:
        self._expected.discard(leg)
        self._go_on(leg)

    def forget(self, leg: str) -> None:
        """The call is no longer expected: drop its commands. A call that has arrived keeps them."""
        if leg in self._expected:
            self._expected.discard(leg)
            self._waiting.pop(leg, None)

    def _go_on(self, leg: str) -> None:
        if leg in self._waiting and leg not in self._expected and leg not in self._at_work:
            self._at_work[leg] = asyncio.get_running_loop().create_task(self._work_off(leg))

    async def _work_off(self, leg: str) -> None:
        try:
            while waiting := self._waiting.get(leg):
                await self._carry_out(waiting.popleft())
        finally:
            self._waiting.pop(leg, None)
            del self._at_work[leg]

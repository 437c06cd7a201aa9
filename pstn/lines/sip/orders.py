"""The commands that wait to be carried out: those of one leg in their order, and no leg waits for another.

A command may take seconds on a busy machine (the library's thread stands still while calls end), and the commands of a
call that is expected from outside wait until it arrives.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

Command = dict[str, Any]


class Orders:
    """Lives on one asyncio loop. A command names its leg."""

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
        """Hold back what is to be done from now on."""
        self._expected.add(leg)

    def arrived(self, leg: str) -> None:
        self._expected.discard(leg)
        self._go_on(leg)

    def forget(self, leg: str) -> None:
        """Nobody expects this call any more: what waits for it is dropped. One that arrived keeps its commands."""
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

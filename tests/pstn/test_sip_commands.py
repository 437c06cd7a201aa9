"""Commands to legs: each leg's in their order, and no leg waits for another."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pstn.lines.sip.commands import CommandQueue


class Hands:
    """Notes what is carried out; a command "slow" takes until `let_go`."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.let_go = asyncio.Event()
        self.orders = CommandQueue(self._carry_out)

    async def _carry_out(self, command: dict[str, Any]) -> None:
        if command["do"] == "slow":
            await self.let_go.wait()
        self.done.append(f"{command['leg']} {command['do']}")

    def give(self, *commands: str) -> None:
        for command in commands:
            leg, do = command.split()
            self.orders.give({"leg": leg, "do": do})

    async def pause(self) -> None:
        """Until everything has run that can."""
        for _ in range(10):
            await asyncio.sleep(0)


def played(story: Callable[[Hands], Coroutine[Any, Any, None]]) -> list[str]:
    async def whole() -> list[str]:
        hands = Hands()
        await story(hands)
        await hands.pause()
        return hands.done

    return asyncio.run(whole())


def test_a_leg_whose_command_takes_long_holds_up_no_other():
    async def story(hands: Hands) -> None:
        hands.give("a slow", "a play", "b answer")
        await hands.pause()
        assert hands.done == ["b answer"]
        hands.let_go.set()

    assert played(story) == ["b answer", "a slow", "a play"]


def test_a_call_that_is_expected_gets_its_commands_when_it_arrives():
    async def story(hands: Hands) -> None:
        hands.orders.expect("a")
        hands.give("a play", "a answer")
        await hands.pause()
        assert hands.done == []
        hands.orders.arrived("a")
        hands.give("a press")

    assert played(story) == ["a play", "a answer", "a press"]


def test_what_waits_for_a_call_that_is_forgotten_is_dropped():
    async def story(hands: Hands) -> None:
        hands.orders.expect("a")
        hands.give("a play", "a answer")
        hands.orders.forget("a")
        hands.give("a forget")
        await hands.pause()
        hands.orders.arrived("a")

    assert played(story) == ["a forget"]


def test_one_that_arrived_is_forgotten_in_its_turn():
    async def story(hands: Hands) -> None:
        hands.give("a slow")
        hands.orders.forget("a")
        hands.give("a forget")
        await hands.pause()
        hands.let_go.set()

    assert played(story) == ["a slow", "a forget"]


def test_arriving_twice_or_unexpected_changes_nothing():
    async def story(hands: Hands) -> None:
        hands.orders.arrived("a")
        hands.give("a answer")
        hands.orders.arrived("a")

    assert played(story) == ["a answer"]

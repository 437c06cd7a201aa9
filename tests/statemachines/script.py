"""Plays a state machine by a script: what each of its states meets, attempt by attempt.

played = play(document, {"Ring": ["Lambda.TooManyRequestsException", WAKE], "Talk": SILENCE}, given)
assert played.visited == ["Ring", "Talk", "Give up"]
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from pstn.clocks import JumpingClock
from tests.journeys.asl import TaskFailed
from tests.journeys.flow_player import FlowPlayer
from tests.samples import NOW

OK, WAKE, INTERRUPT, SILENCE = "ok", "wake", "interrupt", "silence"
"""The call returns; its token succeeds after that, or fails with CallStopping, or never comes back."""
EARLY = "early"
"""The token succeeds before the call returns."""

Meets = str | list[str]
"""What a state meets: one of the above, or the name of an error. Of a list the last one stays."""
_RUN = "run"


@dataclass(frozen=True)
class Played:
    """The states entered, the payload of each attempt by its state, and how the execution ended."""

    visited: list[str]
    attempts: list[tuple[str, dict[str, Any]]]
    status: str

    def of(self, state: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.attempts if name == state]


def play(document: dict[str, Any], meets: Mapping[str, Meets], given: dict[str, Any]) -> Played:
    """Run it to its end. What the script does not name goes well: a wait is woken, a call returns."""
    left = {state: list(each) if isinstance(each, list) else [each] for state, each in meets.items()}
    attempts: list[tuple[str, dict[str, Any]]] = []
    clock = JumpingClock(NOW)

    def function(payload: dict[str, Any]) -> dict[str, Any]:
        state, token = player.executions[_RUN].state, payload.get("token", "")
        attempts.append((state, payload))
        script = left.get(state, [WAKE if token else OK])
        meet = script.pop(0) if len(script) > 1 else script[0]
        match meet:
            case "early":
                player.succeed(token)
            case "wake":
                clock.call_later(1, partial(complete, token))
            case "interrupt":
                clock.call_later(1, partial(complete, token, "CallStopping"))
            case "ok" | "silence":
                pass
            case error:
                raise TaskFailed(error)
        return {}

    def complete(token: str, error: str | None = None) -> None:
        if error is None:
            player.succeed(token)
        else:
            player.fail(token, error)

    player = FlowPlayer(document, clock, {"flow": function})
    player.start(_RUN, given)
    clock.run()
    return Played(player.executions[_RUN].entered, attempts, player.executions[_RUN].status)


def ways_out(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Each way from one state to another."""
    ways = set()
    for name, state in document["States"].items():
        outs = [state.get("Next"), *(rule["Next"] for rule in state.get("Catch", []))]
        ways |= {(name, out) for out in outs if out}
    return ways


def ways_taken(visits: Iterable[list[str]]) -> set[tuple[str, str]]:
    """Each step of these courses."""
    return {step for visited in visits for step in pairwise(visited)}

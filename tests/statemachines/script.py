"""Plays a state machine by a script: what each of its states meets, attempt by attempt.

played = play(document, {"Ring": ["Lambda.TooManyRequestsException", WAKE], "Talk": SILENCE}, given)
assert played.visited == ["Ring", "Talk", "Give up"]
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lab.aws.flow import Flow, StateFailed, Task
from lab.aws.invocation import FunctionFailed
from lab.aws.overlay.timing import JumpingClock
from lab.aws.switches import CloudSwitches

OK, WAKE, INTERRUPT, SILENCE = "ok", "wake", "interrupt", "silence"
"""The call returns; its token succeeds after that, or fails with CallStopping, or never comes back."""
EARLY = "early"
"""The token succeeds before the call returns."""

_OF_THE_SERVICE = ("Lambda.", "States.")
Meets = str | list[str]
"""What a state meets: one of the above, or the name of an error. Of a list the last one stays."""


@dataclass(frozen=True)
class Played:
    """The states entered, the tasks done, how the execution ended, and why it failed if it did."""

    visited: list[str]
    tasks: list[Task]
    status: str
    error: str | None

    def of(self, state: str) -> list[Task]:
        return [task for task in self.tasks if task.state == state]


def play(
    document: Mapping[str, Any],
    meets: Mapping[str, Meets],
    given: Any,
    *,
    result: Callable[[Task], Any] = lambda task: {"Payload": {}},
    behaviour: CloudSwitches | None = None,
) -> Played:
    """Run it to its end. What the script does not name goes well: a wait is woken, a call returns `result`."""
    left = {state: list(each) if isinstance(each, list) else [each] for state, each in meets.items()}
    met: dict[str, str] = {}

    def resources(task: Task) -> Any:
        script = left.get(task.state, [WAKE if task.token else OK])
        meet = script.pop(0) if len(script) > 1 else script[0]
        met[task.token or ""] = meet
        if meet == EARLY:
            flow.succeed(task.token or "", {})
        elif meet not in (OK, WAKE, INTERRUPT, SILENCE):
            raise _failure(task, meet)
        return result(task)

    def returned(task: Task) -> None:
        meet, token = met[task.token or ""], task.token or ""
        if meet == WAKE:
            flow.succeed(token, {})
        elif meet == INTERRUPT:
            flow.fail(token, "CallStopping")

    flow = Flow(document, resources, returned=returned, clock=JumpingClock(), behaviour=behaviour)
    run = flow.start(given).finish(30)
    return Played(run.visited, run.tasks, run.status, run.error)


def _failure(task: Task, error: str) -> Exception:
    of_a_function = ":::lambda:invoke" in task.resource and not error.startswith(_OF_THE_SERVICE)
    return FunctionFailed(error) if of_a_function else StateFailed(error)


def ways_out(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Each way from one state to another."""
    ways = set()
    for name, state in document["States"].items():
        outs = [state.get("Next"), state.get("Default")]
        outs += [rule["Next"] for rule in (*state.get("Catch", []), *state.get("Choices", []))]
        ways |= {(name, out) for out in outs if out}
    return ways


def ways_taken(visits: Iterable[list[str]]) -> set[tuple[str, str]]:
    """Each step of these courses."""
    return {step for visited in visits for step in pairwise(visited)}

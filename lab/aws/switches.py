"""What AWS's documents leave open about Step Functions, as one switch each.

A switch says what it changes and what is known; COVERAGE.md prints the same table (`python -m lab.aws.switches` makes
it). An execution keeps the switches that the cloud had when it was started.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Any, Literal

EarlyCompletion = Literal["kept", "at_once", "refused"]
RepeatedInvocation = Literal["none", "in_turn", "together"]
CrashName = Literal["error_type", "unknown"]


def _switch(default: Any, about: str, source: str) -> Any:
    return field(default=default, metadata={"about": about, "source": source})


@dataclass(frozen=True)
class CloudSwitches:
    """One way the cloud may behave."""

    early_completion: EarlyCompletion = _switch(
        "kept",
        "SendTaskSuccess or SendTaskFailure while the call of a `.waitForTaskToken` task still runs (a Lambda function "
        "has not returned). kept: it counts once the call has returned, and is lost if the call fails; at_once: the "
        "task ends, whatever the call does; refused: the answer is TaskTimedOut and the token stays open",
        "the guides say that the task waits for its token after its call, and nothing of one that comes earlier, nor "
        "which error would refuse it. InvalidToken is what a string gets that is no token, so TaskTimedOut (Provided "
        "task does not exist anymore) is the likelier of the two",
    )
    repeated_invocation: RepeatedInvocation = _switch(
        "none",
        "each `lambda:invoke` task invokes its function twice with one payload, so with one token: the second time "
        "after the first has returned, or beside it. The outcome of the second counts",
        "whether the SDK inside Step Functions repeats Invoke after a lost answer is not documented",
    )
    crash_name: CrashName = _switch(
        "error_type",
        "the error of a function that ran out of time or whose process ended. error_type: what Lambda's payload says "
        "(`Sandbox.Timedout`, `Runtime.ExitError`); unknown: `Lambda.Unknown`",
        "the Step Functions guide says Lambda.Unknown; recorded payloads of Lambda have an errorType",
    )


_cloud = CloudSwitches()
_EXECUTION: ContextVar[CloudSwitches | None] = ContextVar("switches_of_the_execution", default=None)


def use(switches: CloudSwitches) -> None:
    """Let executions that start from now on behave so."""
    global _cloud
    _cloud = switches


def keep(switches: CloudSwitches | None = None) -> None:
    """Fix the switches of the execution that this context runs: these, or the cloud's own unless it has some."""
    _EXECUTION.set(switches or current())


def current() -> CloudSwitches:
    """The running execution's switches; outside an execution, the cloud's."""
    return _EXECUTION.get() or _cloud


def table() -> str:
    """The switches as a Markdown table, in the order of the class."""
    rows = ["| Switch | Default | What it changes | What is known |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{each.name}` | {each.default} | {each.metadata['about']} | {each.metadata['source']} |"
        for each in fields(CloudSwitches)
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())

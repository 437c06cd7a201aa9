"""One switch for each behaviour of Step Functions that AWS's documentation leaves open.

A switch says what it changes and what is known. COVERAGE.md has the same table, which `python -m lab.aws.switches`
prints. An execution keeps the switches that the cloud had when it started.
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
    """One possible behaviour of the cloud."""

    early_completion: EarlyCompletion = _switch(
        "kept",
        "SendTaskSuccess or SendTaskFailure while the call of a `.waitForTaskToken` task still runs (a Lambda function "
        "has not returned). kept: it counts once the call has returned, and is lost if the call fails; at_once: the "
        "task ends at once, whatever the call does; refused: the answer is TaskTimedOut and the token stays open",
        "the guides say that the task waits for its token after its call; they do not mention a completion that "
        "arrives earlier, nor an error for it. InvalidToken is for a string that is not a token, so TaskTimedOut "
        "(Provided task does not exist anymore) is the more likely error",
    )
    repeated_invocation: RepeatedInvocation = _switch(
        "none",
        "each `lambda:invoke` task invokes its function twice with the same payload, so with the same token: the "
        "second time after the first has returned, or concurrently. The outcome of the second counts",
        "it is not documented whether the SDK inside Step Functions retries Invoke after a lost response",
    )
    crash_name: CrashName = _switch(
        "error_type",
        "the error of a function that timed out or whose process ended. error_type: what Lambda's payload says "
        "(`Sandbox.Timedout`, `Runtime.ExitError`); unknown: `Lambda.Unknown`",
        "the Step Functions guide says Lambda.Unknown; recorded payloads of Lambda have an errorType",
    )


_cloud = CloudSwitches()
_EXECUTION: ContextVar[CloudSwitches | None] = ContextVar("switches_of_the_execution", default=None)


def use(switches: CloudSwitches) -> None:
    """Set the switches for executions that start from now on."""
    global _cloud
    _cloud = switches


def keep(switches: CloudSwitches | None = None) -> None:
    """Fix the switches of the execution in this context: these, or else the ones it already has, or the cloud's."""
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

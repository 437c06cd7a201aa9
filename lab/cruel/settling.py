"""Lets days pass on the cloud's clock, until no notification, message or call waits any more.

The product keeps its own schedule: ten attempts over 75 hours, put off for up to an hour at a time while an endpoint
does not answer, and the sweeper each minute. The lab shortens it for whoever waits: it jumps to where something is due.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config

from lab.aws.overlay import lambda_process, passing
from lab.lab import Lab

_HOUR = 3600.0
_QUIET_S, _POLL_S = 30.0, 0.05
_FINER = 60, 8
"""By how much steps are shorter in the first half hour, when messages and calls are due; and in the first two hours."""
_SWEEP_S = 180.0
"""Longer than its time-out of 120 s, which does not count its start."""
_EXECUTIONS_S = 100.0
"""Executions wait on this machine's clock; the longest of their short waits are those of *Give up* and *Settle*."""


@dataclass
class Waiting:
    """What is not over. `due`: when something next becomes of each, in seconds of this machine's clock."""

    open_calls: int = 0
    deliveries: int = 0
    messages: int = 0
    due: list[float] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.open_calls or self.deliveries or self.messages)


@dataclass
class Settled:
    """`hours` that passed, in `steps`; `left`: what still waited then."""

    hours: float = 0.0
    steps: int = 0
    sweeps_failed: int = 0
    left: Waiting = field(default_factory=Waiting)


def settle(
    lab: Lab, *, most_hours: float, coarse_s: float, at: Callable[[float], None] = lambda hours: None
) -> Settled:
    """Let up to `most_hours` pass. `at(hours)` is called before each step. `coarse_s`: the steps after two hours."""
    settled = Settled()
    while True:
        _wait_until_quiet()
        settled.left = waiting = what_waits(lab)
        if not waiting.anything or settled.hours >= most_hours:
            break
        at(settled.hours)
        now = time.time()
        soonest = min(waiting.due, default=now) - now
        floor = coarse_s / (_FINER[0] if settled.hours < 0.5 else _FINER[1] if settled.hours < 2 else 1)
        step = min(max(soonest, floor), max(_HOUR, coarse_s))
        lab.cloud.let_pass(step)
        settled.hours += step / _HOUR
        settled.steps += 1
        settled.sweeps_failed += _sweep(lab)
    _wait_for_executions(lab)
    return settled


def what_waits(lab: Lab) -> Waiting:
    """Open calls and deliveries that are in the sweeper's index, and the messages of all queues but dead letters."""
    found = Waiting()
    table, name = lab.client("dynamodb"), lab.outputs["CallsTable"]
    ahead = timedelta(seconds=passing.seconds())
    for page in table.get_paginator("scan").paginate(TableName=name, IndexName="open-calls"):
        for row in page["Items"]:
            is_call = row["item"]["S"] == "CALL"
            found.open_calls += is_call
            found.deliveries += not is_call
            found.due.append((datetime.fromisoformat(row["close_by"]["S"]) - ahead).timestamp())
    messages = passing.messages()
    found.messages, found.due = len(messages), found.due + messages
    return found


def running_executions(lab: Lab) -> list[str]:
    flows = lab.client("stepfunctions")
    listed: dict[str, Any] = flows.list_executions(stateMachineArn=lab.outputs["CallbackFlow"], statusFilter="RUNNING")
    return [str(each["name"]) for each in listed["executions"]]


def _wait_until_quiet() -> None:
    """Until no message can be received and no function is in an invocation, at two looks; not for ever."""
    deadline, quiet = time.monotonic() + _QUIET_S, 0
    while quiet < 2 and time.monotonic() < deadline:
        busy = any(in_use for _, in_use, _ in lambda_process.workers())
        there = any(visible <= time.time() for visible in passing.messages())
        quiet = 0 if busy or there else quiet + 1
        time.sleep(_POLL_S)


def _sweep(lab: Lab) -> bool:
    """Whether it failed: then the next one does its work."""
    patient = Config(read_timeout=_SWEEP_S, retries={"total_max_attempts": 1}, proxies={})
    client = lab.client("lambda", config=patient)
    try:
        return "FunctionError" in client.invoke(FunctionName=lab.resources["SweepFunction"], Payload=b"{}")
    except client.exceptions.TooManyRequestsException:
        return True


def _wait_for_executions(lab: Lab) -> None:
    deadline = time.monotonic() + _EXECUTIONS_S
    while running_executions(lab) and time.monotonic() < deadline:
        time.sleep(1)

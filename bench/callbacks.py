"""The happy path on a lab of its own: both answer, they talk for two seconds, one hangs up. Counted per callback."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.tally import Tally, Writes
from lab.lab import Lab
from lab.sp.account import open_account
from lab.sp.client import SpClient
from lab.sp.receiver import Receiver
from pstn.lines.behaviours import answers
from pstn.lines.phones import Phone

MOST_TRANSITIONS = 12
"""The design's own limit for the happy path."""

_NUMBERS = ("+12025550111", "+12025550122")
_PATIENCE_S = 60.0
_QUIET_S = 1.5
"""How long nothing is written before a callback counts as over: its last notification is recorded after its fee."""


class CallbackFailed(Exception):
    """A callback did not go as the happy path does, so there is nothing to count."""


@dataclass
class Costs:
    """Of `callbacks` callbacks together; `to_dial` is one span each, from the caller's answer to the callee's dial."""

    callbacks: int
    states: list[list[str]] = field(default_factory=list)
    invocations: Counter[str] = field(default_factory=Counter)
    writes: Writes = field(default_factory=Writes)
    to_dial: list[timedelta] = field(default_factory=list)

    @property
    def transitions(self) -> int:
        """The most of any callback."""
        return max(map(len, self.states))


@contextmanager
def _sp(lab: Lab) -> Iterator[tuple[SpClient, Receiver]]:
    account = open_account(lab.cloud.environment, sp="bench", display_numbers=lab.outputs["DisplayNumbers"].split(","))
    receiver = Receiver(account.app_secret)
    client = SpClient(lab.api_url, account)
    if client.log_in().code != "0":
        raise CallbackFailed("the SP could not log in")
    try:
        yield client, receiver
    finally:
        receiver.close()


def count_callbacks(wanted: int, state_dir: Path) -> Costs:
    """Play one callback to warm everything up, then `wanted` more, one after another. Raises CallbackFailed."""
    tally, costs = Tally(), Costs(wanted)
    with Lab(auth=True, state_dir=state_dir) as lab, _sp(lab) as (client, receiver), tally.attached():
        caller, callee = _NUMBERS
        lab.pstn.exchange.phones[caller] = Phone(answers(after=1.0))
        lab.pstn.exchange.phones[callee] = Phone(answers(after=1.0, talks=2.0))
        _play(lab, client, receiver, tally)
        before = _invocations(lab)
        tally.writes = Writes()
        for _ in range(wanted):
            session = _play(lab, client, receiver, tally)
            costs.states.append(_states(lab, session.partition("@")[0]))
            costs.to_dial.append(_to_dial(lab))
        costs.invocations = _invocations(lab) - before
        costs.writes = tally.writes
    return costs


def _play(lab: Lab, client: SpClient, receiver: Receiver, tally: Tally) -> str:
    caller, callee = _NUMBERS
    reply = client.place(
        callerNbr=caller, calleeNbr=callee, status_url=receiver.status_url, fee_url=receiver.fee_url, maxDuration=30
    )
    session = str(reply.body.get("sessionId", ""))
    if reply.status != 200 or not receiver.wait_for_fee(session, _PATIENCE_S):
        raise CallbackFailed(f"status {reply.status}, {reply.body}; told: {len(receiver.about(session))}")
    last = receiver.about(session)[-2:]
    if [push.body.get("statusInfo", {}).get("stateCode", 0) for push in last] != [0, 0]:
        raise CallbackFailed(f"the callback ended otherwise: {last}")
    _until_quiet(lab, tally)
    return session


def _until_quiet(lab: Lab, tally: Tally) -> None:
    """Raises CallbackFailed: something goes on for ever."""
    flows = lab.client("stepfunctions")
    ends, seen, since = time.monotonic() + _PATIENCE_S, -1, time.monotonic()
    while time.monotonic() < ends:
        if tally.writes.seen != seen:
            seen, since = tally.writes.seen, time.monotonic()
        running = flows.list_executions(stateMachineArn=lab.outputs["CallbackFlow"], statusFilter="RUNNING")
        if time.monotonic() - since > _QUIET_S and not running["executions"]:
            return
        time.sleep(0.1)
    raise CallbackFailed("the lab does not come to rest")


def _states(lab: Lab, call_id: str) -> list[str]:
    """The states that one execution entered, in order; each is a transition."""
    machine = lab.outputs["CallbackFlow"].replace(":stateMachine:", ":execution:")
    pages = lab.client("stepfunctions").get_paginator("get_execution_history")
    events = (event for page in pages.paginate(executionArn=f"{machine}:{call_id}") for event in page["events"])
    return [event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered")]


def _invocations(lab: Lab) -> Counter[str]:
    """How often each function was invoked, by its log: one START line an invocation."""
    counted: Counter[str] = Counter()
    logs: Any = lab.client("logs")
    for logical_id, name in lab.resources.items():
        if not logical_id.endswith("Function"):
            continue
        group = f"/aws/lambda/{name}"
        pages = logs.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=group):
                counted[logical_id] += sum(event["message"].startswith("START ") for event in page["events"])
        except logs.exceptions.ResourceNotFoundException:  # it was never invoked
            continue
    return counted


def _to_dial(lab: Lab) -> timedelta:
    caller, callee = (lab.pstn.exchange.phones[number].last for number in _NUMBERS)
    if caller is None or callee is None or caller.answered_at is None:
        raise CallbackFailed("a phone saw no call")
    return callee.called_at - caller.answered_at

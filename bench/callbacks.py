"""The happy path on a lab of its own: both answer, they talk for two seconds, one hangs up. Counted per callback."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.invocations import Invocations, of_function
from bench.meter import Meter, Request
from bench.processes import cpu_seconds
from duologue.domain.accounting.receipt import Receipt
from lab.lab import Lab
from lab.sp.account import open_account
from lab.sp.client import SpClient
from lab.sp.receiver import Notification, Receiver
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone
from tools.template import Function, functions, read_template

SP_ANSWERS_AFTER_S = 0.2
"""How long the SP takes for each notification, which a function waits for."""

_NUMBERS = ("+12025550111", "+12025550122")
_PATIENCE_S = 60.0
_QUIET_S = 1.5
"""How long nothing is asked of AWS before a callback counts as over: its CDR is not the last that happens."""


class CallbackFailed(Exception):
    """A callback did not go as the happy path does, so there is nothing to count."""


@dataclass
class Costs:
    """Of `callbacks` callbacks together; `to_dial` is one span each, from the caller's answer to the callee's dial.

    `requests` and `invocations`: without what a clock starts, which belongs to no callback. `invocations` are by the
    functions' folders, and so is `who` of a request. `keep_days`: how long a call's items are kept.
    """

    callbacks: int
    states: list[list[str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    invocations: dict[str, Invocations] = field(default_factory=dict)
    to_dial: list[timedelta] = field(default_factory=list)
    cpu_seconds: float = 0.0
    keep_days: int = 0
    receipt: Receipt | None = None
    """Of the last callback."""
    polled: frozenset[str] = frozenset()
    """Functions that are fed by a queue."""
    called: frozenset[str] = frozenset()
    """Functions behind the API."""


@contextmanager
def _sp(lab: Lab) -> Iterator[tuple[SpClient, Receiver]]:
    account = open_account(lab.cloud.environment, sp="bench", display_numbers=lab.outputs["DisplayNumbers"].split(","))
    receiver = Receiver(account.app_key, account.app_secret, _after_a_while)
    client = SpClient(lab.api_url, account)
    if client.log_in().code != "0":
        raise CallbackFailed("the SP could not log in")
    try:
        yield client, receiver
    finally:
        receiver.close()


def _after_a_while(notification: Notification) -> int:
    time.sleep(SP_ANSWERS_AFTER_S)
    return 200


def count_callbacks(wanted: int, state_dir: Path) -> Costs:
    """Play one callback to warm everything up, then `wanted` more, one after another. Raises CallbackFailed."""
    meter, costs = Meter(), Costs(wanted)
    counted = [function for function in functions(read_template()) if "Schedule" not in sources(function)]
    costs.polled = frozenset(each.folder for each in counted if "SQS" in sources(each))
    costs.called = frozenset(each.folder for each in counted if "Api" in sources(each))
    with Lab(auth=True, state_dir=state_dir) as lab, _sp(lab) as (client, receiver), meter.attached():
        names = {lab.resources[function.logical_id]: function.folder for function in counted}
        names |= {lab.outputs["CallbackFlow"].rpartition(":")[2]: "the state machine"}
        caller, callee = _NUMBERS
        lab.pstn.exchange.phones[caller] = Phone(answers(after=1.0))
        lab.pstn.exchange.phones[callee] = Phone(answers(after=1.0, talks=2.0))
        _play(lab, client, receiver, meter)
        before, cpu = _invocations(lab, counted), cpu_seconds(os.getpid())
        meter.requests.clear()
        session = ""
        for _ in range(wanted):
            session = _play(lab, client, receiver, meter)
            costs.states.append(_states(lab, session.partition("@")[0]))
            costs.to_dial.append(_to_dial(lab))
        costs.cpu_seconds = cpu_seconds(os.getpid()) - cpu
        after = _invocations(lab, counted)
        seen = meter.of_the_platform()
        costs.requests = [replace(request, who=names[request.who]) for request in seen if request.who in names]
        costs.invocations = {
            name: after[name] - before[name] for name in after if after[name].count > before[name].count
        }
        costs.keep_days = _keep_days(lab, counted)
        costs.receipt = _receipt(lab, session.partition("@")[0])
    return costs


def sources(function: Function) -> set[str]:
    """What invokes it, as the template names it: Api, SQS, Schedule, …"""
    return {str(event["Type"]).removesuffix("V2") for event in function.properties.get("Events", {}).values()}


def _play(lab: Lab, client: SpClient, receiver: Receiver, meter: Meter) -> str:
    caller, callee = _NUMBERS
    reply = client.place(
        callerNbr=caller, calleeNbr=callee, status_url=receiver.status_url, fee_url=receiver.fee_url, maxDuration=30
    )
    session = str(reply.body.get("sessionId", ""))
    if reply.status != 200 or not receiver.wait_for_fee(session, _PATIENCE_S):
        raise CallbackFailed(f"status {reply.status}, {reply.body}; told: {len(receiver.about(session))}")
    last = receiver.about(session)[-2:]
    if [notification.body.get("statusInfo", {}).get("stateCode", 0) for notification in last] != [0, 0]:
        raise CallbackFailed(f"the callback ended otherwise: {last}")
    _until_quiet(lab, meter)
    return session


def _until_quiet(lab: Lab, meter: Meter) -> None:
    """Raises CallbackFailed: something goes on for ever."""
    flows = lab.client("stepfunctions")
    ends, seen, since = time.monotonic() + _PATIENCE_S, -1, time.monotonic()
    while time.monotonic() < ends:
        if len(meter.of_the_platform()) != seen:
            seen, since = len(meter.of_the_platform()), time.monotonic()
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


def _invocations(lab: Lab, counted: list[Function]) -> dict[str, Invocations]:
    return {each.folder: of_function(lab.client, lab.resources[each.logical_id]) for each in counted}


def _keep_days(lab: Lab, counted: list[Function]) -> int:
    """As the functions are told."""
    name = lab.resources[counted[0].logical_id]
    variables: dict[str, Any] = lab.client("lambda").get_function_configuration(FunctionName=name)["Environment"]
    return int(variables["Variables"].get("KEEP_CALLS_DAYS", 0))


def _receipt(lab: Lab, call_id: str) -> Receipt:
    key = {"call": {"S": call_id}, "item": {"S": "CDR"}}
    found = lab.client("dynamodb").get_item(TableName=lab.outputs["CallsTable"], Key=key)
    return Receipt.parse(found["Item"]["receipt"]["S"])


def _to_dial(lab: Lab) -> timedelta:
    caller, callee = (lab.pstn.exchange.phones[number].last for number in _NUMBERS)
    if caller is None or callee is None or caller.answered_at is None:
        raise CallbackFailed("a phone saw no call")
    return callee.called_at - caller.answered_at

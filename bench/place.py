"""How long placing a callback takes, against a handler that only writes the same transaction and starts the execution.

Each runs in a process of its own against one lab, in turn, so that what else the machine does falls on both alike. The
execution is of a machine that does nothing: what follows a placing is not what is timed. The transaction is the one
that the lab saw our handler write.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.aws.layers import built_layer
from lab.aws.ministack import ministack
from lab.aws.runtime import runtime_path
from lab.lab import Lab
from lab.sp.account import open_account
from lab.sp.client import SpClient
from tools.template import ROOT

_EVENT = ROOT / "events" / "callback_api" / "callback_placed.json"
_DRIVER = ROOT / "bench" / "place_driver.py"
_MANY = "1000"
_NOTHING = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
KINDS = ("ours", "bare")


class PlacingFailed(Exception):
    """A handler did not place; the text is its trace."""


@dataclass
class Placing:
    """Milliseconds by kind. `cold`: the first of each process, loading included. `warm`: the others."""

    cold: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    warm: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})


def time_placing(processes: int, rounds: int, state_dir: Path) -> Placing:
    """`processes` of each kind one after another, with `rounds` warm requests each. Raises PlacingFailed."""
    placing = Placing()
    with Lab(auth=True, state_dir=state_dir) as lab:
        orders, environment = _orders(lab, state_dir)
        for number in range(processes + 1):
            with ExitStack() as running:
                pair = {kind: running.enter_context(_process(orders[kind], environment)) for kind in KINDS}
                for kind in KINDS:
                    first = _place(pair[kind])
                    placing.cold[kind] += [first] if number else []  # the first pair brings the files into memory
                for _ in range(rounds if number else 1):
                    for kind in KINDS:
                        placing.warm[kind] += [_place(pair[kind])]
    return placing


def _orders(lab: Lab, state_dir: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What each driver is told, and the environment of both."""
    account = open_account(lab.environment, sp="bench", display_numbers=lab.outputs["DisplayNumbers"].split(","))
    limits = ("--concurrent-calls", "--calls-per-second", "--calls-per-callee-per-day")
    given = [part for limit in limits for part in (limit, _MANY)]
    _operate(lab, "app", "set", account.app_key, *given)
    client = SpClient(lab.api_url, account)
    client.log_in()
    flows = lab.client("stepfunctions")
    role = flows.describe_state_machine(stateMachineArn=lab.outputs["CallbackFlow"])["roleArn"]
    made = flows.create_state_machine(name="bench", definition=json.dumps(_NOTHING), roleArn=role)
    machine = made["stateMachineArn"]
    name = lab.resources["CallbackApiFunction"]
    variables = lab.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    environment = {**variables, **lab.environment, "STATE_MACHINE": machine, "PYTHONDONTWRITEBYTECODE": "1"}
    runtime = str(runtime_path(state_dir))
    layers = [str(built_layer(ROOT / "layers" / each, state_dir / "layers") / "python") for each in _LAYERS]
    event = json.loads(_EVENT.read_text(encoding="utf-8"))
    event["queryStringParameters"] = {"app_key": account.app_key, "access_token": client.access_token}
    path = [str(ROOT / "functions" / "callback_api"), *layers, runtime]
    ours = {"kind": "ours", "path": path, "event": event}
    with _transactions() as seen, _process(ours, environment) as process:
        _place(process)
    execution = flows.list_executions(stateMachineArn=machine)["executions"][0]
    said = flows.describe_execution(executionArn=execution["executionArn"])
    start = {"stateMachineArn": machine, "name": execution["name"], "input": said["input"]}
    bare = {
        "kind": "bare",
        "path": [runtime],
        "call_id": execution["name"],
        "transaction": json.dumps(seen[0]),
        "execution": json.dumps(start),
    }
    return {"ours": ours, "bare": bare}, environment


_LAYERS = ("core", "dependencies")


def _operate(lab: Lab, *arguments: str) -> None:
    command = [sys.executable, "-m", "duologue.operator", "--stack", "duologue", *arguments]
    subprocess.run(command, env={**os.environ, **lab.environment}, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def _transactions() -> Iterator[list[dict[str, Any]]]:
    """The transactions that reach the lab's DynamoDB meanwhile."""
    handlers, seen = ministack("app").SERVICE_HANDLERS, []
    stock = handlers["dynamodb"]

    async def looked_at(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".TransactWriteItems"):
            seen.append({"TransactItems": json.loads(body)["TransactItems"]})
        return await stock(method, path, headers, body, query)

    handlers["dynamodb"] = looked_at
    try:
        yield seen
    finally:
        handlers["dynamodb"] = stock


@contextmanager
def _process(order: dict[str, Any], environment: Mapping[str, str]) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_DRIVER)],
        env={"PATH": os.environ.get("PATH", ""), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _say(process, json.dumps(order))
    try:
        yield process
    finally:
        process.communicate()


def _place(process: "subprocess.Popen[str]") -> float:
    _say(process, "go")
    assert process.stdout
    assert process.stderr
    while (said := process.stdout.readline()).startswith("{"):  # our handler's log
        pass
    if not said:
        raise PlacingFailed(process.stderr.read())
    return float(said)


def _say(process: "subprocess.Popen[str]", what: str) -> None:
    assert process.stdin
    process.stdin.write(what + "\n")
    process.stdin.flush()

"""A corrected cloud with the fixture stack on it, for as long as tests of this folder run.

A process holds one cloud at a time: another folder's tests can start their own only after these.

With LAB_STOCK=1 the cloud is MiniStack alone: every test of an overlay point must then fail.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.aws.cloud import Cloud
from lab.aws.deploy import Deployment, deploy
from lab.aws.edge import Edge
from lab.aws.overlay import alarms, passing
from tests.e2e.waiting import until

TEMPLATE = Path(__file__).parent / "fixture" / "template.yaml"
STOCK = os.environ.get("LAB_STOCK") == "1"


@dataclass
class Answer:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Stack:
    """The fixture stack and what the tests do with it."""

    def __init__(self, cloud: Cloud, deployment: Deployment, edge: Edge, gates: Path) -> None:
        self._gates = gates
        self.cloud, self.outputs, self.resources, self.edge = cloud, deployment.outputs, deployment.resources, edge
        self._lambda, self._sfn, self._logs = (
            cloud.client("lambda"),
            cloud.client("stepfunctions"),
            cloud.client("logs"),
        )
        self.dynamodb, self.sqs = cloud.client("dynamodb"), cloud.client("sqs")

    def invoke(self, event: Any, function: str = "Probe") -> tuple[str | None, Any]:
        """The function error and the payload."""
        reply = self._lambda.invoke(FunctionName=self.resources[function], Payload=json.dumps(event))
        return reply.get("FunctionError"), json.loads(reply["Payload"].read())

    def gate(self, name: str) -> str:
        """A path at which a function waits (`until` of an event, `held <path>` as a record) until `open` is called.

        So a test decides by itself how long an invocation lasts, however busy the machine is.
        """
        path = self._gates / name
        assert not path.exists(), "each test has gates of its own"
        return str(path)

    def reached(self, gate: str) -> None:
        """Return once a function waits at this gate."""
        until(Path(f"{gate}.reached").exists)

    def open(self, gate: str) -> None:
        """Let those go on who wait at this gate, and all who come later."""
        Path(gate).touch()

    @contextmanager
    def configured(self, function: str = "Probe", **configuration: Any) -> Iterator[None]:
        """A function has this configuration in the block, and its own afterwards."""
        name = self.resources[function]
        usual = self._lambda.get_function_configuration(FunctionName=name)
        before = {key: usual[key] for key in configuration}
        if "Environment" in before:
            before["Environment"] = {"Variables": before["Environment"]["Variables"]}
        self._lambda.update_function_configuration(FunctionName=name, **configuration)
        try:
            yield
        finally:
            self._lambda.update_function_configuration(FunctionName=name, **before)

    def state_machine(self, name: str, states: dict[str, Any], role: str | None = None, **more: Any) -> str:
        """A state machine that begins with its first state; its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states, **more}
        role = role or self._sfn.describe_state_machine(stateMachineArn=self.outputs["Flow"])["roleArn"]
        made = self._sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: Any = None, **more: Any) -> str:
        return str(
            self._sfn.start_execution(stateMachineArn=machine, input=json.dumps(given or {}), **more)["executionArn"]
        )

    def ended(self, execution: str) -> dict[str, Any]:
        """The execution when it has ended."""
        return until(lambda: self._if_ended(execution))

    def run(self, machine: str, given: Any = None) -> dict[str, Any]:
        return self.ended(self.start(machine, given))

    def _if_ended(self, execution: str) -> dict[str, Any] | None:
        about: dict[str, Any] = self._sfn.describe_execution(executionArn=execution)
        return about if about["status"] != "RUNNING" else None

    def taken(self, queue: str) -> str | None:
        """The body of the next message of a queue, which is deleted there; None: there is none."""
        for message in self.sqs.receive_message(QueueUrl=queue).get("Messages", []):
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return str(message["Body"])
        return None

    def seen(self, function: str) -> list[str]:
        """What a function said it saw, in order."""
        group = f"/aws/lambda/{self.resources[function]}"
        try:
            pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            events = [event for page in pages for event in page["events"]]
        except self._logs.exceptions.ResourceNotFoundException:
            return []
        lines = [line for event in events for line in event["message"].splitlines()]
        return [line.removeprefix("saw ") for line in lines if line.startswith("saw ")]

    def request(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request to the API's own port; underscores of header names are hyphens."""
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = urllib.request.Request(self.edge.url + path, method=method, data=body, headers=spelled)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, dict(refused.headers), refused.read())


VISIBILITY_S = 600
"""For so long the fixture's queue hides a message that was received."""


@pytest.fixture
def ahead(stack):
    """Lets time pass on the cloud; afterwards it is this machine's again."""
    yield stack.cloud.let_pass
    passing.reset()
    alarms.reset()


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="package")
def cloud(state_dir):
    with Cloud(auth=True, state_dir=state_dir, corrected=not STOCK) as running:
        yield running


@pytest.fixture(scope="package")
def stack(cloud, tmp_path_factory):
    deployment = deploy(cloud, TEMPLATE, stack="fixture")
    edge = Edge(cloud).start(deployment.outputs["ApiId"], "live")
    yield Stack(cloud, deployment, edge, tmp_path_factory.mktemp("gates"))
    edge.stop()

"""A corrected cloud with the fixture stack on it, for as long as tests of this folder run.

A process holds one cloud at a time: another folder's tests can start their own only after these.

With LAB_STOCK=1 the cloud is MiniStack alone: every test of an overlay point must then fail.
"""

import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.aws.cloud import Cloud
from lab.aws.deploy import Deployment, deploy
from lab.aws.edge import Edge

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

    def __init__(self, cloud: Cloud, deployment: Deployment, edge: Edge) -> None:
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

    def ended(self, execution: str, seconds: float = 8.0) -> dict[str, Any]:
        """The execution when it has ended."""
        return until(lambda: self._if_ended(execution), seconds)

    def run(self, machine: str, given: Any = None) -> dict[str, Any]:
        return self.ended(self.start(machine, given))

    def _if_ended(self, execution: str) -> dict[str, Any] | None:
        about: dict[str, Any] = self._sfn.describe_execution(executionArn=execution)
        return about if about["status"] != "RUNNING" else None

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
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, dict(refused.headers), refused.read())


def until(look: Any, seconds: float = 40.0) -> Any:
    """The first true thing that `look` returns.

    The cloud runs on the real clock; this polls it. `seconds` ends a test that hangs: a busy machine stays far below.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="package")
def cloud(state_dir):
    with Cloud(auth=True, state_dir=state_dir, corrected=not STOCK) as running:
        yield running


@pytest.fixture(scope="package")
def stack(cloud):
    deployment = deploy(cloud, TEMPLATE, stack="fixture")
    edge = Edge(cloud).start(deployment.outputs["ApiId"], "live")
    yield Stack(cloud, deployment, edge)
    edge.stop()

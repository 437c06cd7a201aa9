"""What the tests of this folder share: the nodes table, buckets, and a node on scripted phones."""

import dataclasses
import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
import urllib3
from botocore.exceptions import EndpointConnectionError

from pstn.lines import Line
from pstn.lines.behaviours import Behaviour
from pstn.lines.phone_state import Phone
from pstn.lines.virtual import VirtualLine
from pstn.node.metrics import StationStats
from pstn.node.node import Clients, Node
from pstn.node.settings import HostPort, NodeSettings
from pstn.node.signature import sign

NODES, BUCKET, PROMPTS, REGION = "nodes", "recordings", "prompts", "us-east-1"


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def make_table(dynamodb: Any, name: str) -> None:
    """As pstn.yaml makes it."""
    keys = (("kind", "HASH"), ("node", "RANGE"))
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
    )


SECRET = "an-example-secret-of-32-characters"
SHOWN, TO = "+12025550100", "+12025550111"
DISPLAY_NUMBERS = (SHOWN, "+12025550101")
CALLS = "/sip-media-applications/duologue/calls"


class Failing:
    """S3, without what `down` names."""

    def __init__(self, s3: Any, *down: str) -> None:
        self.s3, self.down = s3, set(down)

    def __getattr__(self, name: str) -> Any:
        if name in self.down:
            raise EndpointConnectionError(endpoint_url="https://s3")
        return getattr(self.s3, name)


class Functions:
    """Lambda, as botocore's client of it: answers each event by `script`, and keeps them."""

    def __init__(self, **script: Any) -> None:
        self.script = script
        self.events: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - botocore's names
        event = json.loads(Payload)
        self.events.append(event)
        actions = self.script.get(event["InvocationEventType"], [])
        actions = actions(event) if callable(actions) else actions
        return {"Payload": io.BytesIO(json.dumps({"SchemaVersion": "1.0", "Actions": actions}).encode())}

    @property
    def told(self) -> list[str]:
        return [event["InvocationEventType"] for event in self.events]


class ScriptedFacts:
    """Of scripted phones. `samples`: what each recording has so far; None: they have no audio."""

    def __init__(self, line: Line) -> None:
        self.line, self.room, self.sip_ports = line, 60, (5060,)
        self.samples: bytes | None = None

    def stations(self) -> list[StationStats]:
        return [StationStats("station-0", 1.5, 1000, 2)]

    def recorded_from(self, recording_id: str, offset: int) -> bytes | None:
        return None if self.samples is None else self.samples[offset:]


def settings(tmp_path: Path, **changed: Any) -> NodeSettings:
    """A node with `recordings_bucket`, on free ports of loopback."""
    trunks, arn = tmp_path / "trunks.yaml", f"arn:aws:lambda:{REGION}:111122223333:function:duologue-call-control:live"
    free = HostPort("127.0.0.1", 0)
    whole = NodeSettings(
        trunks, arn, NODES, (SECRET,), free, admin=free, recordings_bucket=BUCKET, spool=tmp_path / "spool", stations=1
    )
    return dataclasses.replace(whole, **changed)


class Running:
    """A node that runs, its main thread included."""

    def __init__(self, given: NodeSettings, functions: Functions) -> None:
        clients = Clients(client("dynamodb"), functions, client("s3"))
        self.node = Node(given, DISPLAY_NUMBERS, clients, VirtualLine, ScriptedFacts)
        self.facts: Any = self.node.facts
        self.codes: list[int] = []
        self._main = threading.Thread(target=lambda: self.codes.append(self.node.run()))
        self.node.start()
        self._main.start()

    def rings(self, number: str, behaviour: Behaviour) -> None:
        self.node.exchange.phones[number] = Phone(behaviour)

    def post(self, path: str, body: dict[str, Any], **signed: Any) -> tuple[int, dict[str, Any]]:
        """A signed request to its API: the status and the answer."""
        return post(self.node.address, path, body, **signed)

    def dial(self, to: str = TO) -> str:
        status, answer = self.post(
            CALLS, {"FromPhoneNumber": SHOWN, "ToPhoneNumber": to, "ArgumentsMap": {"callId": "c"}}
        )
        assert status == 201, answer
        return str(answer["SipMediaApplicationCall"]["TransactionId"])

    def update(self, transaction: str) -> int:
        return self.post(f"{CALLS}/{transaction}", {"Arguments": {"ask": "end"}})[0]

    def get(self, path: str) -> tuple[int, bytes]:
        """From its port for operators."""
        with urllib3.PoolManager(retries=False) as http:
            answer = http.request("GET", f"http://127.0.0.1:{self.node.admin_port}{path}")
        return answer.status, answer.data

    def until(self, true: Callable[[], object]) -> None:
        """Wait for it; fails after a long time."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.01)

    def left(self) -> int:
        """Wait until it has left. Returns its exit code."""
        self._main.join(PATIENCE)
        assert self.codes, "it never left"
        return self.codes[0]

    def close(self) -> None:
        self.node.term()
        self.node.term()
        self.left()


PATIENCE = 20.0


def post(
    address: str,
    path: str,
    body: dict[str, Any],
    *,
    secret: str = SECRET,
    nonce: str | None = None,
    late_s: int = 0,
    **more: Any,
) -> tuple[int, dict[str, Any]]:
    content = json.dumps(body).encode()
    sent_at, nonce = int(time.time()) - late_s, nonce or token_hex(16)
    headers = sign(secret, "POST", address, path, content, time=sent_at, nonce=nonce, **more)
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request("POST", f"http://{address}{path}", body=content, headers=headers)
    return answer.status, json.loads(answer.data or b"{}")

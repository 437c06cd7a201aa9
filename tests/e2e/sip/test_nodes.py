"""Two nodes as processes, over a trunk on loopback and the laptop's AWS: one is killed, the other one drains."""

import http.server
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import wave
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml

from lab.aws.cloud import Cloud
from pstn.node.signature import sign
from pstn.node.table import owner_of
from tests.e2e.sip.trunk_peer import SHOWN, TO, TRUNK, Company
from tests.e2e.sockets import only_on_linux
from tests.e2e.waiting import until
from tests.pstn.node.fixtures import BUCKET, CALLS, NODES, SECRET, make_table
from tests.pstn.scripted import action, hang_up
from tests.telephone_numbers import telephone_numbers_in

ROOT = Path(__file__).parents[3]
DIAL = {"FromPhoneNumber": SHOWN, "ToPhoneNumber": TO}
PART_S, DEAD_S = 1, 15
pytestmark = only_on_linux


class Lambda(http.server.ThreadingHTTPServer):
    """Records the call that is answered, and hangs up when it is updated."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Invocation)
        self.events: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        self.events.append(event)
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        place = {"Type": "S3", "Location": f"{BUCKET}/calls"}
        record = action("StartCallRecording", CallId=leg, Track="BOTH", Destination=place)
        answers = {"CALL_ANSWERED": [record], "CALL_UPDATE_REQUESTED": [hang_up("LEG-A")]}
        return answers.get(event["InvocationEventType"], [])

    def told(self, transaction: str) -> list[str]:
        of_call = (event for event in self.events if event["CallDetails"]["TransactionId"] == transaction)
        return [event["InvocationEventType"] for event in of_call]


class _Invocation(http.server.BaseHTTPRequestHandler):
    server: Lambda

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps({"SchemaVersion": "1.0", "Actions": self.server.answer(event)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *about: Any) -> None: ...


class NodeProcess:
    """`duologue-pstn serve`, ready. `number`: of its interface and ports."""

    def __init__(self, folder: Path, environment: dict[str, str], company: Company, number: int) -> None:
        trunks = folder / f"trunks-{number}.yaml"
        trunk = {"name": "main", "hosts": [f"{TRUNK}:{company.port}"], "display_numbers": [SHOWN]}
        ports = f"{26_400 + 100 * number}-{26_499 + 100 * number}"
        interface = f"127.0.0.{20 + number}"
        trunks.write_text(yaml.safe_dump({"interface": interface, "rtp_ports": ports, "trunks": [trunk]}))
        self.api, self.admin = _free(), _free()
        settings = {
            "TRUNKS": str(trunks),
            "LAMBDA_ARN": "arn:aws:lambda:us-east-1:111122223333:function:duologue-call-control:live",
            "NODES_TABLE": NODES,
            "SECRETS": "NODE_SECRET",
            "API": f"127.0.0.1:{self.api}",
            "ADMIN": f"127.0.0.1:{self.admin}",
            "RECORDINGS_BUCKET": BUCKET,
            "PART_SECONDS": str(PART_S),
            "SPOOL": str(folder / f"spool-{number}"),
            "STATIONS": "1",
        }
        variables = {f"DUOLOGUE_PSTN_{name}": value for name, value in settings.items()}
        self.log = folder / f"node-{number}.log"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pstn", "serve"],
            cwd=ROOT,
            env={**os.environ, **environment, **variables, "NODE_SECRET": SECRET},
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )

    @property
    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz") as answer:
                return answer.status == 200
        except OSError:
            return False

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        content, address = json.dumps(body).encode(), f"127.0.0.1:{self.api}"
        headers = sign(SECRET, "POST", address, path, content, time=int(time.time()), nonce=token_hex(16))
        request = urllib.request.Request(f"http://{address}{path}", content, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, {}

    def dial(self) -> str:
        status, answer = self.post(CALLS, DIAL)
        assert status == 201
        return str(answer["SipMediaApplicationCall"]["TransactionId"])

    def update(self, transaction: str) -> int:
        return self.post(f"{CALLS}/{transaction}", {"Arguments": {"ask": "end"}})[0]

    def stations(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(pid) for each in threads for pid in (each / "children").read_text().split()] or [
            int(pid) for pid in children.split()
        ]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def _free() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


@pytest.fixture
def nodes(tmp_path):
    company, function = Company().open(), Lambda()
    with Cloud(state_dir=tmp_path / "cloud") as cloud:
        make_table(cloud.client("dynamodb"), NODES)
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        endpoint = {"AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{function.server_port}"}
        running = [NodeProcess(tmp_path, {**cloud.environment, **endpoint}, company, number) for number in (1, 2)]
        try:
            until(lambda: all(node.is_ready for node in running))
            yield cloud, company, function, *running
        finally:
            for node in running:
                node.close()
                print(node.log.read_text())
            function.shutdown()
            company.close()


def test_one_node_is_killed_in_mid_call_and_the_other_one_drains(nodes):
    cloud, company, function, one, other = nodes
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")

    def keys(prefix: str) -> list[str]:
        return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def row(transaction: str) -> dict[str, Any]:
        key = {"kind": {"S": "node"}, "node": {"S": owner_of(transaction)}}
        found: dict[str, Any] = dynamodb.get_item(TableName=NODES, Key=key)["Item"]
        return found

    forwarded = one.dial()
    until(lambda: "ACTION_SUCCESSFUL" in function.told(forwarded))
    assert other.update(forwarded) == 202
    until(lambda: "HANGUP" in function.told(forwarded))
    until(lambda: len(keys("calls/")) == 1)

    killed = one.dial()
    until(lambda: len(keys("parts/")) >= 3)
    stations, ended = one.stations(), len(company.got("BYE"))
    assert stations
    one.process.send_signal(signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in stations))
    company.got("BYE", ended + 1)
    assert other.update(killed) == 503, "it may still live"
    until(lambda: time.time() - float(row(killed)["beat_at"]["N"]) > DEAD_S)
    assert other.update(killed) == 404
    until(lambda: len(keys("calls/")) == 2 and not keys("parts/"))
    newest = next(key for key in keys("calls/") if killed in key)
    with wave.open(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=newest)["Body"].read())) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        assert file.getnframes() >= PART_S * 8000, "two parts, the first of which may be short"
    assert row(killed)["adopted"]["BOOL"]

    last = other.dial()
    until(lambda: "ACTION_SUCCESSFUL" in function.told(last))
    other.process.send_signal(signal.SIGTERM)
    until(lambda: row(last)["draining"]["BOOL"])
    assert other.post(CALLS, DIAL)[0] == 429
    assert "HANGUP" not in function.told(last)
    assert other.update(last) == 202
    assert other.process.wait(30) == 0
    assert (row(last)["gone"]["BOOL"], function.told(last)[-1]) == (True, "HANGUP")
    assert not telephone_numbers_in(line for node in (one, other) for line in node.log.read_text().splitlines())
    assert len(keys("calls/")) == 3
    company.got("BYE", ended + 2)

"""An SP's server as a process of its own: it can be killed and started again, and what it has written down is kept.

    python -m lab.cruel.sp_process '{"port": 0, "journal": …, "secret": …, "failing": 0.1, "seed": 1}'

Rule: a notification is in the journal, as one line of JSON, before it is answered. So whatever the platform holds to be
acknowledged is there, wherever the process was killed.

How a notification fails is decided by its id and by how often it has come, so each comes through in the end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from pstn.http_guard import GuardedHandler, LoopbackHttpServer

ACKNOWLEDGED = "acknowledged"
_ANSWERS = {
    ACKNOWLEDGED: (200, b'{"resultcode":"0"}'),
    "not taken": (200, b'{"resultcode":"1"}'),
    "500": (500, b"{}"),
    "503 with Retry-After": (503, b"{}"),
    "429": (429, b"{}"),
    "302": (302, b"{}"),
}
_RAW = {"closed": b"", "too slow": b"", "cut off": b"HTTP/1.1 200", "no HTTP": b"220 sp.example.com ESMTP\r\n"}
"""What is sent instead of an answer, before the connection is closed."""
NO_STATUS = frozenset(_RAW)
"""Outcomes after which the platform knows of no status, as of a request that did not reach the server."""
FAILURES = tuple(sorted({*_ANSWERS, *_RAW} - {ACKNOWLEDGED}))
_LARGEST_BODY = 1024 * 1024
_TOO_SLOW_S = 7.0
"""notify_sp waits for 6 s."""
_READY_S = 60.0


@dataclass(frozen=True)
class Post:
    """One request of the platform. `id`: its `webhook-id`; `outcome`: one of FAILURES, or ACKNOWLEDGED."""

    at: float
    id: str
    sequence: int
    kind: str
    session: str
    signed: bool
    outcome: str

    @property
    def acknowledged(self) -> bool:
        return self.outcome == ACKNOWLEDGED


class SpProcess:
    """The server seen from the lab. It keeps its port and its journal when it is started again."""

    def __init__(self, folder: Path, name: str, secret: str, *, failing: float, seed: int) -> None:
        self.journal = folder / f"{name}.jsonl"
        self.port = _free_port()
        self._options = {"port": self.port, "journal": str(self.journal), "secret": secret}
        self._options |= {"failing": failing, "seed": seed}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def status_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/status"

    @property
    def fee_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fee"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns when it listens. Raises: TimeoutError."""
        self._process = subprocess.Popen([sys.executable, "-m", "lab.cruel.sp_process", json.dumps(self._options)])
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"the SP's server did not start within {_READY_S:.0f} s")

    def kill(self) -> None:
        """SIGKILL. Safe to repeat."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def posts(self) -> list[Post]:
        """What it has written down, in the order of arrival."""
        if not self.journal.exists():
            return []
        lines = self.journal.read_bytes().split(b"\n")
        return [Post(**json.loads(line)) for line in lines[:-1]]  # the last is empty, or was being written at a kill


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class _Server:
    def __init__(self, options: dict[str, Any]) -> None:
        self._webhook = Webhook(options["secret"].encode())
        self._failing, self._seed = float(options["failing"]), options["seed"]
        self._journal = os.open(options["journal"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lock = threading.Lock()
        self._came: dict[str, int] = {}

    def take(self, headers: dict[str, str], content: bytes) -> str:
        """Write it down; returns how it is answered."""
        body = json.loads(content)
        about = body["feeLst"][0] if body["eventType"] == "fee" else body["statusInfo"]
        name = headers["webhook-id"]
        with self._lock:
            number = self._came[name] = self._came.get(name, 0) + 1
            chance = random.Random(f"{self._seed} {name} {number}")  # noqa: S311 - it must be the same each time
            fails = chance.random() < self._failing
            outcome = chance.choice(FAILURES) if fails else ACKNOWLEDGED
            if outcome == "not taken" and body["eventType"] != "fee":
                outcome = "500"  # only the answer to a CDR has a result code
            sequence = int(headers["x-duologue-sequence"])
            signed = self._is_signed(headers, content)
            post = Post(time.time(), name, sequence, body["eventType"], str(about["sessionId"]), signed, outcome)
            os.write(self._journal, json.dumps(asdict(post)).encode() + b"\n")
        return outcome

    def _is_signed(self, headers: dict[str, str], content: bytes) -> bool:
        """Whatever its age: the platform's clock may be days ahead of this machine's."""
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        expected = self._webhook.sign(headers["webhook-id"], at, content.decode())
        return expected in headers["webhook-signature"].split(" ")


def _handler(server: _Server) -> type[BaseHTTPRequestHandler]:
    class Handler(GuardedHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.content(_LARGEST_BODY)
            headers = {name.lower(): value for name, value in self.headers.items()}
            outcome = server.take(headers, content or b"{}")
            if outcome == "too slow":
                time.sleep(_TOO_SLOW_S)
            if outcome in _RAW:
                self.wfile.write(_RAW[outcome])
                self.close_connection = True
            else:
                self._answer(*_ANSWERS[outcome])

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                self.send_header("Retry-After", "2")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the journal has it."""

    return Handler


def _serve(options: dict[str, Any]) -> None:
    http = LoopbackHttpServer(options["port"], _handler(_Server(options)))
    http.begin("sp")
    parent = os.getppid()
    while os.getppid() == parent:  # it ends with the lab, however that ends
        time.sleep(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the lab, which ends this process
    _serve(json.loads(sys.argv[1]))

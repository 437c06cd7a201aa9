"""What the clients in examples/ take of what is posted to them. tests/e2e/lab/test_examples.py runs them in a lab."""

import base64
import json
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
from standardwebhooks import Webhook

from tools.template import ROOT

SECRET = "ExampleSecret0123456789abcd"
_NODE = shutil.which("node")
_PATIENCE_S = 30
RECEIVERS = [
    pytest.param(
        [sys.executable, "-I", "python_token.py"], {"eventType": "fee", "feeLst": [{"sessionId": "s@h"}]}, id="python"
    ),
    pytest.param(
        [str(_NODE), "javascript_token.mjs"],
        {"eventType": "disconnect", "statusInfo": {}},
        id="javascript",
        marks=pytest.mark.skipif(_NODE is None, reason="there is no node on PATH"),
    ),
]
"""A command, and the notification after which it ends."""


class Receiver:
    """A running example. `printed`: the objects that it printed, once it has ended."""

    def __init__(self, url: str) -> None:
        self.url, self.printed = url, list[dict[str, Any]]()

    def post(
        self, notification: dict[str, Any], name: str, *, age_s: int = 0, secret: str = SECRET, changed: bool = False
    ) -> int:
        """The status of its answer to a notification with this id, signed `age_s` seconds ago."""
        body, at = json.dumps(notification), datetime.now(UTC) - timedelta(seconds=age_s)
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret.encode()).sign(name, at, body),
        }
        sent = urllib.request.Request(self.url, (body + " " * changed).encode(), headers)
        try:
            with urllib.request.urlopen(sent, timeout=_PATIENCE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code


@contextmanager
def running(command: list[str]) -> Iterator[Receiver]:
    """An example that has placed a callback with a platform that answers "Success" to everything."""
    urls = Queue[str]()

    class Platform(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "click2Call" in self.path:
                urls.put(base64.b64decode(json.loads(body)["statusUrl"]).decode())
            fields = {"resultcode": "0", "resultdesc": "Success", "access_token": "token-1", "sessionId": "s@h"}
            answer = json.dumps(fields).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Silent."""

    platform = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    threading.Thread(target=platform.serve_forever, args=(0.02,), daemon=True).start()
    account = {"APP_KEY": "app-1", "APP_SECRET": SECRET, "SP_USERNAME": "jack", "SP_PASSWORD": "p"}
    numbers = {"CALLER": "+12025550111", "CALLEE": "+12025550122"}
    environment = {"API": f"http://127.0.0.1:{platform.server_address[1]}", **account, **numbers}
    example = subprocess.Popen(command, cwd=ROOT / "examples", env=environment, stdout=subprocess.PIPE, text=True)
    try:
        receiver = Receiver(urls.get(timeout=_PATIENCE_S))
        yield receiver
        printed, _ = example.communicate(timeout=_PATIENCE_S)
        assert example.returncode == 0
        receiver.printed += map(json.loads, printed.splitlines())
    finally:
        example.kill()
        example.communicate()
        platform.shutdown()
        platform.server_close()


@pytest.mark.parametrize(("command", "last"), RECEIVERS)
def test_it_takes_a_notification_once_and_none_that_is_old_or_signed_by_others(command, last):
    """An attempt that comes again is answered as the first one was, so that the platform ends its attempts."""
    step = {"eventType": "callout", "statusInfo": {"called": "+12025550111"}}
    with running(command) as receiver:
        refused = ({"age_s": 400}, {"age_s": -400}, {"secret": SECRET.lower()}, {"changed": True})
        assert [receiver.post(step, "call-2", **more) for more in refused] == [403] * 4
        assert [receiver.post(step, "call-2", age_s=age_s) for age_s in (200, 0)] == [200] * 2
        assert receiver.post(last, "call-4") == 200
    events = [each["event"] for each in receiver.printed if "event" in each]
    assert [event for event in events if event == "callout"] == ["callout"]

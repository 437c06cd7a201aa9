"""One SP of a laboratory: it logs in, asks for callbacks, and takes what it is told, over HTTP alone."""

import base64
import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

LOG_IN = "/rest/fastlogin/v1.0"
CLICK2CALL = "/rest/httpsessions/click2Call/v2.0"
_TAKEN = b'{"resultcode":"0","resultdesc":"Success"}'
_TIMEOUT_S = 20


class NotPlaced(Exception):
    """The platform refused, or did not answer as its API says."""


class Placed(NamedTuple):
    """One request; the times are those of `time.time`."""

    session: str
    sent_at: float
    answered_at: float


class Sp:
    """Until `close`. `account`: what the operator's commands printed."""

    def __init__(self, api_url: str, account: dict[str, str], display_numbers: tuple[str, str]) -> None:
        self._api = urlsplit(api_url)
        self._account, self._shown = account, display_numbers
        self._token = ""
        self._changed = threading.Condition()
        self._accounted: set[str] = set()
        self._told: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer((self._api.hostname or "", 0), self._handler())
        self._server.daemon_threads = True
        self._url = f"http://{self._api.hostname}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="sp", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def log_in(self) -> None:
        """Raises: NotPlaced, OSError."""
        query = {"app_key": self._account["app_key"], "username": self._account["username"]}
        said, _, _ = self._post(LOG_IN, query, b"", {"Authorization": self._account["password"]})
        if "access_token" not in said:
            raise NotPlaced(f"log-in: {said}")
        self._token = said["access_token"]

    def place(self, caller: str, callee: str) -> Placed:
        """Raises: NotPlaced, OSError."""
        body = {
            "callerNbr": caller,
            "calleeNbr": callee,
            "displayNbr": self._shown[0],
            "displayCalleeNbr": self._shown[1],
            "statusUrl": base64.b64encode(f"{self._url}/status".encode()).decode(),
            "feeUrl": base64.b64encode(f"{self._url}/fee".encode()).decode(),
        }
        query = {"app_key": self._account["app_key"], "access_token": self._token}
        kind = {"Content-Type": "application/json;charset=UTF-8"}
        said, sent, answered = self._post(CLICK2CALL, query, json.dumps(body).encode(), kind)
        if "sessionId" not in said:
            raise NotPlaced(f"callback: {said}")
        return Placed(str(said["sessionId"]), sent, answered)

    def wait_for_cdr(self, session: str, seconds: float) -> bool:
        """Whether it came in this time."""
        with self._changed:
            return self._changed.wait_for(lambda: session in self._accounted, seconds)

    def told_of(self, session: str) -> list[dict[str, Any]]:
        """What it was told of a call, for a person who asks what went wrong."""
        return [body for body in list(self._told) if session in json.dumps(body)]

    def _post(
        self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]
    ) -> tuple[dict[str, Any], float, float]:
        line = http.client.HTTPConnection(self._api.netloc, timeout=_TIMEOUT_S)
        line.connect()
        try:
            sent = time.time()
            line.request("POST", f"{path}?{urlencode(query)}", body, headers)
            content = line.getresponse().read()
            answered = time.time()
        finally:
            line.close()
        try:
            said = json.loads(content)
        except ValueError:
            said = {"body": content.decode("utf-8", "replace")}
        return said, sent, answered

    def _take(self, body: dict[str, Any]) -> None:
        with self._changed:
            self._told.append(body)
            self._accounted |= {str(cdr["sessionId"]) for cdr in body.get("feeLst", [])}
            self._changed.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sp = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sp._take(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0)))))
                self.send_response(200)
                self.send_header("Content-Length", str(len(_TAKEN)))
                self.end_headers()
                self.wfile.write(_TAKEN)

            def log_message(self, format: str, *args: object) -> None:
                """The terminal belongs to the figures."""

        return Handler

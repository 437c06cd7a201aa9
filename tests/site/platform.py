"""A platform for the site's own tests: it answers as it is told to, and signs with the product's own signature."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from duologue.wire.huawei.digests import AUTHORIZATION, push_digest, username_token
from lab.sp.client import CALL_STOP, CLICK2CALL, LOG_IN, LOOK_UP, RECORD, REFRESH, Account, Reply, SpClient

SECRET = "secret-of-the-app"
ACCOUNT = Account("key-1", SECRET, "institute", "password-1")
START = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
SESSION = "1_2_3_20261123090000@duologue.example.com"
CALLER, CALLEE = "+12025550111", "+12025550122"


class Clock:
    """A clock that stands until it is moved, and does then what was put off."""

    def __init__(self) -> None:
        self.at = START
        self.waiting: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self.at

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        self.waiting.append((self.at + timedelta(seconds=seconds), work))

    def move(self, seconds: float) -> None:
        until = self.at + timedelta(seconds=seconds)
        while due := sorted((each for each in self.waiting if each[0] <= until), key=lambda each: each[0]):
            self.waiting.remove(due[0])
            self.at = max(self.at, due[0][0])
            due[0][1]()
        self.at = until


class Platform(SpClient):
    """The client, answering its requests itself. `answers[path]` overrules what it says; `asked` is what was asked."""

    def __init__(self, link: str = "") -> None:
        super().__init__("http://127.0.0.1:9", ACCOUNT)
        self.link = link
        self.asked: list[tuple[str, dict]] = []
        self.answers: dict[str, Callable[[], Reply]] = {}
        self.sessions = 0
        self.log_ins = 0

    def send(self, path, query, body=b"", headers=None, method="POST") -> Reply:
        fields = json.loads(body) if body[:1] == b"{" else {}
        self.asked.append((path, {**query, **fields, "headers": headers or {}}))
        kind = LOOK_UP if path.startswith(LOOK_UP) else path
        if kind in self.answers:
            return self.answers[kind]()
        return {
            LOG_IN: self._tokens,
            REFRESH: self._tokens,
            CLICK2CALL: self._placed,
            CALL_STOP: lambda: said("0"),
            RECORD: lambda: Reply(301, {}, {"Location": self.link}),
            LOOK_UP: lambda: said("1020152", 403),
        }[kind]()

    def of(self, path: str) -> list[dict]:
        """What was asked at this path."""
        return [fields for asked, fields in self.asked if asked == path]

    def _tokens(self) -> Reply:
        self.log_ins += 1
        token = f"token-{self.log_ins}"
        return said("0", access_token=token, refresh_token=f"re-{token}", expires_in="172800")

    def _placed(self) -> Reply:
        self.sessions += 1
        return said("0", sessionId=SESSION if self.sessions == 1 else SESSION.replace("1_", f"{self.sessions}_", 1))


def said(code: str, status: int = 200, text: str = "", **fields: str) -> Reply:
    return Reply(status, {"resultcode": code, "resultdesc": text, **fields})


def fails(error: Exception) -> Callable[[], Reply]:
    def answer() -> Reply:
        raise error

    return answer


_NONCES = map("n{}".format, count())


def signed(url: str, secret: str = SECRET, at: datetime = START) -> dict[str, str]:
    """The headers of a notification, by their names in lower case, with a nonce of its own."""
    created, nonce = f"{at:%Y-%m-%dT%H:%M:%SZ}", next(_NONCES)
    token = username_token(ACCOUNT.app_key, push_digest(secret, url, nonce, created), nonce, created)
    return {"authorization": AUTHORIZATION, "x-aksk": token}


def status(kind: str, called: str, second: int, session: str = SESSION, **more: object) -> dict:
    at = f"{START + timedelta(seconds=second):%Y-%m-%d %H:%M:%S}"
    return {
        "eventType": kind,
        "statusInfo": {"timestamp": at, "sessionId": session, "caller": "", "called": called} | more,
    }


def fee(session: str = SESSION, **more: object) -> dict:
    record = {
        "sessionId": session,
        "icid": "CDR-1",
        "callerNum": "+12025550100",
        "calleeNum": CALLER,
        "fwdDisplayNum": "+12025550101",
        "fwdDstNum": CALLEE,
        "callOutStartTime": "2026-11-23 09:00:01",
        "callOutAnswerTime": "2026-11-23 09:00:03",
        "fwdStartTime": "2026-11-23 09:00:03",
        "fwdAnswerTime": "2026-11-23 09:00:06",
        "callEndTime": "2026-11-23 09:00:26",
        "callOutUnaswRsn": 0,
        "fwdUnaswRsn": 0,
        "ulFailReason": 0,
        "sipStatusCode": 0,
        "recordFlag": 0,
    }
    return {"eventType": "fee", "feeLst": [record | more]}


RECORDED: dict[str, Any] = {"recordFlag": 1, "recordObjectName": "1_2_3.wav", "recordDomain": "duologue.example.com"}
RECORDED |= {"recordStartTime": "2026-11-23 09:00:16", "recordFileDownloadUrl": "http://127.0.0.1:9/r/secret/1_2_3.wav"}

TALK = (
    status("callout", CALLER, 1),
    status("alerting", CALLER, 1),
    status("answer", CALLER, 3),
    status("callout", CALLEE, 3),
    status("answer", CALLEE, 6),
    status("disconnect", CALLER, 26, stateCode=0, stateDesc="over", partyType="called"),
)

BACK = SESSION.replace("1_", "9_", 1)
SHOWN = "+12025550101"
RETURN_CALL = (
    status("callin", SHOWN, 60, BACK, caller=CALLEE),
    status("callout", CALLER, 60, BACK, caller=SHOWN),
    status("answer", CALLER, 64, BACK, caller=SHOWN),
    status("disconnect", CALLER, 76, BACK, caller=SHOWN, stateCode=0, stateDesc="over", partyType="caller"),
)
"""The contact dials the display number, and reaches the person at the page."""
RETURN_FEE: dict[str, Any] = {
    "direction": 1,
    "callerNum": CALLEE,
    "calleeNum": SHOWN,
    "fwdDisplayNum": SHOWN,
    "fwdDstNum": CALLER,
    "callInTime": "2026-11-23 09:01:00",
    "fwdStartTime": "2026-11-23 09:01:00",
    "fwdAnswerTime": "2026-11-23 09:01:04",
    "callEndTime": "2026-11-23 09:01:16",
}


class Storage:
    """Where a recording lies: a link that moves on to the bytes, or to a part of them."""

    def __init__(self, sound: bytes) -> None:
        self.sound, self.expired = sound, False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        storage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/round":
                    return self.answer(302, b"", Location="/round")
                if self.path.startswith("/r/"):
                    gone = storage.expired and self.path == "/r/old"
                    return self.answer(404, b"{}") if gone else self.answer(302, b"", Location="/sound?signature=x")
                part = self.headers.get("Range")
                if part is None:
                    return self.answer(200, storage.sound, **{"Content-Type": "audio/wav"})
                first, _, last = part.removeprefix("bytes=").partition("-")
                end = int(last) + 1 if last else len(storage.sound)
                cut = f"bytes {first}-{end - 1}/{len(storage.sound)}"
                return self.answer(206, storage.sound[int(first) : end], **{"Content-Range": cut})

            def answer(self, code: int, body: bytes, **headers: str) -> None:
                self.send_response(code)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        return Handler

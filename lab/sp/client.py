"""An SP's client: log in, refresh, place a callback, stop it. Plain HTTP and JSON, without the platform's code."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

LOG_IN = "/rest/fastlogin/v1.0"
REFRESH = "/omp/oauth/refresh"
LOG_OUT = "/rest/logout/v1.0"
CLICK2CALL = "/rest/httpsessions/click2Call/v2.0"
SANDBOX_CLICK2CALL = "/sandbox/rest/httpsessions/click2Call/v2.0"
CALL_STOP = "/rest/httpsessions/callStop/v2.0"
LOOK_UP = "/duologue/v1/callbacks/"
NOTIFICATION_URLS = "/duologue/v1/notification-urls"
CALL_MEMORIES = "/duologue/v1/call-memories"
RECORD = "/rest/provision/voice/record/v1.0"
TIMEOUT_S = 60


@dataclass(frozen=True)
class Reply:
    """One response of the platform. `body` is empty if it was not JSON."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return str(self.body.get("resultcode", ""))


@dataclass(frozen=True)
class Account:
    """What the operator gave the SP."""

    app_key: str
    app_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)


class SpClient:
    """One SP's server. Keeps its tokens between requests, as a real one does."""

    def __init__(self, api_url: str, account: Account) -> None:
        self._api_url = api_url
        self.account = account
        self.access_token = ""
        self.refresh_token = ""

    def log_in(self) -> Reply:
        """Trusted-SP simple authorization: the Authorization header is the plain password."""
        query = {"app_key": self.account.app_key, "username": self.account.username}
        return self._keep(self.send(LOG_IN, query, headers={"Authorization": self.account.password}))

    def refresh(self) -> Reply:
        form = {
            "app_key": self.account.app_key,
            "app_secret": self.account.app_secret,
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._keep(self.send(REFRESH, {}, urlencode(form).encode(), kind))

    def log_out(self) -> Reply:
        return self.send(LOG_OUT, self._credentials())

    def place(
        self,
        *,
        status_url: str | None = None,
        fee_url: str | None = None,
        idempotency_key: str | None = None,
        sandbox: bool = False,
        **fields: Any,
    ) -> Reply:
        """`fields` are named as in the API. The URLs are passed as they are and sent as Base64."""
        urls = {"statusUrl": status_url, "feeUrl": fee_url}
        encoded = {name: base64.b64encode(url.encode()).decode() for name, url in urls.items() if url is not None}
        marked = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self.post_json(SANDBOX_CLICK2CALL if sandbox else CLICK2CALL, {**fields, **encoded}, marked)

    def stop(self, session_id: str) -> Reply:
        return self.post_json(CALL_STOP, {"sessionid": session_id, "signal": "call_stop"})

    def look_up(self, session_id: str) -> Reply:
        """The platform's record of a call, with times to the millisecond."""
        return self.send(LOOK_UP + quote(session_id), self._credentials(), method="GET")

    def record(self, name: str, domain: str) -> Reply:
        """301 with a link to the recording; `name` and `domain` are from the CDR."""
        return self.send(RECORD, {"fileName": name, "recordDomain": domain, **self._credentials()}, method="GET")

    def memory(self, display: str, callee: str) -> Reply:
        """Who is rung when `callee` dials `display`."""
        return self.send(CALL_MEMORIES, self._of_pair(display, callee), method="GET")

    def repoint(self, display: str, callee: str, caller: str, version: int) -> Reply:
        """Let `caller` be rung instead. `version`: of the memory that was read."""
        fields = {"displayNbr": display, "calleeNbr": callee, "callerNbr": caller, "version": version}
        return self.send(CALL_MEMORIES, self._credentials(), json.dumps(fields).encode(), method="PUT")

    def forget(self, display: str, callee: str, version: int) -> Reply:
        return self.send(CALL_MEMORIES, {**self._of_pair(display, callee), "version": str(version)}, method="DELETE")

    def set_notification_urls(self, status_url: str, fee_url: str) -> Reply:
        """Where notifications go for requests that name no URLs."""
        body = json.dumps({"statusUrl": status_url, "feeUrl": fee_url}).encode()
        return self.send(NOTIFICATION_URLS, self._credentials(), body, method="PUT")

    def post_json(self, path: str, body: object, headers: Mapping[str, str] = MappingProxyType({})) -> Reply:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {"Content-Type": "application/json;charset=UTF-8"}
        return self.send(path, self._credentials(), content, {**kind, **headers})

    def send(
        self,
        path: str,
        query: dict[str, str],
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        method: str = "POST",
    ) -> Reply:
        """One request on a connection of its own, as the platform's clients do."""
        line = connection(self._api_url)
        try:
            line.request(method, f"{path}?{urlencode(query)}", body, headers or {})
            response = line.getresponse()
            content = response.read()
            try:
                answer = json.loads(content)
            except ValueError:
                answer = {}
            return Reply(response.status, answer, dict(response.getheaders()))
        finally:
            line.close()

    def _credentials(self) -> dict[str, str]:
        return {"app_key": self.account.app_key, "access_token": self.access_token}

    def _of_pair(self, display: str, callee: str) -> dict[str, str]:
        return {"displayNbr": display, "calleeNbr": callee, **self._credentials()}

    def _keep(self, reply: Reply) -> Reply:
        self.access_token = reply.body.get("access_token", self.access_token)
        self.refresh_token = reply.body.get("refresh_token", self.refresh_token)
        return reply


def connection(url: str) -> http.client.HTTPConnection:
    """A connection, not opened yet, to the server of a URL."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.netloc, timeout=TIMEOUT_S)

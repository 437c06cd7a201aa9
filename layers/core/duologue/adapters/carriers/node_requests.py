"""Signed requests to the nodes' API: JSON over HTTP, in the nodes' private network.

http.client rather than the SDK: a dial waits for neither its service's model nor the SDK's retries, and each request
must go to one node's address.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import always_outside
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.outside import Clock

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_FORBIDDEN = 403
_KEPT = timedelta(minutes=5)
"""How long a secret is used before it is fetched again. Nodes accept the one before for longer than that."""


class NotReached(Exception):
    """No connection, so the request never left. The text is a class name."""


class NotAnswered(Exception):
    """The connection broke, or the answer took too long: the request may have been executed. The text as above."""


class NodeRefused(Exception):
    """The node answered with an error."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class NodeSecret:
    """The secret of the nodes' API, from Secrets Manager: the version AWSCURRENT."""

    def __init__(self, client: "SecretsManagerClient", secret_id: str, clock: Clock) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._fetched: tuple[datetime, str] | None = None

    def value(self) -> str:
        """Raises OutsideUnavailable: it cannot be fetched, and never was."""
        now, fetched = self._clock.now(), self._fetched
        if fetched is not None and now - fetched[0] < _KEPT:
            return fetched[1]
        try:
            return self.renewed()
        except OutsideUnavailable:
            if fetched is None:
                raise
            return fetched[1]

    def renewed(self) -> str:
        """Fetch it now."""
        with always_outside("secret of the nodes"):
            value = self._client.get_secret_value(SecretId=self._secret_id)["SecretString"]
        self._fetched = self._clock.now(), value
        return value


class NodeRequests:
    """`connect_s`, `answer_s`: how long a connection, and then the answer, may take. No connection is kept."""

    def __init__(self, secret: NodeSecret, clock: Clock, connect_s: float, answer_s: float) -> None:
        self._secret = secret
        self._clock = clock
        self._connect_s = connect_s
        self._answer_s = answer_s

    def post(self, address: str, path: str, body: Mapping[str, Any]) -> None:
        """Send one request to the node at `address`.

        A refused signature is no execution, so the request is sent again if the secret has been changed meanwhile.

        Raises:
            NotReached, NotAnswered, NodeRefused.
            OutsideUnavailable: there is no secret to sign with.
        """
        content, secret = json.dumps(body).encode(), self._secret.value()
        try:
            self._send(secret, address, path, content)
        except NodeRefused as refusal:
            if refusal.status != _FORBIDDEN or (renewed := self._secret.renewed()) == secret:
                raise
            self._send(renewed, address, path, content)

    def _send(self, secret: str, address: str, path: str, content: bytes) -> None:
        time, nonce = int(self._clock.now().timestamp()), secrets.token_hex(16)
        headers = signed(secret, "POST", address, path, content, time=time, nonce=nonce)
        connection = HTTPConnection(address, timeout=self._connect_s)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise NotReached(type(error).__name__) from None
            connection.sock.settimeout(self._answer_s)
            try:
                connection.request(
                    "POST", path, content, headers | {"Content-Type": "application/json", "Connection": "close"}
                )
                response = connection.getresponse()
            except (OSError, HTTPException) as error:
                raise NotAnswered(type(error).__name__) from None
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise NodeRefused(_code(response), response.status)


def signed(
    secret: str, method: str, address: str, path: str, content: bytes, *, time: int, nonce: str
) -> dict[str, str]:
    """The headers that prove a request to a node. `time`: unix seconds; `nonce`: 32 hex digits, never used before."""
    lines = ["duologue-node-v1", str(time), nonce, method, address, path, hashlib.sha256(content).hexdigest()]
    code = hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    return {"X-Duologue-Time": str(time), "X-Duologue-Nonce": nonce, "X-Duologue-Signature": f"v1={code}"}


def _code(response: HTTPResponse) -> str:
    """The error's name; if the answer has none, its status."""
    name = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    return name if name.isidentifier() else f"HTTP{response.status}"

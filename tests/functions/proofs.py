"""How an SP proves a request, in each generation of the wire; written from its pages, with nothing of the product's."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

_NONCES = count()


@dataclass(frozen=True)
class Signed:
    """The parts of a digest's two headers; None leaves one out, and is not what a test of an empty value wants."""

    header: str
    scheme: str
    digest: Callable[[str, str, str], str]
    username: str | None
    secret: str
    created: str | None
    nonce: str | None = ""
    realm: str | None = "SDP"
    profile: str | None = "UsernameToken"
    type: str | None = "Appkey"
    word: str = "UsernameToken "
    separator: str = ","
    given_digest: str | None = None
    has_digest: bool = True
    has_authorization: bool = True
    has_header: bool = True

    def but(self, **other: Any) -> "Signed":
        return replace(self, **other)

    @property
    def headers(self) -> dict[str, str]:
        nonce = f"n{next(_NONCES):031d}" if self.nonce == "" else self.nonce
        digest = self.given_digest or self.digest(self.secret, nonce or "", self.created or "")
        token = {
            "Username": self.username,
            "PasswordDigest": digest if self.has_digest else None,
            "Nonce": nonce,
            "Created": self.created,
        }
        kind = {"realm": self.realm, "profile": self.profile, "type": self.type}
        headers = {}
        if self.has_authorization:
            headers["Authorization"] = f"{self.scheme} {self._attributes(kind)}".strip()
        if self.has_header:
            headers[self.header] = self.word + self._attributes(token)
        return headers

    def _attributes(self, values: Mapping[str, str | None]) -> str:
        return self.separator.join(f'{name}="{value}"' for name, value in values.items() if value is not None)


def aksk(app_key: str, secret: str, created: str) -> Signed:
    return Signed("X-AKSK", "AKSK", _hmac_sha256, app_key, secret, created)


def wsse_hex(app_key: str, secret: str, created: str) -> Signed:
    return Signed("X-WSSE", "WSSE", _sha256_hex, app_key, secret, created)


def wsse_raw(app_key: str, secret: str, created: str) -> Signed:
    return Signed("X-WSSE", "WSSE", _sha256_raw, app_key, secret, created)


GENERATIONS = {"aksk": aksk, "wsse-hex": wsse_hex, "wsse-raw": wsse_raw}


def written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def proven(event: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """An event of a sample without its token, with these headers."""
    query = {
        name: value
        for name, value in (event["queryStringParameters"] or {}).items()
        if name not in ("app_key", "access_token")
    }
    return event | {"queryStringParameters": query or None, "headers": {**event["headers"], **headers}}


def with_token(event: dict[str, Any], app_key: str, token: str) -> dict[str, Any]:
    query = {**(event["queryStringParameters"] or {}), "app_key": app_key, "access_token": token}
    return event | {"queryStringParameters": query}


def _hmac_sha256(secret: str, nonce: str, created: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), (nonce + created).encode(), hashlib.sha256).digest()).decode()


def _sha256_hex(secret: str, nonce: str, created: str) -> str:
    return base64.b64encode(hashlib.sha256((nonce + created + secret).encode()).hexdigest().encode()).decode()


def _sha256_raw(secret: str, nonce: str, created: str) -> str:
    return base64.b64encode(hashlib.sha256((nonce + created + secret).encode()).digest()).decode()

"""Answers to a digest challenge: RFC 8760 (MD5 and SHA-256 in SIP), RFC 7616, and RFC 2069 where there is no qop."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.request import parse_http_list, parse_keqv_list

from pstn.sip_messages import Response

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_CHALLENGE, _ANSWER = (
    {401: "www-authenticate", 407: "proxy-authenticate"},
    {401: "authorization", 407: "proxy-authorization"},
)


@dataclass(frozen=True)
class Challenge:
    """`parameters`: of the header, with names in lower case and values without quotation marks."""

    status: int
    parameters: Mapping[str, str]

    @property
    def realm(self) -> str:
        return self.parameters.get("realm", "")

    @property
    def algorithm(self) -> str:
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def is_stale(self) -> bool:
        """The credentials were right, the nonce too old."""
        return self.parameters.get("stale", "").lower() == "true"

    def answer(self, user: str, secret: str, method: str, uri: str) -> tuple[str, str]:
        """The header for the same request once more. Raises: KeyError, the algorithm is not one of HASHES."""
        algorithm = HASHES[self.algorithm]

        def hashed(text: str) -> str:
            return algorithm(text.encode(), usedforsecurity=False).hexdigest()

        nonce, count, client_nonce = self.parameters.get("nonce", ""), "00000001", secrets.token_hex(8)
        ha1, ha2 = hashed(f"{user}:{self.realm}:{secret}"), hashed(f"{method}:{uri}")
        quoted = {"username": user, "realm": self.realm, "nonce": nonce, "uri": uri}
        bare = {"algorithm": self.algorithm}
        if "auth" in self.parameters.get("qop", "").replace(" ", "").split(","):
            quoted["cnonce"], bare["qop"], bare["nc"] = client_nonce, "auth", count
            quoted["response"] = hashed(f"{ha1}:{nonce}:{count}:{client_nonce}:auth:{ha2}")
        else:
            quoted["response"] = hashed(f"{ha1}:{nonce}:{ha2}")
        if "opaque" in self.parameters:
            quoted["opaque"] = self.parameters["opaque"]
        written = [f'{name}="{value}"' for name, value in quoted.items()] + [f"{name}={bare[name]}" for name in bare]
        return _ANSWER[self.status], f"Digest {', '.join(written)}"


def challenges(response: Response) -> list[Challenge]:
    """Those of a 401 or 407, in the order in which the trunk prefers them; empty for any other response."""
    return list(_challenges(response))


def _challenges(response: Response) -> Iterator[Challenge]:
    wanted = _CHALLENGE.get(response.status)
    for name, value in response.headers:
        scheme, _, rest = value.partition(" ")
        if name == wanted and scheme.lower() == "digest":
            pairs = parse_keqv_list([each for each in parse_http_list(rest) if "=" in each])
            yield Challenge(response.status, {key.lower(): text for key, text in pairs.items()})

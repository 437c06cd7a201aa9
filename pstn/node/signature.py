"""The keyed signature of requests to a node's API.

Headers of every request:

    X-Duologue-Time: <unix seconds, integer>
    X-Duologue-Nonce: <32 lower-case hex digits, random>
    X-Duologue-Signature: v1=<lower-case hex HMAC-SHA256(secret, text)>
    X-Duologue-Forwarded: <node id>        only where a node passes a request on to the call's owner

    text = "duologue-node-v1" LF time LF nonce LF METHOD LF address LF path LF hex SHA-256 of the body [LF node id]

`address` is the receiving node's, as its row in the nodes table has it ("10.0.1.5:8443"): without it, a dial recorded
on its way to one node could be replayed to another one, which does not know its nonce, and would ring a second time.
`path` is the request's target as sent, percent-encoding and query included. The secret's bytes are its UTF-8.

A request is accepted within `WINDOW_S` of its time, once per nonce, and under any of the receiver's secrets: while one
is exchanged for another, both are valid. One from before the receiver's start is refused, since the process before it
may have carried it out: nonces are in memory.

tests/pstn/node/test_signature.py has values to check an implementation by.
"""

import hashlib
import hmac
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

TIME, NONCE = "X-Duologue-Time", "X-Duologue-Nonce"
SIGNATURE, FORWARDED = "X-Duologue-Signature", "X-Duologue-Forwarded"
WINDOW_S = 60
BEFORE = "The request is from before this node's start: send a new one"
LEAST_SECRET = 32
"""Characters of a secret."""
_TIME, _NONCE = re.compile("[0-9]{1,12}"), re.compile("[0-9a-f]{32}")
_SIGNATURE, _NODE = re.compile("v1=([0-9a-f]{64})"), re.compile("[0-9a-f]{8}")


def sign(
    secret: str,
    method: str,
    address: str,
    path: str,
    body: bytes,
    *,
    time: int,
    nonce: str,
    forwarded_by: str | None = None,
) -> dict[str, str]:
    """The headers of one request. `forwarded_by`: the id of the node that passes it on."""
    code = _code(secret, time, nonce, method, address, path, body, forwarded_by)
    headers = {TIME: str(time), NONCE: nonce, SIGNATURE: f"v1={code}"}
    return headers if forwarded_by is None else {**headers, FORWARDED: forwarded_by}


class Verifier:
    """Checks what one node receives. Safe to use from several threads.

    Args:
        secrets: those that are valid now, one or two.
        address: this node's, as in its row.
        now: unix seconds.
        since: the start of this process, in unix seconds.
    """

    def __init__(self, secrets: Sequence[str], address: str, now: Callable[[], float], since: float = 0.0) -> None:
        self._secrets, self._address, self._now, self._since = tuple(secrets), address, now, int(since)
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._oldest: deque[tuple[float, str]] = deque()

    def refusal(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Why a request is refused, for a 403 (BEFORE: 429); None: it is accepted, and its nonce is used up.

        `headers`: names in lower case. A text here says which check failed, and nothing of what was expected.
        """
        time, nonce = headers.get(TIME.lower(), ""), headers.get(NONCE.lower(), "")
        given = _SIGNATURE.fullmatch(headers.get(SIGNATURE.lower(), ""))
        forwarded = headers.get(FORWARDED.lower())
        if not (_TIME.fullmatch(time) and _NONCE.fullmatch(nonce) and given):
            return "The request is not signed"
        if forwarded is not None and not _NODE.fullmatch(forwarded):
            return f"{FORWARDED} is not the id of a node"
        codes = [
            _code(secret, int(time), nonce, method, self._address, path, body, forwarded) for secret in self._secrets
        ]
        # Every secret is tried, so that the time taken does not say which one matched.
        if not any([hmac.compare_digest(code, given[1]) for code in codes]):
            return "The signature does not match"
        if abs(self._now() - int(time)) > WINDOW_S:
            return f"The request is more than {WINDOW_S} s old or ahead: compare the clocks"
        if int(time) < self._since:
            return BEFORE
        return None if self._is_new(nonce, int(time)) else "The request was received before"

    def _is_new(self, nonce: str, time: int) -> bool:
        """Only nonces of accepted requests are kept, each until its request would be too old anyway."""
        with self._lock:
            while self._oldest and self._oldest[0][0] < self._now():
                self._seen.discard(self._oldest.popleft()[1])
            if nonce in self._seen:
                return False
            self._seen.add(nonce)
            # In the order of arrival, so one may be kept up to a window longer than it must.
            self._oldest.append((self._now() + 2 * WINDOW_S, nonce))
            return True


def faults(secrets: Iterable[str]) -> list[str]:
    """What is wrong with a node's secrets, without showing one."""
    given = tuple(secrets)
    found = [] if 1 <= len(given) <= 2 else [f"{len(given)} secrets: one, or two while they are exchanged"]
    if any(len(secret) < LEAST_SECRET for secret in given):
        found.append(f"a secret has fewer than {LEAST_SECRET} characters")
    return found


def _code(
    secret: str, time: int, nonce: str, method: str, address: str, path: str, body: bytes, forwarded_by: str | None
) -> str:
    lines = ["duologue-node-v1", str(time), nonce, method, address, path, hashlib.sha256(body).hexdigest()]
    lines += [] if forwarded_by is None else [forwarded_by]
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()

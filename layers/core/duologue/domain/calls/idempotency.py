"""Idempotency keys of requests to place a callback, after draft-ietf-httpapi-idempotency-key-header.

A key is stored only with the call that it led to: a refused request stores none and may be sent again, changed or not.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

KEPT = timedelta(hours=24)
"""From the acceptance of the call; after that the key is unused again."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`name`: hash of the SP's key. `request`: fingerprint of the request that it came with.

    Neither reveals what was sent: keys may contain order numbers, requests contain telephone numbers.
    """

    name: str
    request: str

    @classmethod
    def of(cls, key: str, request: bytes) -> "IdempotencyKey":
        """The fingerprint is an HMAC with the key, so a request cannot be guessed from it without the key."""
        name = hashlib.sha256(key.encode()).hexdigest()
        return cls(name, hmac.new(key.encode(), request, hashlib.sha256).hexdigest())

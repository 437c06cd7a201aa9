"""A request that its SP marked as one and the same, however often it comes.

After draft-ietf-httpapi-idempotency-key-header. The mark is remembered with the call that it led to, and only with
that: a request that was refused leaves no mark, and may be sent again, changed or not.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

KEPT = timedelta(hours=24)
"""From the acceptance of the call; after that the mark is as good as new."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`name`: hash of what the SP sent as the key. `request`: fingerprint of the request that it came with.

    Neither tells what was sent: the key may hold an SP's own order numbers, a request holds telephone numbers.
    """

    name: str
    request: str

    @classmethod
    def of(cls, key: str, request: bytes) -> "IdempotencyKey":
        """The fingerprint is keyed with the key itself: to guess a request by it, one must know the key as well."""
        name = hashlib.sha256(key.encode()).hexdigest()
        return cls(name, hmac.new(key.encode(), request, hashlib.sha256).hexdigest())

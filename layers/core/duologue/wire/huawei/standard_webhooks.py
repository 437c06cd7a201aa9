"""The headers of Standard Webhooks (https://www.standardwebhooks.com), which every notification has besides its digest.

They sign the id, the time and the body, so unlike the digest they cover what is said. The key is the app's secret, as
UTF-8; during a rotation each valid secret makes a signature of its own.

Invariant: such a signature authenticates no request. What it signs ends with a body, in JSON, and what an AKSK digest
signs ends with a time.
"""

from collections.abc import Iterable
from datetime import datetime

from standardwebhooks import Webhook

SEQUENCE = "X-Duologue-Sequence"
"""Our own: the number of the fact within its call, from 1."""


def message_id(call_id: str, sequence: int) -> str:
    """The same for every attempt, so that a receiver can tell repeats."""
    return f"{call_id}-{sequence}"


def standard_headers(call_id: str, sequence: int, secrets: Iterable[str], at: datetime, body: str) -> dict[str, str]:
    """`at`: of the attempt, in UTC."""
    name = message_id(call_id, sequence)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret.encode()).sign(name, at, body) for secret in secrets),
        SEQUENCE: str(sequence),
    }

"""The header `Idempotency-Key`, our addition to the format.

Requests are the same if their paths are, and if their bodies are the same JSON in any layout.
"""

import re
from collections.abc import Mapping

from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.errors import InvalidField
from duologue.wire.huawei.json_body import JsonBody

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[ -~]{1,128}")


def read_key(headers: Mapping[str, str], route: str, body: JsonBody) -> IdempotencyKey | None:
    """The key of a request; None: it has none. Header names are in lower case.

    Raises:
        InvalidField: the key is not 1 to 128 printable ASCII characters.
    """
    text = headers.get(HEADER.lower())
    if text is None:
        return None
    if not _KEY.fullmatch(text):
        raise InvalidField(HEADER, "must have 1 to 128 printable ASCII characters")
    return IdempotencyKey.of(text, route.encode() + b"\n" + body.canonical)

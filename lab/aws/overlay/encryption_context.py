"""The encryption context of a KMS request is known to the policies that allow it.

AWS: `kms:EncryptionContext:<key>` has the value of that key, `kms:EncryptionContextKeys` the names of all.
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html

MiniStack: neither exists, so a statement with a condition on them allows nothing.
"""

from __future__ import annotations

import json
from typing import Any

from lab.aws.ministack import ministack


def apply() -> None:
    """Add the keys to those that MiniStack takes from the request."""
    actions = ministack("core.iam_actions")
    stock = actions.request_tag_context

    def request_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = stock(service, iam_action, body, params)
        return found | (_of_kms(body) if service == "kms" else {})

    actions.request_tag_context = request_context


def _of_kms(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    context = said.get("EncryptionContext") if isinstance(said, dict) else None
    if not isinstance(context, dict) or not context:
        return {}
    keys = {f"kms:encryptioncontext:{name}".lower(): str(value) for name, value in context.items()}
    return keys | {"kms:encryptioncontextkeys": list(context)}

"""What EventBridge says of an object that was created in S3.

Source of the shape: the S3 user guide, "EventBridge event message structure". Unlike S3's own notifications it gives
the key as it is, not URL-encoded.
"""

from typing import Any


def key_of_created(event: dict[str, Any]) -> str:
    return str(event["detail"]["object"]["key"])

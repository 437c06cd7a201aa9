"""The answer to a CloudFormation custom-resource request: one PUT to the URL that came with it.

Source of the shape: the CloudFormation user guide, "Custom resource response objects".
"""

import json
from dataclasses import dataclass, field
from typing import Any

import urllib3

NOT_MADE = "none"
"""The physical id of what could not be made; CloudFormation deletes it by this when it rolls back."""


@dataclass(frozen=True, slots=True)
class ResourceResult:
    """`physical_id` must stay the same from create to delete, or CloudFormation deletes the old one."""

    physical_id: str
    attributes: dict[str, str] = field(default_factory=dict)
    failed: str | None = None


def reply(event: dict[str, Any], outcome: ResourceResult) -> None:
    """Tell CloudFormation. Raises urllib3's errors: then it waits until its own time-out."""
    body = {
        "Status": "SUCCESS" if outcome.failed is None else "FAILED",
        "Reason": outcome.failed or "",
        "PhysicalResourceId": outcome.physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": outcome.attributes,
    }
    # The signature of the URL covers an empty content type.
    headers = {"Content-Type": ""}
    urllib3.request("PUT", event["ResponseURL"], body=json.dumps(body).encode(), headers=headers, timeout=10)

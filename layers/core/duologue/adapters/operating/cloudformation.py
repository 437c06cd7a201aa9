"""The response to a CloudFormation custom-resource request: one PUT to the request's URL.

Source of the shape: the CloudFormation user guide, "Custom resource response objects".
"""

import json
from dataclasses import dataclass, field
from typing import Any

import urllib3

NOT_MADE = "none"
"""The physical id of a resource that was not created; a rollback deletes it by this id."""


@dataclass(frozen=True, slots=True)
class ResourceResult:
    """`physical_id` must not change between create and delete, or CloudFormation deletes the old one."""

    physical_id: str
    attributes: dict[str, str] = field(default_factory=dict)
    failed: str | None = None


def reply(event: dict[str, Any], outcome: ResourceResult) -> None:
    """Send the response. Raises urllib3's errors; CloudFormation then waits until its time-out."""
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
    # Of a pool: urllib3 1, which Lambda's boto3 may bring, has no request() of its own.
    pool = urllib3.PoolManager()
    pool.request("PUT", event["ResponseURL"], body=json.dumps(body).encode(), headers=headers, timeout=10)

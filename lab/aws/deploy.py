"""Deploys template.yaml: packages it, creates or updates the stack through CloudFormation, waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lab.aws.cloud import Cloud
from lab.aws.package import Packager, key_of, read

BUCKET = "lab-packages"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_SECONDS = 0.05


class DeployError(Exception):
    """The stack could not be deployed; the message has the resources and CloudFormation's reasons."""


@dataclass(frozen=True)
class Deployment:
    """A deployed stack.

    Attributes:
        outputs: the template's outputs by name.
        resources: physical ids by logical ids, including those that the SAM transform added.
    """

    stack: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]


def deploy(
    cloud: Cloud,
    template: Path,
    *,
    stack: str = "duologue",
    parameters: Mapping[str, str] | None = None,
    cache: Path | None = None,
    seconds: float = 180.0,
) -> Deployment:
    """Create or update the stack.

    Args:
        parameters: values for the template's parameters; the others keep their defaults.
        cache: directory for built layers; by default in the cloud's state directory.
        seconds: time-out.

    Raises:
        DeployError: CloudFormation failed, or took too long.
        LayerError: a layer could not be built.
    """
    s3, cloudformation = cloud.client("s3"), cloud.client("cloudformation")
    _ensure_bucket(s3)

    def upload(suffix: str, content: bytes) -> str:
        key = key_of(suffix, content)
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return key

    packager = Packager(template.parent, cache or cloud.state_dir / "layers", BUCKET, upload)
    body = json.dumps(packager.package(read(template))).encode()
    request = {
        "StackName": stack,
        "TemplateURL": f"{cloud.url}/{BUCKET}/{upload('.template', body)}",
        "Capabilities": _CAPABILITIES,
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in sorted((parameters or {}).items())
        ],
    }
    if _start(cloudformation, request):
        _wait(cloudformation, stack, time.monotonic() + seconds)
    return _described(cloudformation, stack)


def _ensure_bucket(s3: Any) -> None:
    try:
        s3.head_bucket(Bucket=BUCKET)
    except ClientError:
        s3.create_bucket(Bucket=BUCKET)


def _start(cloudformation: Any, request: dict[str, Any]) -> bool:
    """Create or update; False if there is nothing to do."""
    try:
        cloudformation.describe_stacks(StackName=request["StackName"])
        is_new = False
    except ClientError:
        is_new = True
    try:
        if is_new:
            cloudformation.create_stack(**request, DisableRollback=True)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise DeployError(str(error)) from error
    return True


def _wait(cloudformation: Any, stack: str, deadline: float) -> None:
    while True:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return
        if status.endswith(("_FAILED", "ROLLBACK_COMPLETE")):
            raise DeployError(f"{stack}: {status}\n" + "\n".join(_reasons(cloudformation, stack)))
        if time.monotonic() > deadline:
            raise DeployError(f"{stack}: still {status}\n" + "\n".join(_reasons(cloudformation, stack)))
        time.sleep(_POLL_SECONDS)


def _reasons(cloudformation: Any, stack: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"  {event.get('LogicalResourceId')} ({event.get('ResourceType')}): {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event.get("ResourceStatusReason") and event["ResourceStatus"].endswith("FAILED")
    ]


def _described(cloudformation: Any, stack: str) -> Deployment:
    about = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in about.get("Outputs", [])}
    resources: dict[str, str] = {}
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            resources[resource["LogicalResourceId"]] = resource.get("PhysicalResourceId", "")
    return Deployment(stack, outputs, resources)

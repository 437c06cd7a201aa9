"""What CloudFormation does with resources, where MiniStack's ignores it.

AWS: `ReservedConcurrentExecutions` limits a function; a custom resource whose function fails without a response fails
only after the resource's ServiceTimeout (an hour by default).
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html

AWS: a function's code and its configuration, with its layers, are updated one after the other. A bucket that has
objects is not deleted: the stack is DELETE_FAILED.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html

AWS: a saved query (AWS::Logs::QueryDefinition) shows in the console. MiniStack does not know the type; here it is made,
and no service reads it.

MiniStack: updates a function at once, deletes a bucket with its objects, ignores ReservedConcurrentExecutions in a
template, and waits like AWS for a failed custom resource. The lab
fails at once instead, with the function's error as the reason, because an hour's wait is of no use here.
"""

from __future__ import annotations

import uuid
from typing import Any

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import timing

_FUNCTION = "AWS::Lambda::Function"
_RESPONSE_PATH = "/_ministack/cfn-response/"


def _with_concurrency(stock: Any, place: int) -> Any:
    """Wraps a handler whose `place`-th argument is the resource's properties and whose result begins with its id."""

    def provision(*args: Any, **more: Any) -> Any:
        result = stock(*args, **more)
        limit = args[place].get("ReservedConcurrentExecutions")
        svc = ministack("services.lambda_svc")
        if limit is None:
            svc._delete_function_concurrency(result[0])
        else:
            svc._put_function_concurrency(result[0], {"ReservedConcurrentExecutions": int(limit)})
        return result

    return provision


def _in_two_steps(stock: Any) -> Any:
    """Wraps the update of a function: its new code comes first, its layers and the rest after a pause."""

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any, **named: Any) -> Any:
        pause = switches.cloud().update_pause_s
        between = {**old, "Code": new.get("Code"), "Handler": new.get("Handler")}
        if pause and old.get("Code") != new.get("Code") and between != new:
            stock(physical_id, old, between, *more, **named)
            PLAN.count("update_pause_s")
            timing.paused(pause)
            old = between
        return stock(physical_id, old, new, *more, **named)

    return update


def _pausing(stock: Any) -> Any:
    """Wraps the choice of what is updated beside the server's loop, which a pause must not hold up."""

    def beside(resource_type: str) -> bool:
        return bool(stock(resource_type) or (resource_type == _FUNCTION and switches.cloud().update_pause_s))

    return beside


def _if_empty(stock: Any) -> Any:
    """Wraps the deletion of a bucket."""

    def delete(bucket: str, properties: dict[str, Any]) -> Any:
        found = ministack("services.s3")._buckets.get(bucket)
        if switches.cloud().full_buckets == "stay" and found and found.get("objects"):
            raise ValueError("The bucket you tried to delete is not empty (Service: S3, Status Code: 409)")
        return stock(bucket, properties)

    return delete


def _saved_query(logical_id: str, properties: dict[str, Any], *_: Any) -> tuple[str, dict[str, Any]]:
    """Its physical id is AWS's id of the query, a UUID. Raises ValueError: a property is missing."""
    if missing := {"Name", "QueryString"} - properties.keys():
        raise ValueError(f"{logical_id} lacks {', '.join(sorted(missing))}")
    return str(uuid.uuid4()), {}


def _answering(stock: Any) -> Any:
    """Wraps an invocation: if a custom resource's function fails, the response is FAILED."""

    def execute(function: Any, event: Any) -> Any:
        result = stock(function, event)
        url = event.get("ResponseURL", "") if isinstance(event, dict) else ""
        if result.get("error") and _RESPONSE_PATH in url:
            error = result.get("body") or {}
            reason = f"{error.get('errorType')}: {error.get('errorMessage')}" if isinstance(error, dict) else str(error)
            custom = ministack("services.cloudformation.custom_resource")
            custom.deliver_response(url.rsplit("/", 1)[-1], {"Status": "FAILED", "Reason": reason})
        return result

    return execute


def apply() -> None:
    """Update functions and delete buckets as AWS does; let a failed custom resource fail at once."""
    every = ministack("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    handlers = every[_FUNCTION]
    handlers["create"] = _with_concurrency(handlers["create"], 1)
    handlers["update"] = _in_two_steps(_with_concurrency(handlers["update"], 2))
    every["AWS::Logs::QueryDefinition"] = {"create": _saved_query, "delete": lambda *_: None}
    every["AWS::S3::Bucket"]["delete"] = _if_empty(every["AWS::S3::Bucket"]["delete"])
    stacks = ministack("services.cloudformation.stacks")
    stacks._runs_on_worker_thread = _pausing(stacks._runs_on_worker_thread)
    svc = ministack("services.lambda_svc")
    svc._execute_function_with_config_scope = _answering(svc._execute_function_with_config_scope)

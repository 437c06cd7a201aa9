"""Properties of resources that MiniStack's CloudFormation ignores.

AWS: `ReservedConcurrentExecutions` limits a function; a custom resource whose function fails without a response fails
only after the resource's ServiceTimeout (an hour by default).
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html

MiniStack: ignores ReservedConcurrentExecutions in a template, and waits like AWS for a failed custom resource. The lab
fails at once instead, with the function's error as the reason, because an hour's wait is of no use here.
"""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack

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
    """Apply a function's reserved concurrency; let a failed custom resource fail at once."""
    handlers = ministack("services.cloudformation.provisioners")._RESOURCE_HANDLERS[_FUNCTION]
    handlers["create"] = _with_concurrency(handlers["create"], 1)
    handlers["update"] = _with_concurrency(handlers["update"], 2)
    svc = ministack("services.lambda_svc")
    svc._execute_function_with_config_scope = _answering(svc._execute_function_with_config_scope)

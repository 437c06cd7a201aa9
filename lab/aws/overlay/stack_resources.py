"""What MiniStack's CloudFormation leaves out of a resource.

AWS: `ReservedConcurrentExecutions` limits a function; a custom resource whose function fails without answering fails
only after the resource's ServiceTimeout (an hour by default).
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html

MiniStack: drops ReservedConcurrentExecutions of a template; for a failed custom resource it waits like AWS. The lab
fails at once instead, with the function's own error as the reason, since an hour helps nobody here.
"""

from __future__ import annotations

from typing import Any

from lab.aws.engine import part

_FUNCTION = "AWS::Lambda::Function"
_RESPONSE_PATH = "/_ministack/cfn-response/"


def _with_concurrency(stock: Any, place: int) -> Any:
    """Around a handler whose `place`-th argument is the resource's properties and whose result starts with its id."""

    def provision(*args: Any, **more: Any) -> Any:
        result = stock(*args, **more)
        limit = args[place].get("ReservedConcurrentExecutions")
        svc = part("services.lambda_svc")
        if limit is None:
            svc._delete_function_concurrency(result[0])
        else:
            svc._put_function_concurrency(result[0], {"ReservedConcurrentExecutions": int(limit)})
        return result

    return provision


def _answering(stock: Any) -> Any:
    """Around an invocation: a custom resource's function that fails has answered FAILED."""

    def execute(function: Any, event: Any) -> Any:
        result = stock(function, event)
        url = event.get("ResponseURL", "") if isinstance(event, dict) else ""
        if result.get("error") and _RESPONSE_PATH in url:
            told = result.get("body") or {}
            reason = f"{told.get('errorType')}: {told.get('errorMessage')}" if isinstance(told, dict) else str(told)
            custom = part("services.cloudformation.custom_resource")
            custom.deliver_response(url.rsplit("/", 1)[-1], {"Status": "FAILED", "Reason": reason})
        return result

    return execute


def apply() -> None:
    """Keep a function's concurrency; let a failed custom resource fail at once."""
    handlers = part("services.cloudformation.provisioners")._RESOURCE_HANDLERS[_FUNCTION]
    handlers["create"] = _with_concurrency(handlers["create"], 1)
    handlers["update"] = _with_concurrency(handlers["update"], 2)
    svc = part("services.lambda_svc")
    svc._execute_function_with_config_scope = _answering(svc._execute_function_with_config_scope)

"""Invoking a function as another AWS service does: its resource policy decides."""

from __future__ import annotations

from typing import Any

from lab.aws.engine import part


class InvocationRefused(Exception):
    """There is no such function, its policy does not let the service in, or it is throttled."""


class FunctionFailed(Exception):
    """The function raised, died or ran out of time.

    Attributes:
        kind: AWS's `errorType`.
        message: its `errorMessage`.
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


def invoke(arn: str, event: dict[str, Any], *, principal: str, account: str, region: str) -> Any:
    """What the function returns. Blocks; from any thread but the cloud's own.

    Args:
        principal: the service that invokes, for example `voiceconnector.chime.amazonaws.com`.

    Raises:
        InvocationRefused, FunctionFailed
    """
    svc, responses = part("services.lambda_svc"), part("core.responses")
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    function, config, name = svc._get_func_record_for_ref(arn)
    if function is None or config is None:
        raise InvocationRefused(f"There is no function {name}")
    if not permitted(function.get("policy") or {}, principal, account):
        raise InvocationRefused(f"The policy of {name} does not allow {principal} to invoke it")
    result = svc._execute_function_with_config_scope(svc._execution_record_for_config(function, config), event)
    if result.get("throttle"):
        raise InvocationRefused(f"{name} is throttled")
    if result.get("error"):
        told = result["body"]
        raise FunctionFailed(str(told.get("errorType")), str(told.get("errorMessage")))
    return result.get("body")


def permitted(policy: dict[str, Any], principal: str, account: str) -> bool:
    """Whether a function's resource policy lets a service of this account invoke it."""
    for statement in policy.get("Statement", []):
        service = (statement.get("Principal") or {}).get("Service")
        names = service if isinstance(service, list) else [service]
        wanted = [
            value
            for operator in (statement.get("Condition") or {}).values()
            for key, value in operator.items()
            if key.lower() == "aws:sourceaccount"
        ]
        if statement.get("Effect") == "Allow" and principal in names and all(value == account for value in wanted):
            return True
    return False

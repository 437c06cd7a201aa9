"""Invokes a function as another AWS service does, if its resource policy allows it."""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack
from lab.aws.service_access import ServiceCaller


class InvocationRefused(Exception):
    """There is no such function, its policy does not allow the service, or it is throttled."""


class FunctionFailed(Exception):
    """The function raised an exception, died or timed out.

    Attributes:
        kind: AWS's `errorType`.
        message: its `errorMessage`.
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


def invoke(arn: str, event: dict[str, Any], caller: ServiceCaller) -> Any:
    """The function's result. Blocks; must not be called on the cloud's own thread.

    Raises:
        InvocationRefused, FunctionFailed
    """
    svc, responses = ministack("services.lambda_svc"), ministack("core.responses")
    responses.set_request_account_id(caller.account)
    responses.set_request_region(caller.region)
    function, config, name = svc._get_func_record_for_ref(arn)
    if function is None or config is None:
        raise InvocationRefused(f"There is no function {name}")
    policy = svc._functions[name].get("policy")  # of its versions and aliases too, each by its qualified ARN
    if not caller.may("lambda:InvokeFunction", arn, policy):
        whom = f"{caller.principal} for {caller.source_arn}"
        raise InvocationRefused(f"The policy of {name} does not allow {whom} to invoke it")
    result = svc._execute_function_with_config_scope(svc._execution_record_for_config(function, config), event)
    if result.get("throttle"):
        raise InvocationRefused(f"{name} is throttled")
    if result.get("error"):
        error = result["body"]
        raise FunctionFailed(str(error.get("errorType")), str(error.get("errorMessage")))
    return result.get("body")

"""`lambda:invoke` as a Task: its parameters, its result, and the names of its errors.

AWS: accepts FunctionName, Payload, InvocationType, Qualifier and ClientContext. A qualifier names a version or an
alias, and the role must allow that qualified ARN. A failed function fails the task: the error is the `errorType` of its
payload, the cause is the payload as a string; where the payload has no type it is `Lambda.Unknown`.
A refusal of Lambda itself is `Lambda.<Exception>`: `Lambda.TooManyRequestsException`,
`Lambda.ResourceNotFoundException`.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html

MiniStack: ignores InvocationType and Qualifier, and without a Payload hands all parameters to the function.

InvocationType and ClientContext are not imitated: a task that has one fails with `States.Runtime`.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

from lab.aws import switches
from lab.aws.ministack import ministack
from lab.aws.overlay.execution_role import require

_FIELDS = {"FunctionName", "Payload", "Qualifier"}
_CRASHES = {"Sandbox.Timedout", "Runtime.ExitError"}
_lock = threading.Lock()
_throttled: Counter[str] = Counter()
_UNKNOWN = "The cause could not be determined because Lambda did not return an error type. Returned payload: "


def throttle(function: str, times: int) -> None:
    """Refuse the next invocations of this function by a state machine; 0: stop refusing."""
    with _lock:
        _throttled[function] = times


def _refused(function: str) -> bool:
    with _lock:
        if _throttled[function] <= 0:
            return False
        _throttled[function] -= 1
        return True


def _failure(error: str, cause: str) -> Exception:
    made: Exception = ministack("services.stepfunctions")._ExecutionError(error, cause)
    return made


def _qualified(parameters: dict[str, Any]) -> str:
    """The function to invoke, as `name`, `name:qualifier`, or an ARN of either.

    Raises:
        MiniStack's `_ExecutionError`: the ARN is of another account or region, or two qualifiers differ.
    """
    reference = str(
        ministack("services.stepfunctions")._resolve_lambda_function_ref(parameters["FunctionName"], optimized=True)
    )
    wanted = parameters.get("Qualifier")
    if wanted is None:
        return reference
    _, given = ministack("services.lambda_svc")._resolve_name_and_qualifier(reference)
    if given not in (None, wanted):
        cause = "The derived qualifier from the function name does not match the specified qualifier."
        raise _failure("Lambda.InvalidParameterValueException", cause)
    return reference if given else f"{reference}:{wanted}"


def _found(reference: str) -> tuple[dict[str, Any], str]:
    """The function's record and its name, if the role of the execution may invoke it.

    Raises:
        MiniStack's `_ExecutionError`
    """
    sf, svc = ministack("services.stepfunctions"), ministack("services.lambda_svc")
    function, config, name = svc._get_func_record_for_ref(reference)
    if not function or not config:
        raise _failure("Lambda.ResourceNotFoundException", f"Function not found: {reference}")
    _, qualifier = svc._resolve_name_and_qualifier(reference)
    arn = f"arn:aws:lambda:{sf.get_region()}:{sf.get_account_id()}:function:{name}" + (
        f":{qualifier}" if qualifier else ""
    )
    require("lambda:InvokeFunction", arn)
    return svc._execution_record_for_config(function, {**config, "FunctionArn": arn}), name


def call(reference: str, event: Any) -> Any:
    """The function's result.

    Raises:
        MiniStack's `_ExecutionError`
    """
    function, name = _found(reference)
    result: dict[str, Any] = {"throttle": True}
    if not _refused(name):
        result = ministack("services.lambda_svc")._execute_function_with_config_scope(function, event)
    if result.get("throttle"):
        raise _failure("Lambda.TooManyRequestsException", f"Rate exceeded for {name}")
    if result.get("error"):
        raise function_error(result.get("body"))
    return result.get("body")


def function_error(payload: Any) -> Exception:
    """The error of a task whose function failed with this payload."""
    kind = payload.get("errorType") if isinstance(payload, dict) else None
    if not kind or (kind in _CRASHES and switches.current().crash_name == "unknown"):
        return _failure("Lambda.Unknown", _UNKNOWN + json.dumps(payload))
    return _failure(str(kind), json.dumps(payload))


def invoke(parameters: dict[str, Any]) -> dict[str, Any]:
    """The optimised integration: the response of the Invoke operation, with its payload as JSON.

    Raises:
        MiniStack's `_ExecutionError`
    """
    unknown = parameters.keys() - _FIELDS
    if unknown:
        raise _failure("States.Runtime", f"lambda:invoke: {', '.join(sorted(unknown))} is not supported here")
    reference, event = _qualified(parameters), parameters.get("Payload", {})
    payload = call(reference, event)
    _, config, _ = ministack("services.lambda_svc")._get_func_record_for_ref(reference)
    return {"ExecutedVersion": config["Version"], "Payload": payload, "StatusCode": 200}


def apply() -> None:
    """Replace how Step Functions invokes a function."""
    sf = ministack("services.stepfunctions")
    sf._call_lambda = call
    stock = sf._invoke_resource

    def invoke_resource(resource: str, parameters: Any) -> Any:
        return invoke(parameters) if ":::lambda:invoke" in resource else stock(resource, parameters)

    sf._invoke_resource = invoke_resource

"""A state machine's role: a Task may do what it allows, and nothing else.

AWS: every call of a Task uses the role of its state machine; what the role does not allow fails the task with
`<Service>.AccessDeniedException`.
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html

MiniStack: ignores the role.

Only `lambda:invoke` is checked, the one integration of the product (docs/decisions/0009).
"""

from __future__ import annotations

from lab.aws.ministack import ministack
from lab.aws.overlay.task_state import EXECUTION


def require(action: str, arn: str) -> None:
    """Check whether the policies allow `action` to the role of the running execution; only with AUTH.

    Raises:
        MiniStack's `_ExecutionError` `Lambda.AccessDeniedException`.
    """
    execution = EXECUTION.get()
    if not ministack("app").AUTH or execution is None:
        return
    sf = ministack("services.stepfunctions")
    role, name = _role(execution["stateMachineArn"])
    scope = f"arn:aws:lambda:{sf.get_region()}:{sf.get_account_id()}:function:states-{name or 'none'}"
    caller = {"FunctionArn": scope, "FunctionName": name or "states", "Role": role}
    key = ministack("core.lambda_runtime").execution_credentials(caller)["AWS_ACCESS_KEY_ID"]
    service = action.partition(":")[0]
    denied = ministack("core.iam_evaluator").enforce(key, action, service, sf.get_region(), resource_arn=arn)
    if denied is not None:
        cause = f"{role} is not authorized to perform: {action} on resource: {arn}"
        raise sf._ExecutionError("Lambda.AccessDeniedException", cause)


def _role(machine: str) -> tuple[str, str]:
    """A state machine's role ARN and name; ("", "") if it was deleted while this execution ran."""
    found = ministack("services.stepfunctions")._state_machines.get(machine)
    return (found["roleArn"], found["name"]) if found else ("", "")

"""AWS SDK integrations of a Task, called with the role of its state machine.

AWS: `arn:aws:states:::aws-sdk:<service>:<action>` reaches any operation of any service, with the names of the AWS SDK
for Java 2.x; an error is `<Service>.<Exception>` (`ChimeSdkVoice.ThrottledClientException`,
`DynamoDb.ConditionalCheckFailedException`), one that the service does not model is `<Service>.<Service>Exception`;
every call uses the role of the state machine.
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html

MiniStack: has a table of some twenty services and ignores the role.

Here every `aws-sdk` call is a boto3 call over the loopback port with the role's credentials, so that the server checks
signatures and policies as usual. It is not documented whether Step Functions' SDK retries calls; here it never does.
"""

from __future__ import annotations

import base64
import re
import threading
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ParamValidationError

from lab.aws.connect import connect
from lab.aws.ministack import ministack
from lab.aws.overlay.requests import STATES_AGENT
from lab.aws.overlay.task_state import EXECUTION

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_IRREGULAR = {
    "sfn": "stepfunctions",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "cognitoidentityprovider": "cognito-idp",
}
_OPTIMISED = {
    "arn:aws:states:::sqs:sendMessage": ("sqs:SendMessage", "QueueUrl"),
    "arn:aws:states:::sns:publish": ("sns:Publish", "TopicArn"),
    "arn:aws:states:::dynamodb:putItem": ("dynamodb:PutItem", "TableName"),
    "arn:aws:states:::dynamodb:getItem": ("dynamodb:GetItem", "TableName"),
    "arn:aws:states:::dynamodb:updateItem": ("dynamodb:UpdateItem", "TableName"),
    "arn:aws:states:::dynamodb:deleteItem": ("dynamodb:DeleteItem", "TableName"),
}
_clients: dict[tuple[str, str, str], Any] = {}
_lock = threading.Lock()


def java_name(service_id: str) -> str:
    """A service's name in the AWS SDK for Java: "Chime SDK Voice" → "ChimeSdkVoice", "DynamoDB" → "DynamoDb"."""
    return "".join(word.capitalize() for word in _WORD.findall(service_id))


def _boto_name(service: str) -> str | None:
    """The boto3 name of a service, from its name in a Resource, or None."""
    names = set(botocore.session.Session().get_available_services())
    if service in _IRREGULAR:
        return _IRREGULAR[service]
    return next((name for name in sorted(names) if name.replace("-", "") == service), None)


def _role() -> tuple[str, str]:
    """The running execution's role ARN and state machine name; ("", "") outside an execution."""
    sf = ministack("services.stepfunctions")
    execution = EXECUTION.get()
    machine = sf._state_machines.get(execution["stateMachineArn"]) if execution else None
    return (machine["roleArn"], machine["name"]) if machine else ("", "")


def _credentials() -> dict[str, str]:
    sf = ministack("services.stepfunctions")
    role, machine = _role()
    scope = f"arn:aws:lambda:{sf.get_region()}:{sf.get_account_id()}:function:states-{machine or 'none'}"
    caller = {"FunctionArn": scope, "FunctionName": machine or "states", "Role": role}
    credentials: dict[str, str] = ministack("core.lambda_runtime").execution_credentials(caller)
    return credentials


def _client(service: str) -> Any:
    """A client of `service` with the role of the running execution; cached by both."""
    sf = ministack("services.stepfunctions")
    credentials = _credentials()
    key = (service, credentials["AWS_ACCESS_KEY_ID"], ministack("app").os.environ["GATEWAY_PORT"])
    with _lock:
        if key not in _clients:
            name = _boto_name(service)
            if name is None:
                raise sf._ExecutionError("States.Runtime", f"The AWS SDK has no service {service!r}")
            _clients[key] = connect(
                name,
                endpoint_url=f"http://127.0.0.1:{key[2]}",
                region_name=sf.get_region(),
                aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=credentials["AWS_SESSION_TOKEN"] or None,
                config=Config(
                    retries={"total_max_attempts": 1},
                    inject_host_prefix=False,
                    max_pool_connections=50,
                    proxies={},
                    user_agent_extra=STATES_AGENT,
                ),
            )
        return _clients[key]


def _to_wire(value: Any, shape: Any) -> Any:
    """Parameters renamed from the SDK's member names (`TaskToken`, `Nul`) to those of the service's model."""
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {java_member(name): name for name in shape.members} | {name: name for name in shape.members}
        return {
            names.get(key, key): _to_wire(item, shape.members.get(names.get(key, key))) for key, item in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_to_wire(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _to_wire(item, shape.value) for key, item in value.items()}
    if shape.type_name == "blob" and isinstance(value, str):
        return value.encode()
    return value


def _from_wire(value: Any, shape: Any) -> Any:
    if shape is not None and shape.type_name == "structure" and isinstance(value, dict):
        return {java_member(key): _from_wire(item, shape.members.get(key)) for key, item in value.items()}
    if isinstance(value, dict):
        inner = getattr(shape, "value", None)
        return {key: _from_wire(item, inner) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_wire(item, getattr(shape, "member", None)) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return _text(value)
    return _text(value.read()) if hasattr(value, "read") else value


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def java_member(name: str) -> str:
    """A member's name in the AWS SDK for Java: "taskToken" → "TaskToken", "NULL" → "Nul", "RoleARN" → "RoleArn".

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html#actions
    """
    if name == "NULL":
        return "Nul"
    words: str = ministack("services.stepfunctions")._api_name_to_sfn_key(name)
    return words


def call(resource: str, parameters: Any) -> Any:
    """One `aws-sdk` call.

    Raises:
        MiniStack's `_ExecutionError`, named as Step Functions names it.
    """
    failure = ministack("services.stepfunctions")._ExecutionError
    service, action = resource.split(":")[6:8]
    client = _client(service.lower())
    model = client.meta.service_model
    operation = action[:1].upper() + action[1:]
    if operation not in model.operation_names:
        raise failure("States.Runtime", f"The action {action!r} of {service!r} does not exist")
    shape = model.operation_model(operation)
    prefix = java_name(model.service_id)
    try:
        reply = client._make_api_call(operation, _to_wire(parameters or {}, shape.input_shape))
    except ParamValidationError as invalid:
        raise failure("States.Runtime", str(invalid)) from invalid
    except ClientError as refused:
        raise failure(error_name(model, refused), _cause(prefix, refused)) from refused
    except (EndpointConnectionError, BotoCoreError) as broken:
        raise failure(f"{prefix}.SdkClientException", str(broken)) from broken
    reply.pop("ResponseMetadata", None)
    return _from_wire(reply, shape.output_shape)


def error_name(model: Any, refused: ClientError) -> str:
    """The name of an error in Step Functions."""
    prefix = java_name(model.service_id)
    code = str(refused.response["Error"].get("Code", "")).rsplit("#", 1)[-1]
    modelled = {shape.name for shape in model.error_shapes} | {
        shape.metadata.get("error", {}).get("code", "") for shape in model.error_shapes
    }
    for name in (code, f"{code}Exception"):
        if name in modelled:
            return f"{prefix}.{name}" if name.endswith("Exception") else f"{prefix}.{name}Exception"
    return f"{prefix}.{prefix}Exception"


def _cause(prefix: str, refused: ClientError) -> str:
    error, meta = refused.response["Error"], refused.response["ResponseMetadata"]
    return (
        f"{error.get('Message', '')} (Service: {prefix}, Status Code: {meta.get('HTTPStatusCode')}, "
        f"Request ID: {meta.get('RequestId', '')})"
    )


def require(action: str, arn: str) -> None:
    """Check whether the policies allow `action` to the role of the running execution; only with AUTH.

    Raises:
        MiniStack's `_ExecutionError` `States.TaskFailed`-compatible: `<Service>.AccessDeniedException`.
    """
    if not ministack("app").AUTH or EXECUTION.get() is None:
        return
    sf = ministack("services.stepfunctions")
    service = action.split(":")[0]
    key = _credentials()["AWS_ACCESS_KEY_ID"]
    denied = ministack("core.iam_evaluator").enforce(key, action, service, sf.get_region(), resource_arn=arn)
    if denied is not None:
        role, _ = _role()
        cause = f"{role} is not authorized to perform: {action} on resource: {arn}"
        raise sf._ExecutionError(f"{java_name(service)}.AccessDeniedException", cause)


def _arn(service: str, name: str) -> str:
    sf = ministack("services.stepfunctions")
    scope = f"{sf.get_region()}:{sf.get_account_id()}"
    if name.startswith("arn:"):
        return name
    return {"dynamodb": f"arn:aws:dynamodb:{scope}:table/{name}"}.get(
        service, f"arn:aws:{service}:{scope}:{name.rsplit('/', 1)[-1]}"
    )


def _resource(stock: Any) -> Any:
    def invoke(resource: str, parameters: Any) -> Any:
        for prefix, (action, name) in _OPTIMISED.items():
            if resource.startswith(prefix):
                require(action, _arn(action.split(":")[0], str(parameters.get(name, ""))))
        return stock(resource, parameters)

    return invoke


def apply() -> None:
    """Replace the `aws-sdk` integrations, and check the role for the optimised ones."""
    sf = ministack("services.stepfunctions")
    sf._invoke_aws_sdk_integration = call
    sf._invoke_resource = _resource(sf._invoke_resource)

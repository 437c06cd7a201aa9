"""What the template allows each function, and what its code needs: pairs of an action and what it is done to."""

import re
from typing import Any

from duologue.adapters.carriers import chime_message_log
from tests.architecture.reach import Operation
from tools.template import Function, read_template

Allowed = tuple[str, str]
"""An action, and what it is done to: a logical id with what follows it, or `*`."""

TEMPLATE = read_template()
_RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
_MADE_ELSEWHERE = {"NodesTable", "NodeSecret"}
"""Parameters that name a table and a secret of another stack."""
_NAMED = {
    resource["Properties"]["Name"]["Fn::Sub"]: name
    for name, resource in _RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::StateMachine"
}
"""State machines by the name that the template gives them."""
GLOBAL = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
_PREFIX = {"stepfunctions": "states", "chime_sdk_voice": "chime"}
# Operations that are allowed under another action's name.
_ACTION = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# What an operation needs besides its own action, since its service looks at other things in its caller's name.
BESIDES: dict[str, set[Allowed]] = {
    # Without it an object that is not there is 403, not 404.
    "s3:HeadObject": {("s3:ListBucket", "RecordingsBucket")},
    # It lets the service invoke the application's function.
    "chime:CreateSipMediaApplication": {
        ("lambda:GetPolicy", "CallControlFunction.Alias"),
        ("lambda:AddPermission", "CallControlFunction.Alias"),
    },
    # It makes a log group and delivers to it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/
    # AWS-logs-and-resource-policy.html
    "chime:PutSipMediaApplicationLoggingConfiguration": {
        ("logs:CreateLogDelivery", "*"),
        ("logs:GetLogDelivery", "*"),
        ("logs:UpdateLogDelivery", "*"),
        ("logs:DeleteLogDelivery", "*"),
        ("logs:ListLogDeliveries", "*"),
        ("logs:DescribeLogGroups", "*"),
        ("logs:CreateLogGroup", "*"),
        ("logs:PutResourcePolicy", "*"),
        ("logs:DescribeResourcePolicies", "*"),
        ("iam:CreateServiceLinkedRole", "role/aws-service-role/voiceconnector.chime.amazonaws.com/*"),
    },
}
# The ciphertext names its key, the network's event its application, the application its log, the custom
# resource its secret; the call does not.
_TARGET_UNSAID = {
    "kms:Decrypt": "SecretsKey",
    "chime:UpdateSipMediaApplicationCall": "PstnLine",
    "secretsmanager:GetSecretValue": "TrunkSecret",
    "logs:PutRetentionPolicy": f"log-group:{chime_message_log.PREFIX}*",
}
# Changing an app encrypts its secrets if they changed. SPs change URLs only; no function may make a secret.
NEVER_DONE = {("kms:Encrypt", "*")}
UNWRITTEN = {"flow": {"MEMORY"}, "outbox": {"MEMORY"}, "sweep": {"MEMORY"}}
"""What a function's code can write and it never does: a memory is of the callee's dial, which call_control records."""


def targets_of(value: Any) -> set[str]:
    """What a statement's Resource says, by logical ids: `!Sub ${CallsTable.Arn}/index/x` is `CallsTable/index/x`."""
    match value:
        case list():
            return {target for each in value for target in targets_of(each)}
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return {name} - {"AWS::NoValue"}
        case {"Fn::If": [_, yes, no]}:
            return targets_of(yes) | targets_of(no)
        case {"Fn::Sub": text}:
            if by_name := _by_name(text):
                return by_name
            if outside := re.fullmatch(r"arn:.*:(?:table/|secret:)\$\{(\w+)\}(?:-\?{6})?", text):
                return {outside[1]}
            named = re.fullmatch(r"\$\{(\w+)(?:\.Arn)?\}(.*)", text)
            return {named[1] + named[2] if named else text.rpartition("${AWS::AccountId}:")[2]}
    return {value}


def _by_name(arn: str) -> set[str]:
    """The state machine with the name in this ARN."""
    return {name for given, name in _NAMED.items() if arn.endswith(f":{given}")}


def _logical_ids(value: Any) -> set[str]:
    """The resources that a setting's value names."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return {name} & (_RESOURCES.keys() | _MADE_ELSEWHERE)
        case {"Fn::Sub": str(text)}:
            return _by_name(text)
        case dict():
            return _logical_ids(list(value.values()))
        case list():
            return {found for each in value for found in _logical_ids(each)}
    return set()


def variables_of(function: Function) -> dict[str, Any]:
    own: dict[str, Any] = function.properties.get("Environment", {}).get("Variables", {})
    return GLOBAL | own


def actions_of(statement: dict[str, Any]) -> set[str]:
    said = statement["Action"]
    return {said} if isinstance(said, str) else set(said)


def granted(function: Function) -> set[Allowed]:
    found = set()
    for statement in function.statements:
        if statement["Effect"] == "Deny":  # of what SAM allows besides
            continue
        for action in actions_of(statement):
            for target in targets_of(statement["Resource"]):
                found.add((action, re.sub(r"/.*\*$", "/*", target) if action.startswith("s3:") else target))
    return found


def needed(operation: Operation, function: Function) -> set[Allowed]:
    service = _PREFIX.get(operation.service, operation.service)
    named = f"{service}:{operation.method.title().replace('_', '')}"
    variables = variables_of(function)
    targets = {target for name in operation.settings for target in _logical_ids(variables[name])}
    assert targets or not operation.settings, f"{named}: {sorted(operation.settings)} name no resource"
    if operation.index:
        targets = {f"{target}/index/{operation.index}" for target in targets}
    action = _ACTION.get(named, named)
    if service == "s3" and action != "s3:ListBucket":
        targets = {f"{target}/*" for target in targets}
    own = {(action, target) for target in targets or {_TARGET_UNSAID.get(action, "*")}}
    return own | BESIDES.get(named, set())

"""A function may do what its code does, and nothing else: the calls of AWS it can reach ↔ the actions of its role."""

import re
from typing import Any

import pytest

from duologue.adapters import chime_message_log, kms_memory_seal, kms_secrets
from duologue.wire.huawei.routes import CDR_LINK, LINK
from tests.architecture.reach import Operation, reach
from tests.architecture.source import code, types_of_parameter
from tools.template import Function, functions, read_template

Allowed = tuple[str, str]
"""An action, and what it is done to: a logical id with what follows it, or `*`."""

_TEMPLATE = read_template()
_RESOURCES: dict[str, dict[str, Any]] = _TEMPLATE["Resources"]
_NAMED = {
    resource["Properties"]["Name"]["Fn::Sub"]: name
    for name, resource in _RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::StateMachine"
}
"""State machines by the name that the template gives them."""
_GLOBAL = _TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
_FUNCTIONS = pytest.mark.parametrize("function", functions(_TEMPLATE), ids=lambda function: function.folder)

_PREFIX = {"stepfunctions": "states", "chime_sdk_voice": "chime"}
# Operations that are allowed under another action's name.
_ACTION = {
    "s3:HeadObject": "s3:GetObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# What an operation needs besides its own action, since its service looks at other things in its caller's name.
_BESIDES: dict[str, set[Allowed]] = {
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
        ("logs:DeleteLogDelivery", "*"),
        ("logs:ListLogDeliveries", "*"),
        ("logs:DescribeLogGroups", "*"),
        ("logs:CreateLogGroup", "*"),
        ("logs:PutResourcePolicy", "*"),
        ("logs:DescribeResourcePolicies", "*"),
        ("iam:CreateServiceLinkedRole", "role/aws-service-role/voiceconnector.chime.amazonaws.com/*"),
    },
}
# The ciphertext names its key, the network's event its application, the application its log; the call does not.
_TARGET_UNSAID = {
    "kms:Decrypt": "SecretsKey",
    "chime:UpdateSipMediaApplicationCall": "PstnLine",
    "logs:PutRetentionPolicy": f"log-group:{chime_message_log.PREFIX}*",
}
# Changing an app encrypts its secrets if they changed. SPs change URLs only; no function may make a secret.
_NEVER_DONE = {("kms:Encrypt", "*")}


def _targets(value: Any) -> set[str]:
    """What a statement's Resource says, by logical ids: `!Sub ${CallsTable.Arn}/index/x` is `CallsTable/index/x`."""
    match value:
        case list():
            return {target for each in value for target in _targets(each)}
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return {name} - {"AWS::NoValue"}
        case {"Fn::If": [_, yes, no]}:
            return _targets(yes) | _targets(no)
        case {"Fn::Sub": text}:
            if by_name := _by_name(text):
                return by_name
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
            return {name} & _RESOURCES.keys()
        case {"Fn::Sub": str(text)}:
            return _by_name(text)
        case dict():
            return _logical_ids(list(value.values()))
        case list():
            return {found for each in value for found in _logical_ids(each)}
    return set()


def _variables(function: Function) -> dict[str, Any]:
    own: dict[str, Any] = function.properties.get("Environment", {}).get("Variables", {})
    return _GLOBAL | own


def _actions(statement: dict[str, Any]) -> set[str]:
    said = statement["Action"]
    return {said} if isinstance(said, str) else set(said)


def _granted(function: Function) -> set[Allowed]:
    granted = set()
    for statement in function.statements:
        assert statement["Effect"] == "Allow"
        for action in _actions(statement):
            for target in _targets(statement["Resource"]):
                granted.add((action, re.sub(r"/.*\*$", "/*", target) if action.startswith("s3:") else target))
    return granted


def _needed(operation: Operation, function: Function) -> set[Allowed]:
    service = _PREFIX.get(operation.service, operation.service)
    named = f"{service}:{operation.method.title().replace('_', '')}"
    variables = _variables(function)
    targets = {target for name in operation.settings for target in _logical_ids(variables[name])}
    assert targets or not operation.settings, f"{named}: {sorted(operation.settings)} name no resource"
    if operation.index:
        targets = {f"{target}/index/{operation.index}" for target in targets}
    if service == "s3":
        targets = {f"{target}/*" for target in targets}
    action = _ACTION.get(named, named)
    own = {(action, target) for target in targets or {_TARGET_UNSAID.get(action, "*")}}
    return own | _BESIDES.get(named, set())


@_FUNCTIONS
def test_a_function_may_do_what_its_code_does(function: Function):
    needed = {pair for operation in reach(function.folder).operations for pair in _needed(operation, function)}
    assert needed - _granted(function) - _NEVER_DONE == set()


@_FUNCTIONS
def test_a_function_may_do_nothing_else(function: Function):
    needed = {pair for operation in reach(function.folder).operations for pair in _needed(operation, function)}
    assert _granted(function) - needed == set()


_OPENS_SECRETS, _OPENS_MEMORIES = ("kms:Decrypt", kms_secrets.CONTEXT), ("kms:Decrypt", kms_memory_seal.CONTEXT)
_OF_KEY = {
    "sessions": {_OPENS_SECRETS},
    "callback_api": {_OPENS_SECRETS, _OPENS_MEMORIES},
    "call_control": {_OPENS_MEMORIES},
    "notify_sp": {_OPENS_SECRETS},
}


@_FUNCTIONS
def test_a_function_uses_the_key_of_secrets_for_its_purpose_alone(function: Function):
    """By the key of the encryption context, which tells an app's secret from a call memory; no function makes a secret.

    A condition Null with "false" is met if the request's context has the key.
    """
    allowed = set()
    for statement in function.statements:
        for action in {"kms:Encrypt", "kms:Decrypt"} & _actions(statement):
            [(key, absent)] = statement["Condition"]["Null"].items()
            assert absent == "false"
            allowed.add((action, key.removeprefix("kms:EncryptionContext:")))
    assert allowed == _OF_KEY.get(function.folder, set())


# Keys that code puts together which are no partition keys of the accounts table: sort keys.
_SORT_KEYS = {"CALLEE", "PINGS", "UNCONNECTED"}
_UNWRITTEN = {"flow": {"MEMORY"}, "sweep": {"MEMORY"}}
"""What a function's code reaches and it never touches: a memory is of the callee's dial, which call_control records."""
_SETTINGS_OF_ACCOUNTS = {"APP", "NUMBER", "SP", "USERNAME"}


def _partitions(statement: dict[str, Any]) -> list[str]:
    """Which kinds of items of the accounts table a statement allows."""
    [(operator, keys)] = statement.get("Condition", {"": {}}).items()
    assert operator == "ForAllValues:StringLike" and [*keys] == ["dynamodb:LeadingKeys"], statement
    patterns: list[str] = keys["dynamodb:LeadingKeys"]
    assert all(re.fullmatch(r"[A-Z]+(#\*)?", each) for each in patterns), patterns
    return [each.removesuffix("#*") for each in patterns]


def _of_accounts(function: Function) -> list[tuple[set[str], list[str]]]:
    """The actions, and the kinds of items, of each statement about the accounts table."""
    return [
        (_actions(statement), _partitions(statement))
        for statement in function.statements
        if "AccountsTable" in _targets(statement["Resource"])
    ]


@_FUNCTIONS
def test_a_function_is_allowed_the_kinds_of_items_that_its_code_has_keys_of(function: Function):
    """The accounts table holds several kinds, and the partition key says which an item is."""
    kinds = reach(function.folder).kinds_of_items() - _SORT_KEYS - _UNWRITTEN.get(function.folder, set())
    assert {kind for _, kinds in _of_accounts(function) for kind in kinds} == kinds


def test_what_makes_calls_can_change_no_account():
    """Neither an app's display numbers nor a password: only the API writes to an app's partition.

    A condition on partition keys is met by a request that names none, so no action may read or write without a key.
    """
    keyed = {"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"}
    written = set()
    for function in functions(_TEMPLATE):
        for actions, kinds in _of_accounts(function):
            assert actions <= {f"dynamodb:{each}" for each in keyed}
            writes = actions - {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
            written |= {
                (function.folder, each, kind) for each in writes for kind in _SETTINGS_OF_ACCOUNTS.intersection(kinds)
            }
    assert written == {
        ("callback_api", "dynamodb:UpdateItem", "APP"),  # an SP sets its notification URLs
        ("sessions", "dynamodb:PutItem", "APP"),  # the tokens of an app
    }


@_FUNCTIONS
def test_a_function_is_given_the_settings_that_it_reads_and_no_other(function: Function):
    """Of those that every function is given, a function need not read all."""
    read = reach(function.folder).settings
    given = _variables(function).keys()
    assert {setting.name for setting in read if setting.is_required} <= given
    assert given - _GLOBAL.keys() <= {setting.name for setting in read}


def test_what_needs_no_credentials_only_reads():
    """Anybody may follow a link to a recording: the function starts no call, and opens no app's secret."""
    [of_links] = [function for function in functions(_TEMPLATE) if function.folder == "recordings_api"]
    paths = {event["Properties"]["Path"] for event in of_links.properties["Events"].values()}
    assert paths == {LINK, CDR_LINK}
    actions = {action for action, _ in _granted(of_links)}
    assert actions == {"dynamodb:BatchGetItem", "dynamodb:GetItem", "kms:VerifyMac", "s3:GetObject", "s3:ListBucket"}


def test_what_every_function_is_given_is_read_by_several():
    read = [{setting.name for setting in reach(function.folder).settings} for function in functions(_TEMPLATE)]
    assert [name for name in _GLOBAL if sum(name in names for names in read) < 2] == []


def test_every_adapter_says_whose_client_it_is_given():
    """Its type is how the tests above know what it calls."""
    given = {
        f"{module.name}.{name}": types_of_parameter(f"{module.name}.{name}", "client")
        for module in code().values()
        if module.name.startswith("duologue.adapters.")
        for name in module.definitions
    }
    asked = {name: types for name, types in given.items() if types is not None}
    assert asked
    assert [name for name, types in asked.items() if not all(each.startswith("mypy_boto3_") for each in types)] == []

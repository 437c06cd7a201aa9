"""A function may do what its code does, and nothing else: the calls of AWS it can reach ↔ the actions of its role."""

import re
from typing import Any

import pytest

from duologue.adapters.access import kms_secrets
from duologue.adapters.memory import kms_memory_seal
from duologue.wire.huawei.routes import CDR_LINK, LINK
from tests.architecture.permissions import (
    GLOBAL,
    NEVER_DONE,
    TEMPLATE,
    UNWRITTEN,
    actions_of,
    granted,
    needed,
    targets_of,
    variables_of,
)
from tests.architecture.reach import reach
from tests.architecture.source import code, types_of_parameter
from tools.template import Function, functions

_FUNCTIONS = pytest.mark.parametrize("function", functions(TEMPLATE), ids=lambda function: function.folder)


def _needed(function: Function) -> set[tuple[str, str]]:
    return {pair for operation in reach(function.folder).operations for pair in needed(operation, function)}


@_FUNCTIONS
def test_a_function_may_do_what_its_code_does(function: Function):
    assert _needed(function) - granted(function) - NEVER_DONE == set()


@_FUNCTIONS
def test_a_function_may_do_nothing_else(function: Function):
    assert granted(function) - _needed(function) == set()


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
        for action in {"kms:Encrypt", "kms:Decrypt"} & actions_of(statement):
            [(key, absent)] = statement["Condition"]["Null"].items()
            assert absent == "false"
            allowed.add((action, key.removeprefix("kms:EncryptionContext:")))
    assert allowed == _OF_KEY.get(function.folder, set())


# Keys that code puts together which are no partition keys of the accounts table: sort keys.
_SORT_KEYS = {"CALLEE", "PINGS", "UNCONNECTED"}
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
        (actions_of(statement), _partitions(statement))
        for statement in function.statements
        if "AccountsTable" in targets_of(statement["Resource"])
    ]


@_FUNCTIONS
def test_a_function_is_allowed_the_kinds_of_items_that_its_code_has_keys_of(function: Function):
    """The accounts table holds several kinds, and the partition key says which an item is."""
    kinds = reach(function.folder).kinds_of_items() - _SORT_KEYS - UNWRITTEN.get(function.folder, set())
    assert {kind for _, kinds in _of_accounts(function) for kind in kinds} == kinds


def test_what_makes_calls_can_change_no_account():
    """Neither an app's display numbers nor a password: only the API writes to an app's partition.

    A condition on partition keys is met by a request that names none, so no action may read or write without a key.
    """
    keyed = {"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"}
    written = set()
    for function in functions(TEMPLATE):
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
    given = variables_of(function).keys()
    assert {setting.name for setting in read if setting.is_required} <= given
    assert given - GLOBAL.keys() <= {setting.name for setting in read}


def test_what_needs_no_credentials_only_reads():
    """Anybody may follow a link to a recording: the function starts no call, and opens no app's secret."""
    [of_links] = [function for function in functions(TEMPLATE) if function.folder == "recordings_api"]
    paths = {event["Properties"]["Path"] for event in of_links.properties["Events"].values()}
    assert paths == {LINK, CDR_LINK}
    actions = {action for action, _ in granted(of_links)}
    assert actions - {"dynamodb:PutItem"} == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "kms:VerifyMac",
        "s3:GetObject",
        "s3:ListBucket",
    }


def test_the_audit_is_only_added_to():
    """By no function is an entry changed or deleted, or written by a statement that allows anything else."""
    allowed = [
        (function.folder, actions, kinds)
        for function in functions(TEMPLATE)
        for actions, kinds in _of_accounts(function)
        if "AUDITED" in kinds
    ]
    assert sorted(folder for folder, _, _ in allowed) == ["callback_api", "recordings_api"]
    assert all((actions, kinds) == ({"dynamodb:PutItem"}, ["AUDITED"]) for _, actions, kinds in allowed)


def test_what_every_function_is_given_is_read_by_several():
    read = [{setting.name for setting in reach(function.folder).settings} for function in functions(TEMPLATE)]
    assert [name for name in GLOBAL if sum(name in names for names in read) < 2] == []


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

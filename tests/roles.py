"""Every request of an adapter to AWS, in the tests of `make test`, under the roles of the functions that make it.

    a test ──▶ DynamoCalls.save ──▶ client.transact_write_items ──▶ the roles of call_control, flow, sweep, …
                    │                                                 each must allow it
                    └── whose code reaches it (tests/architecture/reach.py)

A request belongs to a function if its code reaches everything of the product that is on the stack. If the function's
role does not allow it, the test gets AccessDenied, as on AWS. A permission (function, statement, action, resource) is
needed if that statement alone allowed a request; after a whole run each must have been, or the run fails.

Statements are those of template.yaml. They are compared by MiniStack's evaluator, resources by their logical ids.
`IAM_WITHOUT=<function>:<number of a statement>` leaves one out, and `IAM_RECORD=<path>` keeps which tests needed what
(tests/iam_mutations.py).
"""

import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from lab.aws.ministack import ministack
from lab.aws.overlay.leading_keys import ENTRIES, values
from tests.architecture.permissions import BESIDES, NEVER_DONE, TEMPLATE, UNWRITTEN, actions_of, needed, targets_of
from tests.architecture.reach import reach
from tools.template import Function, functions

WITHOUT, RECORD = "IAM_WITHOUT", "IAM_RECORD"
_CLIENT: Any = BaseClient
Permission = tuple[str, int, str, str]
"""A function, the number of a statement of its role, an action, and what it may be done to."""

_PREFIX = {"stepfunctions": "states", "chime-sdk-voice": "chime"}
_SERVICE = {"chime-sdk-voice": "chime_sdk_voice"}
_NAMED_OTHERWISE = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket", "SendMessageBatch": "SendMessage"}
_LISTS = ("s3:ListBucket", "RecordingsBucket")
# Which key an adapter uses, where its function has several.
_KEYS = {
    "kms_data_keys": "MemoriesKey",
    "kms_link_tokens": "LinksKey",
    "kms_memory_seal": "SecretsKey",
    "kms_secrets": "SecretsKey",
}
_WHOLE = ("tests/contract", "tests/functions")
"""Where the requests are; a run without them says nothing about what is needed."""
_NOT_ASKED_HERE = {pair for operation, pairs in BESIDES.items() for pair in pairs if operation != "s3:HeadObject"}
"""What a service does in the function's name, which no client asks for."""


@dataclass(frozen=True)
class Statement:
    number: int
    actions: frozenset[str]
    targets: frozenset[str]
    condition: Mapping[str, Any]

    def allows(self, action: str, target: str, context: Mapping[str, Any]) -> str | None:
        """Which of its targets, if it allows it; else None."""
        return next(
            (each for each in self.targets if action in self.actions and self._meets(each, target, context)), None
        )

    def _meets(self, allowed: str, target: str, context: Mapping[str, Any]) -> bool:
        evaluator = ministack("core.iam_evaluator")
        about = dict.fromkeys(("principal_arn", "principal_type", "principal_account", "action", "region"), "")
        request = evaluator.EvalContext(**about, resource_arn=target, service_context=context)
        return bool(
            evaluator._resource_matches(target, [allowed], []) and evaluator._conditions_met(self.condition, request)
        )


@dataclass(frozen=True)
class _Asked:
    """One thing that a request needs a permission for. `context`: condition keys, in lower case."""

    action: str
    table: str
    context: Mapping[str, Any]


@cache
def statements(folder: str) -> list[Statement]:
    """Of a function's role, without the one that is to be left out."""
    made = [
        Statement(
            number,
            frozenset(actions_of(each)),
            frozenset(targets_of(each["Resource"])),
            each.get("Condition", {}),
        )
        for number, each in enumerate(_functions()[folder].statements, 1)
        if each["Effect"] == "Allow"
    ]
    return [each for each in made if f"{folder}:{each.number}" != os.environ.get(WITHOUT)]


def permissions() -> set[Permission]:
    """All that the functions have, but those that only AWS itself uses."""
    return {
        (folder, each.number, action, target)
        for folder in _functions()
        for each in statements(folder)
        for action in each.actions
        for target in each.targets
        if (action, target) not in _NOT_ASKED_HERE
    }


@cache
def _functions() -> dict[str, Function]:
    return {function.folder: function for function in functions(TEMPLATE)}


class Roles:
    """A plugin of pytest: checks the requests, and what was needed of each role at the end of a whole run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.used: defaultdict[Permission, set[str]] = defaultdict(set)
        """The tests that needed a permission."""
        self._test = ""
        self._stock = _CLIENT._make_api_call
        self.unneeded: list[Permission] = []

    def install(self) -> None:
        stock, check = self._stock, self.check

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            belongs = check(client, operation, parameters)
            try:
                return stock(client, operation, parameters)
            except ClientError as error:
                if belongs and operation in ("HeadObject", "GetObject") and error.response["Error"]["Code"] in _ABSENT:
                    self._allow(belongs, _Asked(_LISTS[0], "", {}), _LISTS[1])
                raise

        _CLIENT._make_api_call = call

    def uninstall(self) -> None:
        _CLIENT._make_api_call = self._stock

    def check(self, client: BaseClient, operation: str, parameters: dict[str, Any]) -> list[str]:
        """The functions that this request belongs to. Raises ClientError: one of them may not make it."""
        frames = list(_product_frames(sys._getframe()))
        if not any(each.startswith("duologue.adapters.") for each in frames):
            return []
        folders = [folder for folder in _functions() if _reached(folder).issuperset(frames)]
        service = client.meta.service_model.service_name
        asked = list(_asked(service, operation, parameters))
        found = []
        for folder in folders:
            targets = [_target(folder, service, operation, each, parameters, frames) for each in asked]
            if None in targets or any(_is_never_done(folder, each) for each in asked):
                continue
            found.append(folder)
            for each, target in zip(asked, targets, strict=True):
                self._allow([folder], each, str(target))
        return found

    def _allow(self, folders: list[str], asked: _Asked, target: str) -> None:
        for folder in folders:
            found = [
                (folder, each.number, asked.action, allowed)
                for each in statements(folder)
                if (allowed := each.allows(asked.action, target, asked.context))
            ]
            if not found:
                what = f"{folder} is not authorized to perform: {asked.action} on {target} {dict(asked.context) or ''}"
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": what}}, asked.action)
            if len(found) == 1:
                self.used[found[0]].add(self._test)

    # ---- pytest

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test = nodeid

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for permission, tests in node.workeroutput.get("permissions", []) if hasattr(node, "workeroutput") else []:
            self.used[tuple(permission)] |= set(tests)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self.uninstall()
        if hasattr(self.config, "workeroutput"):
            found = [(list(permission), sorted(tests)[:3]) for permission, tests in self.used.items()]
            self.config.workeroutput["permissions"] = found
            return
        if RECORD in os.environ:
            tests_of = [[*permission, sorted(tests)] for permission, tests in sorted(self.used.items())]
            Path(os.environ[RECORD]).write_text(json.dumps(tests_of), encoding="utf-8")
        if self._is_whole(exitstatus):
            self.unneeded = sorted(permissions() - self.used.keys())
            if self.unneeded:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.used and not hasattr(self.config, "workeroutput"):
            terminalreporter.write_line(f"{len(self.used)} permissions of functions were needed")
        for folder, number, action, target in self.unneeded:
            terminalreporter.write_line(
                f"FAILED: no test needs {action} on {target} in statement {number} of {folder}", red=True
            )

    def _is_whole(self, exitstatus: int) -> bool:
        """Whether this run had all tests, and they passed."""
        option = self.config.option
        if exitstatus != pytest.ExitCode.OK or option.keyword or option.markexpr:
            return False
        given = [each.rstrip("/") for each in self.config.args]
        return all(any(f"{part}/".startswith(f"{each}/") for each in given) for part in _WHOLE)


_ABSENT = {"404", "NoSuchKey"}


def _product_frames(frame: FrameType | None) -> Iterator[str]:
    """The functions and methods of the product on the stack, as reach.py names them."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        name = frame.f_code.co_qualname.partition(".<locals>")[0]
        if module.startswith("duologue.") and name not in ("<module>", "<lambda>"):
            yield f"{module}.{name}"
        frame = frame.f_back


@cache
def _reached(folder: str) -> frozenset[str]:
    return frozenset(reach(folder).names_reached())


def _asked(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[_Asked]:
    prefix = _PREFIX.get(service, service)
    if service != "dynamodb":
        context = parameters.get("EncryptionContext") or {}
        keys = {f"kms:encryptioncontext:{name}".lower(): value for name, value in context.items()}
        yield _Asked(f"{prefix}:{_NAMED_OTHERWISE.get(operation, operation)}", "", keys)
        return
    entries = [(kind, part["TableName"]) for each in parameters.get("TransactItems", ()) for kind, part in each.items()]
    single = [(operation, parameters["TableName"])] if "TableName" in parameters else []
    batch = [(operation, table) for table in parameters.get("RequestItems", ())]
    for action, table in dict.fromkeys([*((ENTRIES[kind], name) for kind, name in entries), *single, *batch]):
        found = [value for value in values(parameters, action, table, "pk") if value]
        keys = {"dynamodb:leadingkeys": [next(iter(value.values())) for value in found]} if found else {}
        yield _Asked(f"{prefix}:{action}", table, keys)


def _target(
    folder: str, service: str, operation: str, asked: _Asked, parameters: dict[str, Any], frames: list[str]
) -> str | None:
    """The logical id of what the request is made to, with what follows it. None: not of the function's code."""
    if service == "dynamodb":
        named = re.match(r"(CallsTable|AccountsTable|ListsTable|NodesTable)-", asked.table)
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        return named[1] + index if named else None
    targets = _targets(folder, _SERVICE.get(service, service), operation)
    if service == "s3":
        key = f"/{parameters['Key']}" if "Key" in parameters else ""
        return f"RecordingsBucket{key}" if targets else None
    if service == "sqs" and len(targets) > 1:
        return "FirstNotices" if parameters["QueueUrl"].endswith(".fifo") else "RetryNotices"
    if service == "kms" and targets:
        adapter = next(name for each in frames for name in each.split(".") if name in _KEYS)
        return _KEYS[adapter]
    return next(iter(targets), None)


def _is_never_done(folder: str, asked: _Asked) -> bool:
    kinds = {each.partition("#")[0] for each in asked.context.get("dynamodb:leadingkeys", ())}
    return (asked.action, "*") in NEVER_DONE or not kinds.isdisjoint(UNWRITTEN.get(folder, ()))


@cache
def _targets(folder: str, service: str, operation: str) -> frozenset[str]:
    """What the code of a function does this to."""
    action = f"{_PREFIX.get(service.replace('_', '-'), service)}:{_NAMED_OTHERWISE.get(operation, operation)}"
    found = [
        pair
        for each in reach(folder).operations
        if each.service == service and each.method.title().replace("_", "") == operation
        for pair in needed(each, _functions()[folder])
    ]
    return frozenset(target for named, target in found if named == action)

"""What the code of one function can reach: calls of AWS, and settings. Nothing is run; the source is read by its types.

    handler ──▶ what it names ──▶ the methods that are called on it, by the annotated type of what stands before the dot
                                  a Protocol stands for each class that is named on the way and has all its methods
    adapter ──▶ self._client.get_item(TableName=self._calls)  ──▶  dynamodb, get_item, the setting behind self._calls

It errs to one side only. Both branches of an `if` are taken, and where no type is found, a call reaches every method of
its name in the classes that were named. So nothing that can be called is missed, and a role may seem to lack what it
does not need: then annotate what stands before the dot, as mypy would want it.
"""

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from tests.architecture.source import (
    NONE,
    Scope,
    Types,
    annotated,
    assigned_to_self,
    bases,
    class_of,
    code,
    evaluated,
    fields,
    find,
    is_protocol,
    local_variables,
    methods,
    modules_below,
    parameter_names,
    resolved,
    returned,
    union,
)

_OPAQUE: Types = frozenset({"builtins.object"})
_SETTING = "duologue.runtime.settings.setting"
_READS_SETTING = (_SETTING, "duologue.runtime.settings.flag")
# What an entry of a transaction is to IAM:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_ENTRIES = {
    "Get": "get_item",
    "Put": "put_item",
    "Update": "update_item",
    "Delete": "delete_item",
    "ConditionCheck": "condition_check_item",
}
# The parameters that say what an operation is done to.
_TARGETS = {
    "Bucket",
    "FunctionName",
    "KeyId",
    "QueueUrl",
    "SecretId",
    "SipMediaApplicationId",
    "TableName",
    "TopicArn",
    "stateMachineArn",
}
_KIND = re.compile(r"([A-Z]+)#")
_NAMING = {"Params", "RequestItems"}
"""The parameters that hold such a parameter, or name the target by their keys."""


@dataclass(frozen=True, order=True)
class Operation:
    """One call of AWS. `settings`: what names its target; none: the call does not say it."""

    service: str
    method: str
    settings: frozenset[str] = frozenset()
    index: str = ""


@dataclass(frozen=True, order=True)
class Setting:
    name: str
    is_required: bool


class Reach:
    """What can be reached from what one handler's module defines."""

    def __init__(self, folder: str) -> None:
        self.operations: set[Operation] = set()
        self.settings: set[Setting] = set()
        self._classes: set[str] = set()
        # What was found, as long as no other class is named.
        self._implemented: dict[Types, frozenset[str]] = {}
        self._typed: dict[tuple[ast.AST, ast.AST | None], Types] = {}
        self._walked: dict[str, tuple[Scope, ast.AST]] = {}
        self._waiting: list[str] = []
        self._sites: dict[str, list[tuple[ast.Call, Scope]]] = {}
        self._variables: dict[ast.AST, dict[str, list[ast.expr | Types]]] = {}
        self._unsaid: set[tuple[str, str]] = set()
        self._asked: set[tuple[ast.AST, ast.AST | None]] = set()
        self._seen: dict[str, set[tuple[ast.AST, ast.AST | None]]] = {}
        handler = code()[f"functions.{folder}.handler"]
        for name in handler.definitions:
            self._reach(f"{handler.name}.{name}")
        known = -1
        while known < len(self._walked):  # a class that is named late may be what a Protocol met before stands for
            known = len(self._walked)
            self._waiting = list(self._walked)
            while self._waiting:
                self._walk(*self._walked[self._waiting.pop()])
        for scope, node in self._walked.values():
            self._note_calls(scope, node)
        for scope, node in self._walked.values():
            self._note_operations(scope, node)
        # Given as a whole, as in `put_item(**request)`, the target is noted where it is written, or it is missing.
        said = {(each.service, each.method) for each in self.operations if each.settings}
        self.operations |= {Operation(*unsaid) for unsaid in self._unsaid - said}

    def names_reached(self) -> set[str]:
        """The full names of the functions and methods that may run."""
        return set(self._walked)

    def says(self, word: str) -> bool:
        """Whether a text of the code that is reached is this one."""
        nodes = (each for _, node in self._walked.values() for each in evaluated(node))
        return any(isinstance(each, ast.Constant) and each.value == word for each in nodes)

    def kinds_of_items(self) -> set[str]:
        """The first word of each key that the code that is reached puts together: APP of `f"APP#{key}"`."""
        found = set()
        for scope, node in self._walked.values():
            for each in evaluated(node):
                if isinstance(each, ast.JoinedStr) and (kind := _KIND.match(self._beginning(each.values, scope))):
                    found.add(kind[1])
        return found

    def _beginning(self, parts: list[ast.expr], scope: Scope) -> str:
        """Of a text that is put together: what it begins with, if that is constant."""
        match parts:
            case [ast.Constant(value=str(word)), *_]:
                return word
            case [ast.FormattedValue(value=ast.Name() as name), ast.Constant(value=str(more)), *_]:
                match find(resolved(name, scope.module)):
                    case (_, _, ast.Assign(value=ast.Constant(value=str(word)))):
                        return word + more
        return ""

    def names(self, package: str) -> bool:
        """Whether the code that is reached names something whose full name begins so."""
        named = ((each, scope) for scope, node in self._walked.values() for each in evaluated(node))
        return any(isinstance(each, ast.Name) and resolved(each, at.module).startswith(package) for each, at in named)

    def _reach(self, name: str) -> None:
        match find(name):
            case (found, module, ast.ClassDef()) if found not in self._classes:
                self._classes.add(found)
                self._implemented.clear()
                self._typed.clear()
                for each in bases(found):
                    written = class_of(each)
                    if written:
                        self._wait(each, Scope(written[0], each), written[1])
                for method in methods(found):
                    if method.startswith("__"):
                        self._reach_method(found, method)
            case (found, module, ast.FunctionDef() as node):
                self._wait(found, Scope(module, "", node), node)
            case (found, module, ast.Assign() | ast.AnnAssign() as node):
                self._wait(found, Scope(module), node)

    def _reach_method(self, owner: str, name: str) -> None:
        scope = methods(owner)[name]
        assert scope.function is not None
        self._wait(scope.key, scope, scope.function)

    def _wait(self, key: str, scope: Scope, node: ast.AST) -> None:
        if key not in self._walked:
            self._walked[key] = scope, node
            self._waiting.append(key)

    def _walk(self, scope: Scope, node: ast.AST) -> None:
        """Whatever code names is reached."""
        for each in evaluated(node):
            if isinstance(each, ast.Name | ast.Attribute):
                self._reach(resolved(each, scope.module))
            if isinstance(each, ast.Attribute) and "types.ModuleType" in self._types(each.value, scope):
                for name in modules_below(scope.module):  # one of these is loaded by its name
                    self._reach(f"{name}.{each.attr}")
            if isinstance(each, ast.Attribute):
                for owner in self._owners(each, scope):
                    self._reach_method(owner, each.attr)
            elif isinstance(each, ast.Call):
                for owner, name in self._called(each, scope):
                    self._reach_method(owner, name)

    def _owners(self, attribute: ast.Attribute, scope: Scope) -> list[str]:
        """The classes whose method or property this is."""
        found = self._implementations(self._types(attribute.value, scope))
        return [name for name in found if attribute.attr in methods(name)]

    def _called(self, call: ast.Call, scope: Scope) -> Iterator[tuple[str, str]]:
        """Class and name of the methods that a call may be of."""
        if isinstance(call.func, ast.Attribute):
            before = self._types(call.func.value, scope)
            is_known = before and "typing.Any" not in before
            owners = self._implementations(before) if is_known else self._classes
            yield from ((owner, call.func.attr) for owner in sorted(owners) if call.func.attr in methods(owner))
        for owner in self._implementations(self._types(call.func, scope)):
            if "__call__" in methods(owner):
                yield owner, "__call__"

    def _implementations(self, types: Types) -> frozenset[str]:
        """The classes that values of these types may be of, of those that were named until now."""
        if types not in self._implemented:
            self._implemented[types] = frozenset(self._found_implementations(types))
        return self._implemented[types]

    def _found_implementations(self, types: Types) -> set[str]:
        found: set[str] = set()
        for name in types:
            if is_protocol(name):
                wanted = methods(name).keys()
                found |= {each for each in self._classes if not is_protocol(each) and wanted <= methods(each).keys()}
            elif class_of(name):
                found |= {name} | {each for each in self._classes if name in bases(each)}
        return found

    @contextmanager
    def _once_in_all(self, what: str, node: ast.AST, scope: Scope) -> Iterator[bool]:
        """False: this was looked at for the same question already, so that what it adds to the answer is there."""
        seen = self._seen.setdefault(what, set())
        is_the_question, asked = not seen, (node, scope.function)
        is_new = asked not in seen
        seen.add(asked)
        try:
            yield is_new
        finally:
            if is_the_question:
                seen.clear()

    # ---- types

    def _types(self, expression: ast.expr, scope: Scope) -> Types:
        asked = expression, scope.function
        if asked in self._typed:
            return self._typed[asked]
        if asked in self._asked:  # of something that is made of itself, as the variable of a loop may be
            return NONE
        is_whole = not self._asked
        self._asked.add(asked)
        found = self._found_types(expression, scope)
        self._asked.discard(asked)
        if is_whole:
            self._typed[asked] = found
        return found

    def _found_types(self, expression: ast.expr, scope: Scope) -> Types:
        match expression:
            case ast.Constant(value=value):
                return frozenset({f"builtins.{type(value).__name__}"})
            case ast.JoinedStr():
                return frozenset({"builtins.str"})
            case ast.Lambda() | ast.Compare():
                return _OPAQUE
            case ast.Name(id=name):
                return self._types_of_name(name, scope)
            case ast.Attribute(value=value, attr=name):
                return self._types_of_attribute(self._types(value, scope), name)
            case ast.Call(func=func):
                return self._types_of_call(func, scope)
            case ast.ListComp(elt=part) | ast.SetComp(elt=part) | ast.GeneratorExp(elt=part):
                return self._types(part, scope) | _OPAQUE
            case ast.Subscript(value=part):
                return self._types(part, scope)
        parts = [child for child in ast.iter_child_nodes(expression) if isinstance(child, ast.expr)]
        is_container = isinstance(expression, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.DictComp)
        return union(self._types(part, scope) for part in parts) | (_OPAQUE if is_container else NONE)

    def _types_of_name(self, name: str, scope: Scope) -> Types:
        if name in self._variables_of(scope):
            made = self._variables_of(scope)[name]
            return union(each if isinstance(each, frozenset) else self._types(each, scope) for each in made)
        full = resolved(ast.Name(name), scope.module)
        match find(full):
            case (_, where, ast.AnnAssign(annotation=said)):
                return annotated(said, where)
            case (_, where, ast.Assign(value=value)):
                return self._types(value, Scope(where))
            case None:
                return frozenset({full}) if full else NONE
        return NONE

    def _variables_of(self, scope: Scope) -> dict[str, list[ast.expr | Types]]:
        if scope.function is None:
            return {}
        if scope.function not in self._variables:
            found = self._variables[scope.function] = {}
            for name, made in local_variables(scope):
                found.setdefault(name, []).append(made)
        return self._variables[scope.function]

    def _types_of_attribute(self, before: Types, name: str) -> Types:
        found: list[Types] = []
        for owner in self._implementations(before):
            found += [annotated(said, where) for where, declared, said in fields(owner) if declared == name]
            for made, scope in assigned_to_self(owner).get(name, []):
                found.append(made if isinstance(made, frozenset) else self._types(made, scope))
            if name in methods(owner):
                found.append(returned(methods(owner)[name]))
        return union(found) if found else before  # of what is not ours (a list, a mapping): what it holds

    def _types_of_call(self, func: ast.expr, scope: Scope) -> Types:
        is_local = isinstance(func, ast.Name) and func.id in self._variables_of(scope)
        full = "" if is_local else resolved(func, scope.module)
        match find(full):
            case (found, _, ast.ClassDef()):
                return frozenset({found})
            case (_, where, ast.FunctionDef() as node):
                return returned(Scope(where, "", node))
        if isinstance(func, ast.Attribute) and self._clients(func.value, scope):
            return _OPAQUE
        types = self._types(func, scope)
        called = [returned(methods(owner)["__call__"]) for owner in types if "__call__" in methods(owner)]
        return union(called) if called else types

    def _clients(self, expression: ast.expr, scope: Scope) -> list[str]:
        """The services whose client this is."""
        stubs = [name for name in self._types(expression, scope) if name.startswith("mypy_boto3_")]
        return [name.partition(".")[0].removeprefix("mypy_boto3_") for name in stubs if name.endswith("Client")]

    # ---- what it says to AWS

    def _note_calls(self, scope: Scope, node: ast.AST) -> None:
        for call in evaluated(node):
            if not isinstance(call, ast.Call):
                continue
            found = find(resolved(call.func, scope.module))
            keys = [found[0]] if found else [methods(owner)[named].key for owner, named in self._called(call, scope)]
            for key in keys:
                self._sites.setdefault(key, []).append((call, scope))

    def _note_operations(self, scope: Scope, node: ast.AST) -> None:
        for each in evaluated(node):
            if isinstance(each, ast.Call) and (read := resolved(each.func, scope.module)) in _READS_SETTING:
                is_required = read == _SETTING and len(each.args) == 1
                self.settings |= {Setting(name, is_required) for name in self._words(each.args[0], scope)}
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
                self._note_operation(each, each.func, scope)
            elif isinstance(each, ast.Dict):
                for key, value in zip(each.keys, each.values, strict=True):
                    entry = key.value if isinstance(key, ast.Constant) else None
                    if entry in _ENTRIES and (tables := frozenset(self._targets(value, scope))):
                        self.operations.add(Operation("dynamodb", _ENTRIES[str(entry)], tables))

    def _note_operation(self, call: ast.Call, func: ast.Attribute, scope: Scope) -> None:
        method, client = func.attr, func.value
        match client:
            case ast.Call(
                func=ast.Attribute(value=pages_of, attr="get_paginator"), args=[ast.Constant(value=str(paged))]
            ):
                method, client = paged, pages_of
        if method in ("get_paginator", "transact_write_items", "transact_get_items"):
            return
        if method == "generate_presigned_url" and isinstance(call.args[0], ast.Constant):
            method = str(call.args[0].value)
        given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        if call.keywords and not given:
            self._unsaid |= {(service, method) for service in self._clients(client, scope)}
            return
        settings = frozenset().union(*(self._settings_of(given[name], scope) for name in given.keys() & _TARGETS))
        for name in given.keys() & _NAMING:
            settings |= frozenset(self._targets(given[name], scope))
        indexes = self._words(given["IndexName"], scope) if "IndexName" in given else [""]
        self.operations |= {
            Operation(service, method, settings, index) for service in self._clients(client, scope) for index in indexes
        }

    def _targets(self, expression: ast.expr, scope: Scope) -> Iterator[str]:
        """The settings behind each target in a dictionary, which may be put together from several variables."""
        with self._once_in_all("targets", expression, scope) as is_new:
            for node in ast.walk(expression) if is_new else ():
                if isinstance(node, ast.Dict):
                    for key, value in zip(node.keys, node.values, strict=True):
                        if isinstance(key, ast.Constant) and key.value in _TARGETS:
                            yield from self._settings_of(value, scope)
                        elif isinstance(key, ast.Attribute):  # BatchGetItem and its like: {table: …}
                            yield from self._settings_of(key, scope)
                elif isinstance(node, ast.Name):
                    for made in self._variables_of(scope).get(node.id, []):
                        if isinstance(made, ast.expr):
                            yield from self._targets(made, scope)
                    for each, at in self._given(scope.key, parameter_names(scope), node.id):
                        yield from self._targets(each, at)

    def _settings_of(self, expression: ast.AST, scope: Scope) -> frozenset[str]:
        """The settings that a value is made of: back through variables, arguments and attributes to their reading."""
        with self._once_in_all("settings", expression, scope) as is_new:
            return self._found_settings(expression, scope) if is_new else frozenset()

    def _found_settings(self, expression: ast.AST, scope: Scope) -> frozenset[str]:
        match expression:
            case ast.Call(func=func, args=[name, *_]) if resolved(func, scope.module) in _READS_SETTING:
                return frozenset(self._words(name, scope))
            case ast.Name(id=name) if name in self._variables_of(scope) or name in parameter_names(scope):
                made = [each for each in self._variables_of(scope).get(name, []) if isinstance(each, ast.expr)]
                found = [self._settings_of(each, scope) for each in made]
                return frozenset().union(*found, *self._settings_given(name, scope))
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                put = assigned_to_self(scope.owner).get(name, [])
                found = [self._settings_of(each, at) for each, at in put if isinstance(each, ast.expr)]
                declared = [each for _, each, _ in fields(scope.owner)]
                given = self._given(scope.owner, declared, name)
                return frozenset().union(*found, *(self._settings_of(each, at) for each, at in given))
        return frozenset().union(*(self._settings_of(child, scope) for child in ast.iter_child_nodes(expression)))

    def _settings_given(self, parameter: str, scope: Scope) -> Iterator[frozenset[str]]:
        key = scope.owner if scope.key == f"{scope.owner}.__init__" else scope.key
        for each, at in self._given(key, parameter_names(scope), parameter):
            yield self._settings_of(each, at)

    def _given(self, key: str, parameters: list[str], wanted: str) -> Iterator[tuple[ast.expr, Scope]]:
        """What callers give for one parameter of a function, or of a class that is made."""
        for call, scope in self._sites.get(key, []) if wanted in parameters else ():
            place = parameters.index(wanted)
            if place < len(call.args):
                yield call.args[place], scope
            yield from ((each.value, scope) for each in call.keywords if each.arg == wanted)

    def _words(self, expression: ast.expr, scope: Scope) -> list[str]:
        """The constant texts that an argument may be."""
        match expression, find(resolved(expression, scope.module)):
            case (ast.Constant(value=word), _) | (_, (_, _, ast.Assign(value=ast.Constant(value=word)))):
                return [str(word)]
            case ast.Name(id=name), _ if name in parameter_names(scope):
                return [
                    word
                    for each, at in self._given(scope.key, parameter_names(scope), name)
                    for word in self._words(each, at)
                ]
        raise AssertionError(f"{scope.key}: {ast.unparse(expression)} is no constant")


@cache
def reach(folder: str) -> Reach:
    """What one function's code can reach."""
    return Reach(folder)

"""The template as CloudFormation gets it, and what it makes of it: SAM's transform, then the conditions."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from tools.template import read_template

_LOCAL = ("CodeUri", "ContentUri", "DefinitionUri")
_NO_VALUE = {"Ref": "AWS::NoValue"}


class _NoManagedPolicies:
    """The template names none; loading them would ask IAM."""

    def load(self) -> dict[str, str]:
        return {}


def translated(*, changed: str = "", **parameters: str) -> dict[str, Any]:
    """The whole template, translated by SAM with these values of its parameters. `changed`: it has other code."""
    template = deepcopy(read_template())
    for logical_id, resource in template["Resources"].items():
        for name in _LOCAL:
            if isinstance(resource.get("Properties", {}).get(name), str):  # as `sam package` leaves it
                resource["Properties"][name] = "s3://bucket/another" if logical_id == changed else "s3://bucket/key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        done: dict[str, Any] = transform(template, dict(parameters), _NoManagedPolicies())
    return done


def created(**parameters: str) -> dict[str, Any]:
    """The resources and outputs of a stack with these values: conditions evaluated, each `Fn::If` replaced."""
    return created_of(translated(**parameters), **parameters)


def created_of(template: Mapping[str, Any], **parameters: str) -> dict[str, Any]:
    """The same of another template, one without SAM's transform or after it."""
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    conditions = _Conditions(template["Conditions"], defaults | parameters)
    kept = {}
    for section in ("Resources", "Outputs"):
        made = {name: each for name, each in template[section].items() if conditions.hold(each.get("Condition"))}
        kept[section] = conditions.taken(made)
    return kept


class _Conditions:
    def __init__(self, conditions: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self._conditions, self._values = conditions, values

    def hold(self, name: str | None) -> bool:
        return name is None or self._true(self._conditions[name])

    def taken(self, value: Any) -> Any:
        """The value with each `Fn::If` replaced by the branch that is taken; what has no value is left out."""
        match value:
            case {"Fn::If": [name, yes, no]}:
                return self.taken(yes if self.hold(name) else no)
            case dict():
                inner = {key: self.taken(each) for key, each in value.items()}
                return {key: each for key, each in inner.items() if each != _NO_VALUE}
            case list():
                return [each for each in map(self.taken, value) if each != _NO_VALUE]
        return value

    def _true(self, condition: Any) -> bool:
        match condition:
            case {"Fn::Equals": [one, other]}:
                return self._text(one) == self._text(other)
            case {"Fn::Not": [inner]}:
                return not self._true(inner)
            case {"Fn::And": parts}:
                return all(map(self._true, parts))
            case {"Fn::Or": parts}:
                return any(map(self._true, parts))
            case {"Condition": name}:
                return self.hold(name)
        raise AssertionError(f"add this kind of condition: {condition}")

    def _text(self, value: Any) -> str:
        return self._values[value["Ref"]] if isinstance(value, dict) else str(value)


def names_in(value: Any) -> Iterator[str]:
    """The parameters and resources that a value refers to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            yield name
        case {"Fn::Sub": [str(text), dict(own)]}:
            yield from (name for name in _substituted(text) if name not in own)
            yield from names_in(own)
        case {"Fn::Sub": str(text)}:
            yield from _substituted(text)
        case dict():
            if "Type" in value and "DependsOn" in value:
                after = value["DependsOn"]
                yield from [after] if isinstance(after, str) else after
            for each in value.values():
                yield from names_in(each)
        case list():
            for each in value:
                yield from names_in(each)


def _substituted(text: str) -> list[str]:
    return re.findall(r"\$\{([\w:]+)(?:\.\w+)*\}", text)

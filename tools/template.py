"""What template.yaml says, for the checks and the tests of what was built from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` is {"Ref": "X"}, `!GetAtt X.Arn` {"Fn::GetAtt": ["X", "Arn"]}.

    libyaml's parser, which every wheel of PyYAML has: it takes a tenth of the time of the one in Python.
    """


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    value = loader.construct_scalar(node)  # type: ignore[arg-type]
    return {name: str(value).split(".", 1) if suffix == "GetAtt" else value}


_Loader.add_multi_constructor("!", _short_form)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as plain values, CloudFormation's short forms written out."""
    document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader, with tags
    return document


@cache
def read_template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """The template, as the repository has it or as `sam build` wrote it. Read once a process: change nothing in it."""
    return read_yaml(path)


@dataclass(frozen=True)
class Function:
    """A function resource: its logical id, and the folder below functions/ that it is built from.

    `policies`: those of its role that are resources of their own.
    """

    logical_id: str
    folder: str
    properties: dict[str, Any]
    policies: list[dict[str, Any]]

    @property
    def statements(self) -> list[dict[str, Any]]:
        """What its role may do besides what SAM gives it."""
        return _statements([*self.properties.get("Policies", []), *self.policies])


def functions(template: dict[str, Any]) -> list[Function]:
    """Every Lambda function of the template, in its order."""
    policies = [properties for _, properties in _of_type(template, "AWS::IAM::Policy")]
    return [
        Function(
            logical_id,
            str(properties["CodeUri"]).rstrip("/").rpartition("/")[2],
            properties,
            [each["PolicyDocument"] for each in policies if {"Ref": f"{logical_id}Role"} in each["Roles"]],
        )
        for logical_id, properties in _of_type(template, "AWS::Serverless::Function")
    ]


@dataclass(frozen=True)
class StateMachine:
    """A state machine resource: its definition's path from the root, what is put into it, what its role may do."""

    logical_id: str
    definition: str
    substitutions: dict[str, Any]
    statements: list[dict[str, Any]]


def state_machines(template: dict[str, Any]) -> list[StateMachine]:
    """Every state machine of the template, in its order."""
    return [
        StateMachine(
            logical_id,
            properties["DefinitionUri"],
            properties.get("DefinitionSubstitutions", {}),
            _statements(properties.get("Policies", [])),
        )
        for logical_id, properties in _of_type(template, "AWS::Serverless::StateMachine")
    ]


def _statements(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a role's policies, those of both branches of an `!If`."""
    statements = []
    waiting = [each for policy in policies for each in policy["Statement"]]
    while waiting:
        each = waiting.pop(0)
        if "Fn::If" in each:
            waiting = each["Fn::If"][1:] + waiting
        elif each != {"Ref": "AWS::NoValue"}:
            statements.append(each)
    return statements


def default_of(template: dict[str, Any], value: Any) -> str:
    """What `value` reads as before anything is deployed: a parameter's default, else a word in its place."""
    if isinstance(value, dict) and "Ref" in value:
        parameter = template.get("Parameters", {}).get(value["Ref"], {})
        return str(parameter.get("Default", "aws" if value["Ref"] == "AWS::Partition" else "placeholder"))
    return value if isinstance(value, str) else "placeholder"


def substituted(template: dict[str, Any], machine: StateMachine) -> dict[str, Any]:
    """The state machine's definition with every `${…}` that the template names filled in."""
    text = (ROOT / machine.definition).read_text(encoding="utf-8")
    for name, value in machine.substitutions.items():
        text = text.replace(f"${{{name}}}", default_of(template, value))
    document: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return document


def _of_type(template: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource.get("Properties", {})

"""A stack for one carrier has nothing of another's, and no reference to a resource that is not created."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.architecture.translated import created, names_in
from tools.template import read_template

_PARAMETERS = read_template()["Parameters"]


@dataclass(frozen=True)
class Own:
    """What only one carrier's stack has: words, resources with the role that SAM adds, settings of functions, outputs.

    `needs`: the parameters without which its stack is refused.
    """

    words: tuple[str, ...]
    resources: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)


_OWN = {
    "chime": Own(
        ("chime", "voiceconnector", "pstn", "sip_media", "sipmedia", "siprule", "areacode"),
        {
            "CallControlMayStopPrompts",
            "NetworkMayCallUs",
            "ProvisionPstnFunction",
            "ProvisionPstnFunctionAliaslive",
            "ProvisionPstnFunctionRole",
            "ProvisionPstnFunctionVersion",
            "ProvisionPstnLog",
            "PstnLine",
        },
        {"SIP_MEDIA_APPLICATION_ID"},
        {"SipMediaApplicationId"},
    ),
    "sip": Own(
        ("node", "secretsmanager"),
        {"NodeDiedAlarm"},
        settings={"NODES_TABLE", "NODE_SECRET"},
        outputs={"CallControl"},
        needs={"DisplayNumbers", "NodesTable", "NodeSecret"},
    ),
    "another": Own(()),
}
_CARRIERS = pytest.mark.parametrize("carrier", _OWN)


@pytest.fixture(scope="module")
def stacks() -> dict[str, dict[str, Any]]:
    return {carrier: created(Carrier=carrier) for carrier in _OWN}


def _said(part: dict[str, Any]) -> str:
    """The text of a resource or an output without descriptions."""
    told = {name: value for name, value in part.items() if name not in ("Description", "Metadata")}
    properties = {name: value for name, value in part.get("Properties", {}).items() if name != "Description"}
    return json.dumps(told | {"Properties": properties}).lower()


@_CARRIERS
def test_a_stack_has_the_words_of_its_own_carrier_and_no_other(stacks, carrier: str):
    text = " ".join(
        f"{name.lower()} {_said(part)}" for section in stacks[carrier].values() for name, part in section.items()
    )
    for other, own in _OWN.items():
        assert [word for word in own.words if word in text] == (list(own.words) if other == carrier else [])


@_CARRIERS
def test_a_stack_has_the_resources_and_outputs_of_its_own_carrier_besides(stacks, carrier: str):
    stack, common, own = stacks[carrier], stacks["another"], _OWN[carrier]
    more = stack["Resources"].keys() - common["Resources"].keys()
    assert {re.sub(r"(Version)[0-9a-f]{10}$", r"\1", name) for name in more} == own.resources
    assert stack["Outputs"].keys() - common["Outputs"].keys() == own.outputs
    for section in ("Resources", "Outputs"):
        assert not common[section].keys() - stack[section].keys()


@_CARRIERS
def test_a_function_has_the_settings_of_its_own_carrier_besides(stacks, carrier: str):
    besides = set()
    for name, resource in stacks["another"]["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            common, given = (
                stacks[each]["Resources"][name]["Properties"]["Environment"]["Variables"]
                for each in ("another", carrier)
            )
            besides |= given.keys() - common.keys()
            assert {key: given[key] for key in common} == common, name
    assert besides == _OWN[carrier].settings


_OF_NODES = {"NodeSubnets": "subnet-0a1b2c3d,subnet-4e5f6071", "NodeSecurityGroup": "sg-0a1b2c3d"}


@pytest.mark.parametrize(
    ("parameters", "placed"),
    [
        ({"Carrier": "sip"} | _OF_NODES, {"CallControlFunction", "FlowFunction", "SweepFunction"}),
        ({"Carrier": "sip"}, set()),
        ({"Carrier": "chime"} | _OF_NODES, set()),
    ],
    ids=["in subnets", "reached otherwise", "another carrier"],
)
def test_the_functions_that_send_requests_to_nodes_and_no_other_are_in_their_subnets(parameters, placed):
    """They are those that are told of the table. What the Internet reaches is not among them."""
    made = created(**parameters)["Resources"]
    functions = {name: each["Properties"] for name, each in made.items() if each["Type"] == "AWS::Lambda::Function"}
    config = {
        "SubnetIds": {"Fn::Split": [",", {"Ref": "NodeSubnets"}]},
        "SecurityGroupIds": {"Fn::Split": [",", {"Ref": "NodeSecurityGroup"}]},
    }
    assert {name: each["VpcConfig"] for name, each in functions.items() if "VpcConfig" in each} == dict.fromkeys(
        placed, config
    )
    told = {name for name, each in functions.items() if "NODES_TABLE" in each["Environment"]["Variables"]}
    assert not placed or placed == told


@_CARRIERS
def test_nothing_refers_to_what_is_not_made(stacks, carrier: str):
    stack = stacks[carrier]
    known = _PARAMETERS.keys() | stack["Resources"].keys()
    named = {name for name in names_in(stack) if not name.startswith("AWS::")}
    assert "CallsTable" in named
    assert named - known == set()


@_CARRIERS
def test_the_display_numbers_are_those_that_were_given_unless_the_carrier_provides_them(stacks, carrier: str):
    value = stacks[carrier]["Outputs"]["DisplayNumbers"]["Value"]
    assert (value == {"Ref": "DisplayNumbers"}) == (carrier != "chime")


@_CARRIERS
def test_a_stack_is_refused_without_what_its_carrier_needs(carrier: str):
    """By a rule of the template, before anything is created, and in a sentence that names the parameter."""
    needed = {}
    for rule in read_template()["Rules"].values():
        if rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Carrier"}, carrier]}:
            for assertion in rule["Assertions"]:
                match assertion["Assert"]:
                    case {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} | {
                        "Fn::Or": [{"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}, *_]
                    }:
                        needed[name] = assertion["AssertDescription"]
    assert needed.keys() == _OWN[carrier].needs
    assert all(name in text for name, text in needed.items())
    assert all(_PARAMETERS[name]["Default"] == "" for name in needed)

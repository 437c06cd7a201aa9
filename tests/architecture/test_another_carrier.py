"""A stack for another carrier has nothing of Chime's, and no reference to a resource that is not created."""

import json
import re
from typing import Any

import pytest

from tests.architecture.translated import created, names_in
from tools.template import read_template

_PARAMETERS = set(read_template()["Parameters"])
_WORDS = ("chime", "voiceconnector", "pstn", "sip_media", "sipmedia", "siprule", "areacode")
# The resources that only Chime needs, with the role that SAM adds.
_CHIME_S = {
    "CallControlMayStopPrompts",
    "NetworkMayCallUs",
    "ProvisionPstnFunction",
    "ProvisionPstnFunctionAliaslive",
    "ProvisionPstnFunctionRole",
    "ProvisionPstnFunctionVersion",
    "ProvisionPstnLog",
    "PstnLine",
}


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    return created()


@pytest.fixture(scope="module")
def other() -> dict[str, Any]:
    return created(Carrier="another")


def _said(part: dict[str, Any]) -> str:
    """The text of a resource or an output without descriptions."""
    told = {name: value for name, value in part.items() if name not in ("Description", "Metadata")}
    properties = {name: value for name, value in part.get("Properties", {}).items() if name != "Description"}
    return json.dumps(told | {"Properties": properties}).lower()


def test_no_resource_statement_setting_or_output_is_chime_s(other):
    for section in other.values():
        found = {
            name: word for name, part in section.items() for word in _WORDS if word in f"{name.lower()} {_said(part)}"
        }
        assert found == {}


def test_each_of_these_words_is_in_the_usual_stack(usual):
    """So the test above can find them."""
    text = json.dumps(usual).lower()
    assert [word for word in _WORDS if word not in text] == []


def test_nothing_else_is_missing(usual, other):
    missing = usual["Resources"].keys() - other["Resources"].keys()
    assert {re.sub(r"(Version)[0-9a-f]{10}$", r"\1", name) for name in missing} == _CHIME_S
    assert usual["Outputs"].keys() - other["Outputs"].keys() == {"SipMediaApplicationId"}
    assert not other["Resources"].keys() - usual["Resources"].keys()


def test_a_function_loses_what_names_the_line_and_no_other_setting(usual, other):
    for name, resource in other["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            before, after = (
                stack["Resources"][name]["Properties"]["Environment"]["Variables"] for stack in (usual, other)
            )
            assert before.keys() - after.keys() <= {"SIP_MEDIA_APPLICATION_ID"}, name
            assert {key: before[key] for key in after} == after, name


@pytest.mark.parametrize("carrier", ["chime", "another"])
def test_nothing_refers_to_what_is_not_made(carrier: str):
    stack = created(Carrier=carrier)
    known = _PARAMETERS | stack["Resources"].keys()
    named = {name for name in names_in(stack) if not name.startswith("AWS::")}
    assert "CallsTable" in named
    assert named - known == set()


def test_the_display_numbers_are_those_that_were_given(other):
    assert other["Outputs"]["DisplayNumbers"]["Value"] == {"Ref": "DisplayNumbers"}

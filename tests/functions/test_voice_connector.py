"""The Voice Connector as CloudFormation makes, changes and removes it, on a stand-in of the service.

Requests and answers are checked against AWS's model of the API; the rest is as the service's documentation has it: what
is not there is 404, a connector with numbers cannot be deleted, a number belongs to one connector.
"""
# ruff: noqa: N802, N803 - methods and arguments have the names of the service's operations and their members

import json
from copy import deepcopy
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from botocore.validate import validate_parameters

from duologue.adapters.carriers.chime_voice_connector import SIGNALLING, USER, ChimeVoiceConnector
from duologue.adapters.operating.cloudformation import NOT_MADE, ResourceResult
from duologue.domain.errors import OutsideUnavailable
from functions.provision_pstn.handler import answer_trunk
from pstn.trunks.trunk_file import TrunkFile
from tools.template import ROOT, read_template

OWN = ("+12025550106", "+12025550107")
NEW = "+12025550100"


@cache
def _client(service: str) -> Any:
    """One for all tests: making one takes longer than a test. Requests to Chime go to the service of the test."""
    made = boto3.client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    given: dict[str, Any] = {}
    made.meta.events.register("before-parameter-build.chime-sdk-voice", lambda params, **_: given.update(p=params))
    made.meta.events.register(
        "before-call.chime-sdk-voice",
        lambda model, **_: (SimpleNamespace(status_code=200), Service.of_the_test.answer(model, given["p"])),
    )
    return made


class Service:
    """Connectors and numbers of one account. `refusals`: errors that come first, by operation."""

    of_the_test: "Service"

    def __init__(self) -> None:
        self.client = _client("chime-sdk-voice")
        Service.of_the_test = self
        self.connectors: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, dict[str, Any]] = {}
        self.refusals: dict[str, list[str]] = {}
        self.asked: list[str] = []

    def own(self, *numbers: str, **more: Any) -> None:
        for number in numbers:
            self.numbers[number] = {"Name": "other", "Status": "Unassigned", "VoiceConnectorId": None} | more

    def answer(self, model: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        """The client has compared the parameters with the model."""
        operation = model.name
        self.asked.append(operation)
        if self.refusals.get(operation):
            self._refuse(operation, self.refusals[operation].pop(0))
        answer: dict[str, Any] = deepcopy(getattr(self, f"_{operation}")(**parameters) or {})
        if model.output_shape:
            validate_parameters(answer, model.output_shape)
        return answer

    def _refuse(self, operation: str, code: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    def _known(self, connector_id: str, part: str = "connector") -> dict[str, Any]:
        found = self.connectors.get(connector_id, {}).get(part)
        if found is None:
            raise ClientError({"Error": {"Code": "NotFoundException", "Message": "no"}}, part)
        return dict(found)

    def _CreateVoiceConnector(self, **wanted: Any) -> Any:
        made_id = str(uuid4())
        about = {**wanted, "VoiceConnectorId": made_id, "OutboundHostName": f"{made_id[:8]}.voiceconnector.chime.aws"}
        self.connectors[made_id] = {"connector": about}
        return {"VoiceConnector": about}

    def _GetVoiceConnector(self, VoiceConnectorId: str) -> Any:
        return {"VoiceConnector": self._known(VoiceConnectorId)}

    def _UpdateVoiceConnector(self, VoiceConnectorId: str, Name: str, RequireEncryption: bool) -> Any:
        self.connectors[VoiceConnectorId]["connector"] |= {"Name": Name, "RequireEncryption": RequireEncryption}
        return self._GetVoiceConnector(VoiceConnectorId)

    def _ListVoiceConnectors(self, NextToken: str = "0") -> Any:
        """A page has one."""
        found, first = [each["connector"] for each in self.connectors.values()], int(NextToken)
        more = {"NextToken": str(first + 1)} if first + 1 < len(found) else {}
        return {"VoiceConnectors": found[first : first + 1], **more}

    def _DeleteVoiceConnector(self, VoiceConnectorId: str) -> None:
        self._known(VoiceConnectorId)
        if any(number["VoiceConnectorId"] == VoiceConnectorId for number in self.numbers.values()):
            self._refuse("DeleteVoiceConnector", "ConflictException")
        if self.connectors[VoiceConnectorId].get("termination"):
            self._refuse("DeleteVoiceConnector", "BadRequestException")
        del self.connectors[VoiceConnectorId]

    def _PutVoiceConnectorTermination(self, VoiceConnectorId: str, Termination: Any) -> Any:
        self._known(VoiceConnectorId)
        self.connectors[VoiceConnectorId]["termination"] = Termination
        return {"Termination": Termination}

    def _PutVoiceConnectorTerminationCredentials(self, VoiceConnectorId: str, Credentials: Any) -> None:
        self._known(VoiceConnectorId, "termination")
        self.connectors[VoiceConnectorId]["credentials"] = Credentials

    def _PutVoiceConnectorOrigination(self, VoiceConnectorId: str, Origination: Any) -> Any:
        self._known(VoiceConnectorId)
        self.connectors[VoiceConnectorId]["origination"] = Origination
        return {"Origination": Origination}

    def _DeleteVoiceConnectorTermination(self, VoiceConnectorId: str) -> None:
        self._known(VoiceConnectorId, "termination")
        del self.connectors[VoiceConnectorId]["termination"]

    def _DeleteVoiceConnectorOrigination(self, VoiceConnectorId: str) -> None:
        self._known(VoiceConnectorId, "origination")
        del self.connectors[VoiceConnectorId]["origination"]

    def _ListPhoneNumbers(self, **filters: str) -> Any:
        """A page has one."""
        found = [
            {"E164PhoneNumber": number, "PhoneNumberId": number.removeprefix("+"), "Name": about["Name"]}
            | {"Status": "Assigned" if about["VoiceConnectorId"] else about["Status"]}
            for number, about in self.numbers.items()
            if filters.get("FilterValue") in (None, about["VoiceConnectorId"])
        ]
        first = int(filters.get("NextToken", "0"))
        more = {"NextToken": str(first + 1)} if first + 1 < len(found) else {}
        return {"PhoneNumbers": found[first : first + 1], **more}

    def _SearchAvailablePhoneNumbers(self, AreaCode: str, **_: Any) -> Any:
        return {"E164PhoneNumbers": [NEW] if AreaCode == "202" else []}

    def _CreatePhoneNumberOrder(self, ProductType: str, E164PhoneNumbers: list[str], Name: str) -> Any:
        assert ProductType == "VoiceConnector"
        self.own(*E164PhoneNumbers, Name=Name)
        return {"PhoneNumberOrder": {"PhoneNumberOrderId": str(uuid4())}}

    def _GetPhoneNumberOrder(self, PhoneNumberOrderId: str) -> Any:
        return {"PhoneNumberOrder": {"PhoneNumberOrderId": PhoneNumberOrderId, "Status": "Successful"}}

    def _AssociatePhoneNumbersWithVoiceConnector(
        self, VoiceConnectorId: str, E164PhoneNumbers: list[str], ForceAssociate: bool
    ) -> Any:
        self._known(VoiceConnectorId)
        errors = []
        for number in E164PhoneNumbers:
            about = self.numbers.get(number)
            if about is None or about["VoiceConnectorId"] not in (None, VoiceConnectorId) or about.get("busy"):
                errors.append(
                    {
                        "PhoneNumberId": number.removeprefix("+"),
                        "ErrorCode": "NotFound" if about is None else "Conflict",
                    }
                )
                if about:
                    about["busy"] = max(0, about.get("busy", 0) - 1)
            else:
                about["VoiceConnectorId"] = VoiceConnectorId
        assert not ForceAssociate, "it would take a number away from another connector"
        return {"PhoneNumberErrors": errors}

    def _DisassociatePhoneNumbersFromVoiceConnector(self, VoiceConnectorId: str, E164PhoneNumbers: list[str]) -> Any:
        for number in E164PhoneNumbers:
            assert self.numbers[number]["VoiceConnectorId"] == VoiceConnectorId
            self.numbers[number]["VoiceConnectorId"] = None
        return {"PhoneNumberErrors": []}

    def numbers_of(self, connector_id: str) -> list[str]:
        return [number for number, about in self.numbers.items() if about["VoiceConnectorId"] == connector_id]


class World:
    def __init__(self) -> None:
        self.service = Service()
        self.slept: list[float] = []
        self.secret = json.dumps({"VOICE_CONNECTOR_PASSWORD": "correct horse", "OTHER": "x"})

    def take(self, kind: str, physical_id: str = "", **properties: str) -> ResourceResult:
        secrets = _client("secretsmanager")
        with Stubber(secrets) as stubber:
            stubber.add_response("get_secret_value", {"SecretString": self.secret}, {"SecretId": "trunks"})
            connector = ChimeVoiceConnector(self.service.client, secrets, self.slept.append)
            event = {"RequestType": kind, "ResourceProperties": GIVEN | properties, "PhysicalResourceId": physical_id}
            return answer_trunk(event, connector)

    def create(self, **properties: str) -> ResourceResult:
        return self.take("Create", **properties)


GIVEN = {
    "Name": "training-trunk",
    "Encrypted": "true",
    "EdgeAddresses": "198.51.100.7,198.51.100.8",
    "EdgeHosts": "a.example.net,b.example.net",
    "CallingRegions": "US,CA",
    "CallsPerSecond": "5",
    "Secret": "trunks",
    "DisplayNumbers": "",
    "AreaCode": "202",
}


@pytest.fixture
def world() -> World:
    return World()


def test_the_template_gives_these_properties_and_no_other():
    properties = read_template(ROOT / "template.yaml")["Resources"]["VoiceConnectorTrunk"]["Properties"]
    assert properties.keys() - {"ServiceToken", "ServiceTimeout"} == GIVEN.keys()


def test_a_connector_takes_calls_of_the_edges_alone_and_sends_them_its_own(world):
    made = world.create()
    [(connector_id, connector)] = world.service.connectors.items()
    assert made.physical_id == connector_id
    assert connector["connector"]["RequireEncryption"] is True
    assert connector["termination"] == {
        "CpsLimit": 5,
        "CallingRegions": ["US", "CA"],
        "CidrAllowedList": ["198.51.100.7/32", "198.51.100.8/32"],
        "Disabled": False,
    }
    assert connector["credentials"] == [{"Username": USER, "Password": "correct horse"}]
    same = {"Port": 5061, "Protocol": "TCP", "Priority": 1, "Weight": 10}
    assert connector["origination"]["Routes"] == [
        {"Host": "a.example.net", **same},
        {"Host": "b.example.net", **same},
    ]
    assert made.attributes["DisplayNumbers"] == NEW
    assert world.service.numbers_of(connector_id) == [NEW]


def test_without_encryption_it_sends_to_addresses_by_udp(world):
    world.create(Encrypted="false", EdgeHosts="")
    [connector] = world.service.connectors.values()
    routes = connector["origination"]["Routes"]
    assert [(each["Host"], each["Port"], each["Protocol"]) for each in routes] == [
        ("198.51.100.7", 5060, "UDP"),
        ("198.51.100.8", 5060, "UDP"),
    ]


@pytest.mark.parametrize(("encrypted", "transport", "srtp"), [("true", "tls", "mandatory"), ("false", "udp", "off")])
def test_its_part_of_the_trunk_file_is_one(world, tmp_path, encrypted: str, transport: str, srtp: str):
    world.service.own(*OWN)
    made = world.create(Encrypted=encrypted, DisplayNumbers=",".join(OWN))
    password = tmp_path / "password"
    password.write_text("correct horse")
    said = made.attributes["Trunk"].replace("/run/duologue/secrets/VOICE_CONNECTOR_PASSWORD", str(password))
    [trunk] = TrunkFile.model_validate({"interface": "ens5", "trunks": yaml.safe_load(said)}).trunks
    assert [host.host for host in trunk.hosts] == [made.attributes["OutboundHostName"]]
    assert (trunk.transport, trunk.srtp, trunk.codecs) == (transport, srtp, ("pcmu",))
    assert trunk.display_numbers == OWN and trunk.calls_per_second == 5
    assert [str(network) for network in trunk.inbound_from] == [SIGNALLING["us-east-1"]]
    assert trunk.digest.user == USER and "correct horse" not in made.attributes["Trunk"]


def test_twice_makes_nothing_twice_and_orders_no_second_number(world):
    assert world.create() == world.create()
    assert (len(world.service.connectors), [*world.service.numbers]) == (1, [NEW])
    assert world.service.asked.count("CreatePhoneNumberOrder") == 1


def test_an_update_changes_it_in_place(world):
    world.service.own(*OWN)
    before = world.create(DisplayNumbers=OWN[0])
    after = world.take("Update", before.physical_id, DisplayNumbers=OWN[1], Encrypted="false", CallsPerSecond="9")
    assert after.physical_id == before.physical_id
    [connector] = world.service.connectors.values()
    assert connector["connector"]["RequireEncryption"] is False and connector["termination"]["CpsLimit"] == 9
    assert world.service.numbers_of(after.physical_id) == [OWN[1]]
    assert [*world.service.numbers] == [*OWN], "the other one is kept"


def test_it_is_found_among_others(world):
    made = [world.create(Name=name, DisplayNumbers="") for name in ("one", "two", "three")]
    assert [world.create(Name=name).physical_id for name in ("one", "two", "three")] == [
        each.physical_id for each in made
    ]


def test_a_number_of_another_connector_stays_there(world):
    world.service.own(OWN[0], VoiceConnectorId="another")
    with pytest.raises(OutsideUnavailable, match=r"\+12025550106: .* Conflict"):
        world.create(DisplayNumbers=OWN[0])
    assert world.service.numbers[OWN[0]]["VoiceConnectorId"] == "another"


def test_a_number_that_is_not_ready_yet_is_taken_later(world):
    world.service.own(*OWN)
    world.service.numbers[OWN[1]]["busy"] = 3
    made = world.create(DisplayNumbers=",".join(OWN))
    assert world.service.numbers_of(made.physical_id) == [*OWN]
    assert len(world.slept) == 3


@pytest.mark.parametrize("secret", ["hush", "[]", '{"OTHER": "x"}'])
def test_a_secret_without_its_password_makes_nothing(world, secret: str):
    world.secret = secret
    with pytest.raises(OutsideUnavailable, match=r"trunks.*VOICE_CONNECTOR_PASSWORD"):
        world.create()
    assert world.service.connectors == {}


def test_a_deleted_connector_keeps_its_numbers(world):
    made = world.create()
    assert world.take("Delete", made.physical_id) == ResourceResult(made.physical_id)
    assert world.service.connectors == {}
    assert world.service.numbers[NEW]["VoiceConnectorId"] is None
    assert world.take("Delete", made.physical_id) == ResourceResult(made.physical_id)
    again = world.create()
    assert world.service.numbers_of(again.physical_id) == [NEW], "found by its name"
    assert world.service.asked.count("CreatePhoneNumberOrder") == 1


@pytest.mark.parametrize("code", ["ConflictException", "BadRequestException"])
@pytest.mark.parametrize(
    "operation", ["PutVoiceConnectorTermination", "PutVoiceConnectorOrigination", "DeleteVoiceConnector"]
)
def test_it_waits_until_the_service_is_done_with_what_came_before(world, operation: str, code: str):
    world.service.refusals[operation] = [code, code]
    made = world.create()
    world.take("Delete", made.physical_id)
    assert (world.service.connectors, len(world.slept), world.service.refusals[operation]) == ({}, 2, [])


def test_what_is_refused_for_another_reason_fails_at_once(world):
    world.service.refusals["CreateVoiceConnector"] = ["AccessDeniedException"]
    with pytest.raises(ClientError, match="AccessDenied"):
        world.create()
    assert world.slept == []


@pytest.mark.parametrize("broken", ["PutVoiceConnectorTermination", "PutVoiceConnectorOrigination", "ListPhoneNumbers"])
def test_one_that_was_not_finished_is_removed_by_its_name(world, broken: str):
    """CloudFormation rolls a failed creation back, and knows no id."""
    world.service.refusals[broken] = ["ForbiddenException"]
    with pytest.raises(ClientError):
        world.create()
    assert len(world.service.connectors) == 1
    world.take("Delete", NOT_MADE)
    assert world.service.connectors == {}

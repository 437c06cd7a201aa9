"""A Voice Connector of Amazon Chime SDK: a SIP trunk of AWS, to and from which the operator's own edges send calls.

`ensure` is idempotent: after a crash or a CloudFormation retry it creates nothing twice, and orders no second number.
Numbers are kept when the connector is removed (chime_numbers).
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of
from duologue.adapters.carriers.chime_numbers import PAUSE_S, ChimeNumbers, in_the_end
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_chime_sdk_voice import ChimeSDKVoiceClient
    from mypy_boto3_chime_sdk_voice.type_defs import OriginationRouteTypeDef, VoiceConnectorTypeDef
    from mypy_boto3_secretsmanager import SecretsManagerClient

USER = "duologue"
PASSWORD = "VOICE_CONNECTOR_PASSWORD"  # noqa: S105 - a name
"""The member of the trunks' secret, and the file that it becomes on nodes and edges."""
SIGNALLING = {
    "us-east-1": "3.80.16.0/23",
    "us-west-2": "99.77.253.0/24",
    "ca-central-1": "99.77.233.0/24",
    "eu-central-1": "99.77.247.0/24",
    "eu-west-1": "99.77.250.0/24",
    "eu-west-2": "99.77.249.0/24",
    "ap-northeast-1": "99.77.244.0/24",
    "ap-northeast-2": "99.77.242.0/24",
    "ap-southeast-1": "99.77.240.0/24",
    "ap-southeast-2": "99.77.239.0/24",
}
"""From where its SIP comes: https://docs.aws.amazon.com/chime-sdk/latest/ag/network-config.html"""
_ASSOCIATION_TRIES = 10


@dataclass(frozen=True, slots=True)
class ConnectorWanted:
    """`edges`: their public addresses. `hosts`: where calls to our numbers go, names of the edges or addresses."""

    name: str
    encrypted: bool
    edges: tuple[str, ...]
    hosts: tuple[str, ...]
    regions: tuple[str, ...]
    calls_per_second: int
    secret: str
    numbers: tuple[str, ...]
    area_code: str

    @classmethod
    def read(cls, properties: Mapping[str, str]) -> "ConnectorWanted":
        edges = _parts(properties["EdgeAddresses"])
        return cls(
            properties["Name"],
            properties["Encrypted"] == "true",
            edges,
            _parts(properties.get("EdgeHosts", "")) or edges,
            _parts(properties["CallingRegions"]),
            int(properties["CallsPerSecond"]),
            properties["Secret"],
            _parts(properties.get("DisplayNumbers", "")),
            properties.get("AreaCode", ""),
        )


@dataclass(frozen=True, slots=True)
class Connector:
    """`trunk`: what belongs into trunks.yaml for it, below `trunks:`."""

    connector_id: str
    outbound_host: str
    numbers: tuple[str, ...]
    trunk: str


class ChimeVoiceConnector:
    def __init__(
        self,
        client: "ChimeSDKVoiceClient",
        secrets_client: "SecretsManagerClient",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._secrets = secrets_client
        self._numbers = ChimeNumbers(client, "VoiceConnector", sleep)
        self._sleep = sleep

    def ensure(self, wanted: ConnectorWanted) -> Connector:
        """Create or update it.

        Raises OutsideUnavailable: the service did not finish in time, refused a number, or the secret has no password.
        """
        password = self._password(wanted.secret)
        connector = self._connector(wanted)
        connector_id = connector["VoiceConnectorId"]
        in_the_end(
            lambda: self._client.put_voice_connector_termination(
                VoiceConnectorId=connector_id,
                Termination={
                    "CpsLimit": wanted.calls_per_second,
                    "CallingRegions": [*wanted.regions],
                    "CidrAllowedList": [f"{address}/32" for address in wanted.edges],
                    "Disabled": False,
                },
            ),
            self._sleep,
        )
        self._client.put_voice_connector_termination_credentials(
            VoiceConnectorId=connector_id, Credentials=[{"Username": USER, "Password": password}]
        )
        in_the_end(
            lambda: self._client.put_voice_connector_origination(
                VoiceConnectorId=connector_id, Origination={"Routes": _routes(wanted), "Disabled": False}
            ),
            self._sleep,
        )
        associated = self._associated(connector_id)
        numbers = wanted.numbers or tuple(associated) or (self._numbers.take(wanted.name, wanted.area_code),)
        self._associate(connector_id, [number for number in numbers if number not in associated])
        self._disassociate(connector_id, [number for number in associated if number not in numbers])
        host = connector["OutboundHostName"]
        return Connector(connector_id, host, numbers, trunk(wanted, self._client.meta.region_name, host, numbers))

    def remove(self, connector_id: str) -> None:
        """Delete it, if it exists; the numbers stay. A connector that has numbers is not deleted by the service."""
        try:
            self._client.get_voice_connector(VoiceConnectorId=connector_id)
        except ClientError as error:
            if code_of(error) != "NotFoundException":
                raise
            return
        _unless_gone(lambda: self._client.delete_voice_connector_origination(VoiceConnectorId=connector_id))
        _unless_gone(lambda: self._client.delete_voice_connector_termination(VoiceConnectorId=connector_id))
        self._disassociate(connector_id, self._associated(connector_id))
        in_the_end(lambda: self._client.delete_voice_connector(VoiceConnectorId=connector_id), self._sleep)

    def remove_unfinished(self, name: str) -> None:
        """The same for one that `ensure` did not finish, so that its id was never returned."""
        connector = self._find(name)
        if connector is not None:
            self.remove(connector["VoiceConnectorId"])

    def _connector(self, wanted: ConnectorWanted) -> "VoiceConnectorTypeDef":
        found = self._find(wanted.name)
        if found is None:
            made = self._client.create_voice_connector(
                Name=wanted.name,
                AwsRegion=self._client.meta.region_name,  # type: ignore[arg-type] # the template's rule has the regions
                RequireEncryption=wanted.encrypted,
            )
            return made["VoiceConnector"]
        if found["RequireEncryption"] != wanted.encrypted:
            self._client.update_voice_connector(
                VoiceConnectorId=found["VoiceConnectorId"], Name=wanted.name, RequireEncryption=wanted.encrypted
            )
        return found

    def _find(self, name: str) -> "VoiceConnectorTypeDef | None":
        token: dict[str, str] = {}
        while True:
            page = self._client.list_voice_connectors(**token)  # type: ignore[arg-type]
            for connector in page["VoiceConnectors"]:
                if connector["Name"] == name:
                    return connector
            if "NextToken" not in page:
                return None
            token = {"NextToken": page["NextToken"]}

    def _associated(self, connector_id: str) -> list[str]:
        numbers: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self._client.list_phone_numbers(
                FilterName="VoiceConnectorId",
                FilterValue=connector_id,
                **token,  # type: ignore[arg-type]
            )
            numbers += [number["E164PhoneNumber"] for number in page["PhoneNumbers"]]
            if "NextToken" not in page:
                return numbers
            token = {"NextToken": page["NextToken"]}

    def _associate(self, connector_id: str, numbers: list[str]) -> None:
        """A number that was just ordered is refused for a while; one of another connector stays there."""
        self._until_taken(
            numbers,
            lambda left: self._client.associate_phone_numbers_with_voice_connector(
                VoiceConnectorId=connector_id, E164PhoneNumbers=left, ForceAssociate=False
            ),
        )

    def _disassociate(self, connector_id: str, numbers: list[str]) -> None:
        self._until_taken(
            numbers,
            lambda left: self._client.disassociate_phone_numbers_from_voice_connector(
                VoiceConnectorId=connector_id, E164PhoneNumbers=left
            ),
        )

    def _until_taken(self, numbers: list[str], change: Callable[[list[str]], Mapping[str, Any]]) -> None:
        """The answer names the numbers for which it was not done. Raises OutsideUnavailable."""
        left = numbers
        for tries_left in reversed(range(_ASSOCIATION_TRIES)):
            if not left:
                return
            errors = change(left).get("PhoneNumberErrors", [])
            refused = {each["PhoneNumberId"].removeprefix("+") for each in errors}
            left = [number for number in left if number.removeprefix("+") in refused]
            if left and not tries_left:
                codes = sorted({str(each["ErrorCode"]) for each in errors})
                raise OutsideUnavailable(f"{', '.join(left)}: the Voice Connector refused them: {', '.join(codes)}")
            if left:
                self._sleep(PAUSE_S)

    def _password(self, secret: str) -> str:
        text = self._secrets.get_secret_value(SecretId=secret)["SecretString"]
        try:
            password = json.loads(text)[PASSWORD]
        except (ValueError, KeyError, TypeError):
            raise OutsideUnavailable(f"the secret {secret} is no JSON object with {PASSWORD}") from None
        return str(password)


def _unless_gone(delete: Callable[[], object]) -> None:
    """An earlier deletion may have come as far as this."""
    try:
        delete()
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            raise


def trunk(wanted: ConnectorWanted, region: str, host: str, numbers: Iterable[str]) -> str:
    """What belongs into trunks.yaml, below `trunks:`."""
    displayed = ", ".join(f'"{number}"' for number in numbers)
    return f"""\
- name: voice-connector
  {"profile: voice-connector" if wanted.encrypted else "codecs: [pcmu]"}
  hosts: [{host}]
  digest: {{user: {USER}, secret: {{file: /run/duologue/secrets/{PASSWORD}}}}}
  display_numbers: [{displayed}]
  calls_per_second: {wanted.calls_per_second}
  inbound_from: [{SIGNALLING[region]}]
"""


def _routes(wanted: ConnectorWanted) -> "list[OriginationRouteTypeDef]":
    """To all edges alike. With encryption the service connects by TLS where the protocol says TCP."""
    port = 5061 if wanted.encrypted else 5060
    return [
        {"Host": host, "Port": port, "Protocol": "TCP" if wanted.encrypted else "UDP", "Priority": 1, "Weight": 10}
        for host in wanted.hosts
    ]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)

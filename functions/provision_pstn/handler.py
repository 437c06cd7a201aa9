"""CloudFormation custom resources: the line of Chime's PSTN audio, and a Voice Connector as a trunk of own nodes.

Every step is idempotent, since CloudFormation repeats them.
"""

from typing import Any, Protocol

from duologue.adapters.basics.aws import PATIENT
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.carriers.chime_line import ChimeLine, LineWanted
from duologue.adapters.carriers.chime_message_log import MessageLog
from duologue.adapters.carriers.chime_voice_connector import ChimeVoiceConnector, ConnectorWanted
from duologue.adapters.operating.cloudformation import NOT_MADE, ResourceResult
from duologue.runtime.custom_resource import replying


def answer(event: dict[str, Any], line: ChimeLine) -> ResourceResult:
    """Handle one event of `Custom::PstnLine`."""
    wanted = LineWanted.read(event["ResourceProperties"])
    if event["RequestType"] == "Delete":
        return _removed(event, line, wanted.name)
    made = line.ensure(wanted)
    return ResourceResult(
        made.application_id,
        {
            "SipMediaApplicationId": made.application_id,
            "SipMediaApplicationArn": made.application_arn,
            "DisplayNumbers": ",".join(made.numbers),
        },
    )


def answer_trunk(event: dict[str, Any], connector: ChimeVoiceConnector) -> ResourceResult:
    """Handle one event of `Custom::VoiceConnector`."""
    wanted = ConnectorWanted.read(event["ResourceProperties"])
    if event["RequestType"] == "Delete":
        return _removed(event, connector, wanted.name)
    made = connector.ensure(wanted)
    return ResourceResult(
        made.connector_id,
        {"OutboundHostName": made.outbound_host, "DisplayNumbers": ",".join(made.numbers), "Trunk": made.trunk},
    )


class _Made(Protocol):
    def remove(self, made_id: str, /) -> None: ...

    def remove_unfinished(self, name: str) -> None: ...


def _removed(event: dict[str, Any], made: _Made, name: str) -> ResourceResult:
    """By id only: after an update that created another one of this name, CloudFormation deletes the old one."""
    physical_id = event["PhysicalResourceId"]
    if physical_id == NOT_MADE:
        made.remove_unfinished(name)
    else:
        made.remove(physical_id)
    return ResourceResult(physical_id)


def line() -> ChimeLine:
    return ChimeLine(client("chime-sdk-voice", PATIENT), MessageLog(client("logs", PATIENT)))


def connector() -> ChimeVoiceConnector:
    return ChimeVoiceConnector(client("chime-sdk-voice", PATIENT), client("secretsmanager", PATIENT))


def handler(event: dict[str, Any], context: object) -> None:
    if event["ResourceType"] == "Custom::VoiceConnector":
        replying(lambda asked: answer_trunk(asked, connector()), event, context)
    else:
        replying(lambda asked: answer(asked, line()), event, context)

"""CloudFormation custom resource: number, SIP media application, SIP rule, logging."""

from typing import Any

from duologue.adapters.aws import PATIENT
from duologue.adapters.aws_clients import client
from duologue.adapters.chime_line import ChimeLine, LineWanted
from duologue.adapters.chime_message_log import MessageLog
from duologue.adapters.cloudformation import NOT_MADE, ResourceResult
from duologue.runtime.custom_resource import replying


def answer(event: dict[str, Any], line: ChimeLine) -> ResourceResult:
    """Handle one custom-resource event. Every step is idempotent, since CloudFormation repeats them."""
    wanted = LineWanted.read(event["ResourceProperties"])
    if event["RequestType"] == "Delete":
        # By id only: after an update that created another line of this name, CloudFormation deletes the old one.
        physical_id = event["PhysicalResourceId"]
        if physical_id == NOT_MADE:
            line.remove_unfinished(wanted.name)
        else:
            line.remove(physical_id)
        return ResourceResult(physical_id)
    made = line.ensure(wanted)
    return ResourceResult(
        made.application_id,
        {
            "SipMediaApplicationId": made.application_id,
            "SipMediaApplicationArn": made.application_arn,
            "DisplayNumbers": ",".join(made.numbers),
        },
    )


def line() -> ChimeLine:
    return ChimeLine(client("chime-sdk-voice", PATIENT), MessageLog(client("logs", PATIENT)))


def handler(event: dict[str, Any], context: object) -> None:
    replying(lambda asked: answer(asked, line()), event, context)

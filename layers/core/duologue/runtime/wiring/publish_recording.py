"""Dependencies of publish_recording."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.basics.aws import PATIENT
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.basics.sqs_messages import SqsMessages
from duologue.adapters.media.s3_publisher import S3Publisher
from duologue.adapters.rows.sealed_rows import UnopenedRows
from duologue.runtime.given_back import GiveBack
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.recordings import Publisher


@dataclass(frozen=True, slots=True)
class Dependencies:
    calls: Calls
    publisher: Publisher
    give_back: GiveBack


@cache
def dependencies() -> Dependencies:
    return Dependencies(
        dynamo_calls(UnopenedRows()),
        S3Publisher(client("s3", PATIENT), setting("RECORDINGS_BUCKET")),
        SqsMessages(client("sqs", PATIENT), (setting("RECORDED_QUEUE"),)).give_back,
    )

"""What publishing a recording is made of."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.aws_clients import patient
from duologue.adapters.s3_publisher import S3Publisher
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.usecases.ports import Calls, Publisher


@dataclass(frozen=True, slots=True)
class Parts:
    calls: Calls
    publisher: Publisher


@cache
def parts() -> Parts:
    return Parts(dynamo_calls(), S3Publisher(patient("s3"), setting("RECORDINGS_BUCKET")))

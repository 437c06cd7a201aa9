"""Dependencies of sweep."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.aws import NORMAL, PATIENT
from duologue.adapters.aws_clients import client, lazy_client
from duologue.adapters.dynamo_open_calls import DynamoOpenCalls
from duologue.adapters.dynamo_waiting import DynamoWaiting
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls, finalize_call
from duologue.usecases.ports.calls import OpenCalls
from duologue.usecases.queue_due import QueueDue
from duologue.usecases.sweep_calls import SweepCalls


@dataclass(frozen=True, slots=True)
class Dependencies:
    calls: OpenCalls
    sweep: SweepCalls
    queue_due: QueueDue


@cache
def dependencies() -> Dependencies:
    open_calls = DynamoOpenCalls(client("dynamodb", NORMAL), setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"))
    finalize = finalize_call(dynamo_calls())
    return Dependencies(
        open_calls,
        SweepCalls(open_calls, finalize, SystemClock(), isolate_failures("sweep")),
        QueueDue(
            DynamoWaiting(client("dynamodb", NORMAL), setting("CALLS_TABLE")),
            SqsNotices(lazy_client("sqs", PATIENT), retry=setting("RETRY_QUEUE")),
            SystemClock(),
        ),
    )

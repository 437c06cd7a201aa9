"""Dependencies of sweep."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from time import sleep

from duologue.adapters.accounting.dynamo_ended_calls import DynamoEndedCalls
from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.accounting.dynamo_open_calls import DynamoOpenCalls
from duologue.adapters.basics.aws import NORMAL, THREADS
from duologue.adapters.basics.aws_clients import client, lazy_client
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.basics.threads import Threads
from duologue.adapters.calls.dynamo_histories import DynamoHistories
from duologue.adapters.notifying.dynamo_waiting import DynamoWaiting
from duologue.adapters.notifying.sqs_notices import SqsNotices
from duologue.runtime.carriers import node_table
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls, flows
from duologue.runtime.wiring.finalizing import finalize_call
from duologue.runtime.wiring.recordings import cdr_archive, s3_recordings
from duologue.runtime.wiring.seals import sealed_rows
from duologue.usecases.accounting.bury_nodes import BuryNodes
from duologue.usecases.accounting.reconcile_calls import ReconcileCalls
from duologue.usecases.accounting.sweep_calls import SweepCalls
from duologue.usecases.notifying.queue_due import QueueDue
from duologue.usecases.ports.calls import OpenCalls
from duologue.usecases.ports.outside import Clock
from duologue.wire.huawei.cdrs import HuaweiCdrs


@dataclass(frozen=True, slots=True)
class Dependencies:
    calls: OpenCalls
    sweep: SweepCalls
    queue_due: QueueDue
    reconcile: ReconcileCalls
    clock: Clock
    bury: BuryNodes | None = None
    """None: the carrier has no nodes of the operator's."""


@cache
def dependencies() -> Dependencies:
    rows = sealed_rows()
    dynamo, table, clock = client("dynamodb", NORMAL), setting("CALLS_TABLE"), SystemClock()
    open_calls = DynamoOpenCalls(dynamo, table, setting("ACCOUNTS_TABLE"))
    calls, isolate, threads = dynamo_calls(rows), isolate_failures("sweep"), Threads(THREADS)
    notices = SqsNotices(lazy_client("sqs", NORMAL), setting("FIRST_QUEUE"), setting("RETRY_QUEUE"))
    finalize, nodes = finalize_call(calls), node_table()
    return Dependencies(
        open_calls,
        SweepCalls(open_calls, finalize, clock, isolate, threads),
        QueueDue(DynamoWaiting(dynamo, table), notices, clock, threads),
        ReconcileCalls(
            DynamoEndedCalls(dynamo, table),
            calls,
            DynamoHistories(dynamo, table, rows),
            flows(),
            notices,
            s3_recordings(),
            DynamoListing(dynamo, table, setting("LISTS_TABLE")),
            cdr_archive(),
            HuaweiCdrs(setting("HOST_NAME")),
            clock,
            isolate,
            pause,
            threads,
        ),
        clock,
        None if nodes is None else BuryNodes(nodes, open_calls, finalize, clock, isolate, _wait, threads),
    )


def _wait(time: timedelta) -> None:
    sleep(time.total_seconds())

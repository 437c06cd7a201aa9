"""Dependencies of outbox."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.basics.aws import FAST, PATIENT
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.calls.step_functions_flows import StepFunctionsFlows
from duologue.adapters.notifying.sqs_notices import SqsNotices
from duologue.adapters.rows.sealed_rows import UnopenedRows
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.usecases.accounting.list_calls import ListCalls
from duologue.usecases.notifying.forward_facts import ForwardFacts


@dataclass(frozen=True, slots=True)
class Dependencies:
    forward: ForwardFacts
    list_calls: ListCalls


@cache
def dependencies() -> Dependencies:
    flows = StepFunctionsFlows(client("stepfunctions", PATIENT), setting("STATE_MACHINE"))
    notices = SqsNotices(client("sqs", PATIENT), setting("FIRST_QUEUE"))
    isolate = isolate_failures("outbox")
    listing = DynamoListing(client("dynamodb", FAST), setting("CALLS_TABLE"), setting("LISTS_TABLE"))
    return Dependencies(
        ForwardFacts(dynamo_calls(UnopenedRows(), PATIENT), flows, notices, isolate),
        ListCalls(listing, SystemClock(), isolate),
    )

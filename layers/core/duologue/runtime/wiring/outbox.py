"""Dependencies of outbox."""

from functools import cache

from duologue.adapters.aws import PATIENT
from duologue.adapters.aws_clients import client
from duologue.adapters.sealed_rows import UnopenedRows
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.usecases.forward_facts import ForwardFacts


@cache
def dependencies() -> ForwardFacts:
    flows = StepFunctionsFlows(client("stepfunctions", PATIENT), setting("STATE_MACHINE"))
    notices = SqsNotices(client("sqs", PATIENT), setting("FIRST_QUEUE"))
    return ForwardFacts(dynamo_calls(UnopenedRows(), PATIENT), flows, notices, isolate_failures("outbox"))

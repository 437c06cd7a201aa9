"""Dependencies of outbox."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.aws import PATIENT
from duologue.adapters.aws_clients import client
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.usecases.ports.calls import Calls
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.notifying import Notices


@dataclass(frozen=True, slots=True)
class Dependencies:
    calls: Calls
    flows: Flows
    notices: Notices


@cache
def dependencies() -> Dependencies:
    flows = StepFunctionsFlows(client("stepfunctions", PATIENT), "")
    return Dependencies(dynamo_calls(PATIENT), flows, SqsNotices(client("sqs", PATIENT), setting("FIRST_QUEUE")))

"""What the outbox is made of."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.aws import PATIENT
from duologue.adapters.aws_clients import client
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.runtime.settings import setting
from duologue.usecases.ports import Flows, Notices


@dataclass(frozen=True, slots=True)
class Dependencies:
    flows: Flows
    notices: Notices


@cache
def dependencies() -> Dependencies:
    flows = StepFunctionsFlows(client("stepfunctions", PATIENT), "")
    return Dependencies(flows, SqsNotices(client("sqs", PATIENT), setting("FIRST_QUEUE")))

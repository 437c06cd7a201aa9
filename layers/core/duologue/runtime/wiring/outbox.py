"""What the outbox is made of."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.aws_clients import patient
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.runtime.settings import setting
from duologue.usecases.ports import Flows, Notices


@dataclass(frozen=True, slots=True)
class Parts:
    flows: Flows
    notices: Notices


@cache
def parts() -> Parts:
    flows = StepFunctionsFlows(patient("stepfunctions"), "")
    return Parts(flows, SqsNotices(patient("sqs"), setting("FIRST_QUEUE"), setting("RETRY_QUEUE")))

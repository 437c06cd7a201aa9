"""Adapters of calls."""

from datetime import timedelta

from duologue.adapters.aws import NORMAL, Timeouts
from duologue.adapters.aws_clients import client, lazy_client
from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.adapters.jittered_pause import pause
from duologue.adapters.step_functions_flows import StepFunctionsFlows
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.carriers import network
from duologue.runtime.settings import setting
from duologue.usecases.finalize_call import FinalizeCall


def keep_calls() -> timedelta:
    return timedelta(days=int(setting("KEEP_CALLS_DAYS", "90")))


def dynamo_calls(timeouts: Timeouts = NORMAL) -> DynamoCalls:
    return DynamoCalls(client("dynamodb", timeouts), setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"), keep_calls())


def flows(timeouts: Timeouts = NORMAL) -> StepFunctionsFlows:
    return StepFunctionsFlows(lazy_client("stepfunctions", timeouts), setting("STATE_MACHINE", ""))


def finalize_call(calls: DynamoCalls) -> FinalizeCall:
    return FinalizeCall(calls, network(), flows(), SystemClock(), pause)

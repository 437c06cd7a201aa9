"""Adapters of calls."""

from datetime import timedelta

from duologue.adapters.basics.aws import NORMAL, Timeouts
from duologue.adapters.basics.aws_clients import client, lazy_client
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.calls.step_functions_flows import StepFunctionsFlows
from duologue.adapters.rows.sealed_rows import RowSeal
from duologue.runtime.settings import setting


def keep_calls() -> timedelta:
    return timedelta(days=int(setting("KEEP_CALLS_DAYS", "90")))


def dynamo_calls(rows: RowSeal, timeouts: Timeouts = NORMAL) -> DynamoCalls:
    return DynamoCalls(
        client("dynamodb", timeouts), setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"), keep_calls(), rows
    )


def flows(timeouts: Timeouts = NORMAL) -> StepFunctionsFlows:
    return StepFunctionsFlows(lazy_client("stepfunctions", timeouts), setting("STATE_MACHINE", ""))

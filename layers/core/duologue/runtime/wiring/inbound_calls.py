"""The adapter of calls to display numbers."""

from duologue.adapters.basics.aws import NORMAL, Timeouts
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.memory.dynamo_inbound_calls import DynamoInboundCalls
from duologue.runtime.settings import setting


def inbound_calls(calls: DynamoCalls, timeouts: Timeouts = NORMAL) -> DynamoInboundCalls:
    return DynamoInboundCalls(client("dynamodb", timeouts), setting("ACCOUNTS_TABLE"), setting("CALLS_TABLE"), calls)

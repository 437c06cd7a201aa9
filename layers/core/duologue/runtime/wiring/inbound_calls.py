"""The adapter of calls to display numbers."""

from duologue.adapters.aws import NORMAL, Timeouts
from duologue.adapters.aws_clients import client
from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.adapters.dynamo_inbound_calls import DynamoInboundCalls
from duologue.runtime.settings import setting


def inbound_calls(calls: DynamoCalls, timeouts: Timeouts = NORMAL) -> DynamoInboundCalls:
    return DynamoInboundCalls(client("dynamodb", timeouts), setting("ACCOUNTS_TABLE"), setting("CALLS_TABLE"), calls)

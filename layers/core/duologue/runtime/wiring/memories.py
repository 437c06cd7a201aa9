"""Adapters of call memory."""

from duologue.adapters.aws import FAST, NORMAL, Timeouts
from duologue.adapters.aws_clients import client, lazy_client
from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.adapters.dynamo_inbound_calls import DynamoInboundCalls
from duologue.adapters.kms_memory_seal import KmsMemorySeal
from duologue.runtime.settings import setting


def memory_seal() -> KmsMemorySeal:
    """`SECRETS_KEY` is only set where memories are made. FAST: nobody waits long for what a call can do without."""
    return KmsMemorySeal(lazy_client("kms", FAST), setting("MEMORIES_KEY"), setting("SECRETS_KEY", ""))


def inbound_calls(calls: DynamoCalls, timeouts: Timeouts = NORMAL) -> DynamoInboundCalls:
    return DynamoInboundCalls(client("dynamodb", timeouts), setting("ACCOUNTS_TABLE"), setting("CALLS_TABLE"), calls)

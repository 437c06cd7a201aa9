"""The adapters of deny lists and rates. A module of its own: call_control needs them without the numbering plan."""

from duologue.adapters.basics.aws import NORMAL, Timeouts
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.numbers.dynamo_deny_lists import DynamoDenyLists
from duologue.adapters.numbers.dynamo_rates import DynamoRates
from duologue.runtime.settings import setting
from duologue.runtime.wiring.memories import memory_seal


def deny_lists(timeouts: Timeouts = NORMAL) -> DynamoDenyLists:
    return DynamoDenyLists(client("dynamodb", timeouts), setting("ACCOUNTS_TABLE"), memory_seal())


def rate_book(timeouts: Timeouts = NORMAL) -> DynamoRates:
    return DynamoRates(client("dynamodb", timeouts), setting("ACCOUNTS_TABLE"))

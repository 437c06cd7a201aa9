"""The adapters that share the calls table and the accounts table, as one object with every role."""

from collections import defaultdict
from datetime import timedelta

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.dynamo_request_limits import DynamoRequestLimits
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.accounting.dynamo_ended_calls import DynamoEndedCalls
from duologue.adapters.accounting.dynamo_open_calls import DynamoOpenCalls
from duologue.adapters.basics.aws import from_item
from duologue.adapters.calls.dynamo_acceptance import DynamoAcceptance
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.calls.dynamo_histories import DynamoHistories
from duologue.adapters.memory.dynamo_memories import DynamoMemories
from duologue.adapters.notifying.dynamo_app_events import DynamoAppEvents
from duologue.adapters.notifying.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.notifying.dynamo_waiting import DynamoWaiting
from duologue.adapters.rows.call_rows import sequences_of
from duologue.domain.access.accounts import App, Sp
from tests.fakes.seals import ROWS
from tests.samples import NOW

KEEP = timedelta(days=90)
APP = App("app-1", "sp-1", "ExampleSecret0123456789abcd", display_numbers=("+12025550100",))


def held(calls):
    """The calls that hold slots, each with its pair, by app."""
    found: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
    for slot in calls.held_slots():
        found[slot.app][slot.call_id] = slot.pair
    return found


class NoSeal(KmsSecrets):
    """Nothing here is about secrets."""

    def __init__(self):
        pass

    def seal(self, app_key, secret):
        return secret.encode()

    def open(self, app_key, sealed):
        return sealed.decode()


class Store:
    """The adapters that share the two tables, as one."""

    def __init__(self, client, calls, accounts):
        self.client, self.calls_table, self.accounts_table = client, calls, accounts
        self.accounts = DynamoAccountBook(client, accounts, NoSeal())
        self.accounts.add_sp(Sp("sp-1", "one", "hash"))
        self.accounts.add_app(APP)
        self.memories = DynamoMemories(client, accounts, KEEP)
        self.now = NOW
        self.core = DynamoCalls(client, calls, accounts, KEEP, ROWS, lambda: self.now)
        self._roles = (
            self.core,
            DynamoAcceptance(client, accounts, self.core),
            DynamoOpenCalls(client, calls, accounts),
            DynamoEndedCalls(client, calls),
            DynamoHistories(client, calls, ROWS),
            DynamoWaiting(client, calls),
            DynamoAppEvents(client, calls, ROWS),
            DynamoRequestLimits(client, accounts),
            DynamoNotificationLog(client, calls, accounts, self.accounts, KEEP, ROWS),
        )

    def __getattr__(self, name):
        return next(getattr(role, name) for role in self._roles if hasattr(role, name))

    def sources(self, call_id):
        """What the stream said: the item that holds each fact, by sequence."""
        found = self.client.query(
            TableName=self.calls_table,
            KeyConditionExpression="#call = :call AND begins_with(#item, :event)",
            ExpressionAttributeNames={"#call": "call", "#item": "item"},
            ExpressionAttributeValues={":call": {"S": call_id}, ":event": {"S": "EVENT#"}},
        )
        rows = [from_item(item) for item in found["Items"]]
        return {number: row["item"] for row in rows for number in sequences_of(row)}

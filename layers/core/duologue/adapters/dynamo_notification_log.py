"""Notifications due and their delivery attempts: one read over both tables, one write per attempt."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, from_item, outside, to_item
from duologue.adapters.call_rows import (
    ASKED,
    CALL,
    CDR,
    call_of_rows,
    cdr_of_rows,
    delivery_key,
    delivery_of,
    delivery_row,
    facts_of,
)
from duologue.adapters.dynamo_accounts import DynamoAccounts, app_key
from duologue.adapters.dynamo_calls import WHAT, key_of
from duologue.adapters.rows_before import in_todays_terms, is_fact, told_key
from duologue.call_control.history import Delivery
from duologue.domain.call import Call
from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.usecases.ports.notifying import Notice, Notification

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoNotificationLog:
    """Implements `usecases.ports.notifying.NotificationLog`."""

    def __init__(
        self, client: "DynamoDBClient", calls: str, accounts: str, apps: DynamoAccounts, keep: timedelta
    ) -> None:
        """`calls`, `accounts`: the tables' names. `keep`: retention of delivery attempts."""
        self._client = client
        self._calls = calls
        self._accounts = accounts
        self._apps = apps
        self._keep = keep

    def notification(self, notice: Notice) -> Notification:
        delivery = delivery_key(notice.sequence)
        items = [CALL, ASKED, CDR, notice.source, delivery]
        if is_fact(notice.source):
            items.append(told_key(notice.sequence))
        app = notice.app or self._app_of(notice.call_id)
        with outside(WHAT):
            found = self._client.batch_get_item(
                RequestItems={
                    self._calls: {"Keys": [key_of(notice.call_id, item) for item in items], "ConsistentRead": True},
                    self._accounts: {"Keys": [app_key(app)], "ConsistentRead": True},
                }
            )
        rows = in_todays_terms(_by_sort_key(found, self._calls))
        facts = facts_of(rows[notice.source]) if notice.source in rows else {}
        call = call_of_rows(notice.call_id, rows)
        if notice.sequence not in facts:
            raise UnknownCall(notice.call_id)
        return Notification(
            call=call,
            fact=facts[notice.sequence],
            app=self._apps.app_in(app, found["Responses"].get(self._accounts, [])),
            cdr=cdr_of_rows(call, rows.get(CDR)),
            last=delivery_of(rows[delivery]) if delivery in rows else None,
        )

    def is_later_acknowledged(self, call: Call, sequence: int) -> bool:
        later = [key_of(call.id, delivery_key(number)) for number in range(sequence + 1, call.facts + 1)]
        if not later:
            return False
        with outside(WHAT):
            found = self._client.batch_get_item(RequestItems={self._calls: {"Keys": later, "ConsistentRead": True}})
        return any(row["acknowledged"] for row in _by_sort_key(found, self._calls).values())

    def _app_of(self, call_id: str) -> str:
        """A notice of release 0.1.0 does not say it, nor does its fact."""
        with outside(WHAT):
            found = self._client.batch_get_item(RequestItems={self._calls: {"Keys": [key_of(call_id, CALL)]}})
        call = _by_sort_key(found, self._calls).get(CALL, {})
        if "app" not in call:
            raise UnknownCall(call_id)
        return str(call["app"])

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        row = delivery_row(delivery) | {"expires_at": int((delivery.at + self._keep).timestamp())}
        try:
            with outside(WHAT):
                self._client.put_item(
                    TableName=self._calls,
                    Item=key_of(call_id, delivery_key(sequence)) | to_item(row),
                    ConditionExpression="attribute_not_exists(acknowledged) OR acknowledged = :no",
                    ExpressionAttributeValues={":no": {"BOOL": False}},
                )
        except ClientError as error:  # already acknowledged: a late failure of an earlier attempt changes nothing
            if code_of(error) != "ConditionalCheckFailedException":
                raise


def _by_sort_key(found: Mapping[str, Any], table: str) -> dict[str, dict[str, Any]]:
    if found.get("UnprocessedKeys"):  # throttled
        raise OutsideUnavailable(f"{WHAT}: UnprocessedKeys")
    return {item["item"]["S"]: from_item(item) for item in found["Responses"].get(table, [])}

"""Notifications and their delivery: one read over both tables, and one write, per attempt."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.access.dynamo_accounts import DynamoAccounts, app_key
from duologue.adapters.basics.aws import to_item, to_value
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import write_one
from duologue.adapters.calls.dynamo_calls import WHAT, key_of
from duologue.adapters.calls.dynamo_histories import rows_of
from duologue.adapters.notifying.dynamo_waiting import waiting_row
from duologue.adapters.rows.call_rows import (
    ASKED,
    CALL,
    CDR,
    call_of_rows,
    cdr_of_rows,
    delivery_key,
    delivery_of,
    delivery_row,
    facts_of,
    is_event,
    sequence_of_delivery,
    undelivered_listing,
)
from duologue.adapters.rows.endpoint_health_row import health_key, health_of, health_write
from duologue.adapters.rows.rows_before import in_todays_terms, is_fact, told_key
from duologue.adapters.rows.sealed_rows import RowSeal, opened_item
from duologue.adapters.rows.sweep_index import OPEN
from duologue.call_control.history import Delivery, DeliveryState
from duologue.domain.calls.call import Call
from duologue.domain.errors import RaceLost, UnknownCall
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.usecases.ports.notifying import Notice, Notification

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoNotificationLog:
    """Implements `usecases.ports.notifying.NotificationLog`."""

    def __init__(
        self, client: "DynamoDBClient", calls: str, accounts: str, apps: DynamoAccounts, keep: timedelta, seal: RowSeal
    ) -> None:
        """`calls`, `accounts`: the tables' names. `keep`: retention of delivery attempts."""
        self._client = client
        self._calls = calls
        self._accounts = accounts
        self._apps = apps
        self._keep = keep
        self._seal = seal

    def notification(self, notice: Notice) -> Notification:
        delivery = delivery_key(notice.sequence)
        before = delivery_key(notice.sequence - 1)
        items = [CALL, ASKED, CDR, notice.source, delivery, before]
        if is_fact(notice.source):
            items += [told_key(notice.sequence), told_key(notice.sequence - 1)]
        app = notice.app or self._app_of(notice.call_id)
        found = read_all(
            self._client,
            WHAT,
            {
                self._calls: {"Keys": [key_of(notice.call_id, item) for item in items], "ConsistentRead": True},
                self._accounts: {"Keys": [app_key(app), health_key(app)], "ConsistentRead": True},
            },
        )
        rows = in_todays_terms(self._by_sort_key(found))
        facts = facts_of(rows[notice.source]) if notice.source in rows else {}
        call = call_of_rows(notice.call_id, rows)
        if notice.sequence not in facts:
            raise UnknownCall(notice.call_id)
        return Notification(
            call=call,
            fact=facts[notice.sequence],
            app=self._apps.app_in(app, found[self._accounts]),
            cdr=cdr_of_rows(call, rows.get(CDR)),
            delivery=delivery_of(rows[delivery]) if delivery in rows else None,
            follows=before in rows and not delivery_of(rows[before]).is_put_off,
            health=_health_in(app, found[self._accounts]),
        )

    def deliveries_of(self, wanted: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], Delivery]:
        keys = [key_of(call_id, delivery_key(sequence)) for call_id, sequence in wanted]
        if not keys:
            return {}
        found = read_all(self._client, WHAT, {self._calls: {"Keys": keys}})
        return {
            (item["call"]["S"], sequence_of_delivery(item["item"]["S"])): delivery_of(opened_item(self._seal, item))
            for item in found[self._calls]
        }

    def endpoint_health(self, app_key: str) -> EndpointHealth:
        wanted = {self._accounts: {"Keys": [health_key(app_key)], "ConsistentRead": True}}
        return _health_in(app_key, read_all(self._client, WHAT, wanted)[self._accounts])

    def save_health(self, app_key: str, health: EndpointHealth, now: datetime) -> None:
        write_one(self._client, WHAT, health_write(self._accounts, app_key, health, now))

    def not_attempted(self, notice: Notice) -> Sequence[Notice]:
        rows = rows_of(self._client, self._calls, notice.call_id, self._seal)
        sources = {number: item for item in rows if is_event(item) or is_fact(item) for number in facts_of(rows[item])}
        before = [(number, source) for number, source in sorted(sources.items()) if number < notice.sequence]
        known = {
            number: delivery_of(rows[delivery_key(number)]) for number, _ in before if delivery_key(number) in rows
        }
        return [
            replace(notice, sequence=number, source=source, version=known[number].version if number in known else 0)
            for number, source in before
            if number not in known or known[number].is_put_off
        ]

    def is_later_acknowledged(self, call: Call, sequence: int) -> bool:
        later = [key_of(call.id, delivery_key(number)) for number in range(sequence + 1, call.facts + 1)]
        if not later:
            return False
        found = read_all(self._client, WHAT, {self._calls: {"Keys": later, "ConsistentRead": True}})
        return any(delivery_of(row).is_acknowledged for row in self._by_sort_key(found).values())

    def _app_of(self, call_id: str) -> str:
        """A notice of release 0.1.0 does not say it, nor does its fact."""
        found = read_all(self._client, WHAT, {self._calls: {"Keys": [key_of(call_id, CALL)]}})
        call = self._by_sort_key(found).get(CALL, {})
        if "app" not in call:
            raise UnknownCall(call_id)
        return str(call["app"])

    def save_delivery(self, notice: Notice, delivery: Delivery, look_at: datetime | None = None) -> int:
        row = delivery_row(replace(delivery, version=delivery.version + 1))
        row["expires_at"] = int((delivery.since + self._keep).timestamp())
        look_at = look_at or delivery.due
        if look_at is not None:
            row |= waiting_row(notice, look_at)
        if delivery.state in (DeliveryState.WAITING, DeliveryState.UNDELIVERED):
            row |= undelivered_listing(notice.app, notice.call_id, notice.sequence, delivery.since)
        item = delivery_key(notice.sequence)
        put = {
            "TableName": self._calls,
            "Item": key_of(notice.call_id, item) | to_item(self._seal.closed(notice.call_id, item, row)),
            "ConditionExpression": "attribute_not_exists(version) OR version = :version",
            "ExpressionAttributeValues": {":version": to_value(delivery.version)},
        }
        write_one(self._client, WHAT, ({"Put": put}, RaceLost(notice.call_id)))
        return delivery.version + 1

    def _by_sort_key(self, found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {item["item"]["S"]: opened_item(self._seal, item) for item in found[self._calls]}

    def give_up(self, notice: Notice, why: str) -> None:
        update = {
            "TableName": self._calls,
            "Key": key_of(notice.call_id, delivery_key(notice.sequence)),
            "UpdateExpression": "SET #state = :undelivered, note = :why REMOVE due, #open, close_by",
            "ConditionExpression": "#state = :waiting",
            "ExpressionAttributeNames": {"#state": "state", "#open": OPEN},
            "ExpressionAttributeValues": to_item(
                {":undelivered": DeliveryState.UNDELIVERED, ":waiting": DeliveryState.WAITING, ":why": why}
            ),
        }
        with suppress(RaceLost):
            write_one(self._client, WHAT, ({"Update": update}, RaceLost(notice.call_id)))


def _health_in(app_key: str, items: Iterable[Mapping[str, Any]]) -> EndpointHealth:
    return health_of(next((item for item in items if item["sk"] == health_key(app_key)["sk"]), None))

"""The health of an app's endpoints as an item of the accounts table: pk `ENDPOINTS#<app key>`, sk `ENDPOINTS`.

It has a partition of its own, since roles tell items apart by their partition key: notify_sp may write no other.
A reset empties the item and keeps it, with its next version: a request that began before must not bring back what it
had read.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from duologue.adapters.basics.aws import from_item, to_item, to_value
from duologue.adapters.basics.dynamo_writes import Write
from duologue.adapters.rows.call_rows import written_time
from duologue.domain.errors import RaceLost, UnknownApp
from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth

_KEEP = timedelta(days=30)


def health_key(app: str) -> dict[str, Any]:
    return to_item({"pk": f"ENDPOINTS#{app}", "sk": "ENDPOINTS"})


def health_of(item: Mapping[str, Any] | None) -> EndpointHealth:
    """None: there is no item."""
    if item is None:
        return EndpointHealth()
    row = from_item(item)
    circuits = {
        name: Circuit(failures, None if until is None else datetime.fromisoformat(until))
        for name, (failures, until) in json.loads(row["circuits"]).items()
    }
    return EndpointHealth(circuits, tuple(json.loads(row["gone"])), row["version"])


def health_write(table: str, app: str, health: EndpointHealth, now: datetime) -> Write:
    circuits = {
        name: [circuit.failures, None if circuit.until is None else written_time(circuit.until)]
        for name, circuit in health.circuits.items()
    }
    row = {
        "circuits": json.dumps(circuits),
        "gone": json.dumps(health.gone),
        "version": health.version + 1,
        "expires_at": int((now + _KEEP).timestamp()),
    }
    put = {
        "TableName": table,
        "Item": health_key(app) | to_item(row),
        "ConditionExpression": "attribute_not_exists(version) OR version = :version",
        "ExpressionAttributeValues": {":version": to_value(health.version)},
    }
    return {"Put": put}, RaceLost(app)


def health_reset(table: str, app: str) -> Write:
    """Its error means that there is no item."""
    update = {
        "TableName": table,
        "Key": health_key(app),
        "UpdateExpression": "SET circuits = :no_circuits, gone = :no_urls ADD version :one",
        "ConditionExpression": "attribute_exists(version)",
        "ExpressionAttributeValues": to_item({":no_circuits": "{}", ":no_urls": "[]", ":one": 1}),
    }
    return {"Update": update}, UnknownApp(app)

"""The meter beside the local store's own: the same requests, the same units."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bench.meter import OUTSIDE, ItemWrite, Meter, _kind
from lab.aws.ministack import ministack

_TABLE = "stack-CallsTable-1A2B"


def _ask(operation: str, **asked: Any) -> dict[str, Any]:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
    handler = ministack("app").SERVICE_HANDLERS["dynamodb"]
    _, _, body = asyncio.run(handler("POST", "/", headers, json.dumps(asked).encode(), {}))
    said: dict[str, Any] = json.loads(body)
    return said


@pytest.fixture
def meter() -> Iterator[Meter]:
    """Attached to a store with one table, and one index on `open`."""
    keys = [{"AttributeName": "call", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}]
    index = {"IndexName": "open-calls", "KeySchema": [{"AttributeName": "open", "KeyType": "HASH"}]}
    _ask(
        "CreateTable",
        TableName=_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("call", "item", "open")],
        KeySchema=keys,
        GlobalSecondaryIndexes=[{**index, "Projection": {"ProjectionType": "KEYS_ONLY"}}],
    )
    try:
        with Meter().attached() as meter:
            yield meter
    finally:
        _ask("DeleteTable", TableName=_TABLE)


def _key(item: str) -> dict[str, Any]:
    return {"call": {"S": "1"}, "item": {"S": item}}


def _put(item: str, size: int, **more: str) -> dict[str, Any]:
    return {"TableName": _TABLE, "Item": {**_key(item), "text": {"S": "x" * size}, **_values(more)}}


def _values(texts: dict[str, str]) -> dict[str, Any]:
    return {name: {"S": text} for name, text in texts.items()}


def test_what_is_written_is_charged_as_the_store_charges_it(meter: Meter):
    update = {
        "TableName": _TABLE,
        "Key": _key("CALL"),
        "UpdateExpression": "SET #open = :no",
        "ExpressionAttributeNames": {"#open": "open"},
        "ExpressionAttributeValues": {":no": {"S": "0"}},
    }
    _ask("PutItem", **_put("CALL", 1500, open="1"))
    _ask("UpdateItem", **update)
    _ask("TransactWriteItems", TransactItems=[{"Put": _put("FACT#1", 10)}, {"Put": _put("CALL", 10)}])
    _ask("DeleteItem", TableName=_TABLE, Key=_key("CALL"))

    put, updated, transaction, deleted = meter.requests
    (written,) = put.writes
    assert (written.table, written.kind, written.units, written.index_units) == ("CallsTable", "CALL", 2, 1)
    assert (written.is_new, written.grown > 1500) == (True, True)
    assert [(write.units, write.index_units, write.is_new) for write in updated.writes] == [(2, 2, False)]
    assert [(write.kind, write.units, write.index_units) for write in transaction.writes] == [
        ("FACT", 2, 0),
        ("CALL", 4, 1),  # large before it; leaves the index
    ]
    assert [write.units for write in deleted.writes] == [1]
    for request in meter.requests:
        assert request.metered == sum(write.units + write.index_units for write in request.writes)
    assert sum(write.grown for request in meter.requests for write in request.writes) == len("call1itemFACT#1text") + 10


def test_a_refused_write_is_charged_and_writes_nothing(meter: Meter):
    _ask("PutItem", **_put("CALL", 1500))
    _ask(
        "PutItem",
        **_put("CALL", 10),
        ConditionExpression="attribute_not_exists(#call)",
        ExpressionAttributeNames={"#call": "call"},
    )
    refused = meter.requests[-1]
    assert refused.refused
    assert refused.writes == (ItemWrite("CallsTable", "CALL", 2, {}, 0, False),)
    assert refused.metered == 0


def test_what_is_read_is_charged_by_its_size_and_how_sure_it_is(meter: Meter):
    _ask("PutItem", **_put("CALL", 5000))
    meter.requests.clear()
    _ask("GetItem", TableName=_TABLE, Key=_key("CALL"), ConsistentRead=True)
    _ask("GetItem", TableName=_TABLE, Key=_key("NONE"))
    keys = [_key("CALL"), _key("NONE")]
    found = _ask("BatchGetItem", RequestItems={_TABLE: {"Keys": keys, "ConsistentRead": True}})
    query = {"KeyConditionExpression": "#call = :call", "ExpressionAttributeNames": {"#call": "call"}}
    _ask("Query", TableName=_TABLE, **query, ExpressionAttributeValues={":call": {"S": "1"}})
    assert len(found["Responses"][_TABLE]) == 1
    assert [(each.operation, each.items_read, each.read_units) for each in meter.requests] == [
        ("GetItem", 1, 2),
        ("GetItem", 1, 0.5),
        ("BatchGetItem", 2, 3),
        ("Query", 1, 1),
    ]


def test_a_request_is_the_functions_whose_session_signed_it(meter: Meter):
    ministack("services.sts").register_session("ASIA1", {"Arn": "arn:aws:sts::1:assumed-role/role/notify"})
    headers = {"x-amz-target": "TrentService.ListKeys", "authorization": "AWS4-HMAC-SHA256 Credential=ASIA1/20260101/…"}
    asyncio.run(ministack("app").SERVICE_HANDLERS["kms"]("POST", "/", headers, b"{}", {}))
    _ask("ListTables")
    assert [(each.who, each.service, each.operation) for each in meter.requests] == [
        ("notify", "kms", "ListKeys"),
        (OUTSIDE, "dynamodb", "ListTables"),
    ]
    assert [each.who for each in meter.of_the_platform()] == ["notify"]


@pytest.mark.parametrize(
    ("partition", "sort", "kind"),
    [
        ("1_2_3_20261123090000", "EVENT#n#1", "EVENT"),
        ("SLOTS#app-1", "000017", "SLOTS"),
        ("usage#20261123", "app-1", "usage"),
        ("all", "2026-11-23T09:00:00.000000Z#1_2_3_20261123090000", "all"),
        ("app#app-1", "2026-11-23T09:00:00.000000Z#1_2_3_20261123090000", "app"),
    ],
)
def test_the_kind_of_an_item_is_a_word_of_its_key(partition, sort, kind):
    assert _kind({"pk": {"S": partition}, "sk": {"S": sort}}, ["pk", "sk"]) == kind

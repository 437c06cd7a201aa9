"""A transaction that is refused leaves everything as it was, whatever its entries before the refused one were."""

from typing import Any

import pytest

TABLE = "transactions"


def key(name: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": name}, "sk": {"S": "it"}}


def items(client) -> dict[str, dict]:
    return {item["pk"]["S"]: item for item in client.scan(TableName=TABLE)["Items"]}


@pytest.fixture
def dynamodb(aws):
    client = aws("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    yield client
    client.delete_table(TableName=TABLE)


def test_what_is_refused_changes_nothing(dynamodb):
    for name in ("updated", "replaced", "deleted"):
        dynamodb.put_item(TableName=TABLE, Item={**key(name), "box": {"M": {"n": {"N": "1"}}}})
    before = items(dynamodb)
    entries: dict[str, dict[str, Any]] = {
        "Update": {
            "Key": key("updated"),
            "UpdateExpression": "SET box.n = :two",
            "ExpressionAttributeValues": {":two": {"N": "2"}},
        },
        "Put": {"Item": {**key("replaced"), "other": {"S": "new"}}},
        "Delete": {"Key": key("deleted")},
        "ConditionCheck": {"Key": key("absent"), "ConditionExpression": "attribute_exists(pk)"},
    }
    asked = [{kind: {"TableName": TABLE, **entry}} for kind, entry in entries.items()]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=asked)
    assert items(dynamodb) == before

    dynamodb.transact_write_items(TransactItems=asked[:-1])
    assert items(dynamodb) == {
        "updated": {**key("updated"), "box": {"M": {"n": {"N": "2"}}}},
        "replaced": {**key("replaced"), "other": {"S": "new"}},
    }

"""The tables, as template.yaml declares them, in whatever DynamoDB answers."""

import itertools
from typing import TYPE_CHECKING

import boto3

from tools.template import read_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_COUNT = itertools.count(1)
_KEYS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
_RESOURCES = read_template()["Resources"]
SHAPES = {
    name: {key: value for key, value in _RESOURCES[name]["Properties"].items() if key in _KEYS}
    for name in ("CallsTable", "AccountsTable", "ListsTable")
}


def make_tables(client: "DynamoDBClient | None" = None) -> "tuple[DynamoDBClient, str, str]":
    """A client and two fresh tables: calls, accounts."""
    client = client or boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    return client, _make(client, "CallsTable"), _make(client, "AccountsTable")


def make_lists(client: "DynamoDBClient") -> str:
    """A fresh table of lists."""
    return _make(client, "ListsTable")


def _make(client: "DynamoDBClient", logical_id: str) -> str:
    name = f"{logical_id}-{next(_COUNT)}"
    client.create_table(TableName=name, **SHAPES[logical_id])
    return name

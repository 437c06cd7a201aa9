"""The two tables, as template.yaml declares them, in whatever DynamoDB answers."""

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
    for name in ("CallsTable", "AccountsTable")
}


def make_tables(client: "DynamoDBClient | None" = None) -> "tuple[DynamoDBClient, str, str]":
    """A client and two fresh tables: calls, accounts."""
    client = client or boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    number = next(_COUNT)
    names = []
    for logical_id, shape in SHAPES.items():
        names.append(f"{logical_id}-{number}")
        client.create_table(TableName=names[-1], **shape)
    return client, names[0], names[1]

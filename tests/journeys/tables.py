"""The two tables, as template.yaml declares them, in whatever DynamoDB answers."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_COUNT = itertools.count(1)
_KEYS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as plain values: only table shapes are wanted here."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def declared(logical_id: str) -> dict[str, Any]:
    """The properties of one resource of template.yaml."""
    resources = yaml.load(_TEMPLATE.read_text(), _Loader)["Resources"]
    properties: dict[str, Any] = resources[logical_id]["Properties"]
    return properties


_SHAPES = {
    name: {key: declared(name)[key] for key in _KEYS if key in declared(name)}
    for name in ("CallsTable", "AccountsTable")
}


def make_tables(client: "DynamoDBClient | None" = None) -> "tuple[DynamoDBClient, str, str]":
    """A client and two fresh tables: calls, accounts."""
    client = client or boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    number = next(_COUNT)
    names = []
    for logical_id, shape in _SHAPES.items():
        names.append(f"{logical_id}-{number}")
        client.create_table(TableName=names[-1], **shape)
    return client, names[0], names[1]

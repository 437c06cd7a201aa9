"""What the template keeps is encrypted where it lies, and no bucket can be made public."""

from typing import Any

import pytest

from tools.template import read_template

_RESOURCES: dict[str, dict[str, Any]] = read_template()["Resources"]
_RULE = "ServerSideEncryptionByDefault"


def _of(kind: str) -> list[Any]:
    found = [
        (name, resource.get("Properties", {})) for name, resource in _RESOURCES.items() if resource["Type"] == kind
    ]
    assert found, f"the template has none of {kind}"
    return [pytest.param(properties, id=name) for name, properties in found]


@pytest.mark.parametrize("bucket", _of("AWS::S3::Bucket"))
def test_a_bucket(bucket: dict[str, Any]):
    rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert all(rule[_RULE]["SSEAlgorithm"] in ("AES256", "aws:kms") for rule in rules)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_a_table(table: dict[str, Any]):
    assert table["SSESpecification"]["SSEEnabled"] is True


@pytest.mark.parametrize("queue", _of("AWS::SQS::Queue"))
def test_a_queue(queue: dict[str, Any]):
    assert queue["SqsManagedSseEnabled"] is True

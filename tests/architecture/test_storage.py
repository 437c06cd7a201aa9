"""Storage is encrypted, expired items are deleted, and a bucket is open to nobody outside this account."""

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


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_an_expired_item_is_deleted(table: dict[str, Any]):
    """By the attribute that every adapter writes."""
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize("queue", _of("AWS::SQS::Queue"))
def test_a_queue(queue: dict[str, Any]):
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("policy", _of("AWS::S3::BucketPolicy"))
def test_a_service_may_use_a_bucket_for_this_account_only(policy: dict[str, Any]):
    """A service acts for every account: without the condition, another of its customers could use our bucket."""
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Principal"].keys() == {"Service"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_network_may_write_recordings_with_the_acl_that_it_sends():
    """It writes an ACL with each object: https://docs.aws.amazon.com/chime-sdk/latest/dg/start-call-recording.html"""
    [statement] = _RESOURCES["NetworkMayWriteRecordings"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["s3:PutObject", "s3:PutObjectAcl"]
    [rule] = _RESOURCES["RecordingsBucket"]["Properties"]["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] != "BucketOwnerEnforced", "such a bucket refuses every ACL"

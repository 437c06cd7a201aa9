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


@pytest.mark.parametrize("name", ["AccountsTable", "CallsTable", "RecordingsBucket", "SecretsKey", "MemoriesKey"])
def test_what_cannot_be_made_again_outlives_the_stack_and_its_own_replacement(name: str):
    resource = _RESOURCES[name]
    assert (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) == ("Retain", "Retain")


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_a_table_can_be_restored_to_a_moment_before_a_mistake(table: dict[str, Any]):
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("queue", _of("AWS::SQS::Queue"))
def test_a_queue(queue: dict[str, Any]):
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("policy", _of("AWS::S3::BucketPolicy"))
def test_a_service_may_use_a_bucket_for_this_account_only(policy: dict[str, Any]):
    """A service acts for every account: without the condition, another of its customers could use our bucket."""
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Principal"].keys() == {"Service"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(
    ("policy", "bucket", "actions"),
    [
        ("NetworkMayReadPrompts", "PromptsBucket", "s3:GetObject"),
        ("NetworkMayWriteRecordings", "RecordingsBucket", ["s3:PutObject", "s3:PutObjectAcl"]),
    ],
)
def test_the_network_may_do_with_a_bucket_what_it_does(policy: str, bucket: str, actions: str | list[str]):
    properties = _RESOURCES[policy]["Properties"]
    [statement] = properties["PolicyDocument"]["Statement"]
    assert properties["Bucket"] == {"Ref": bucket}
    assert (statement["Action"], statement["Resource"]) == (actions, {"Fn::Sub": f"${{{bucket}.Arn}}/*"})


def test_a_recording_may_be_written_with_an_acl():
    """The network sends one: https://docs.aws.amazon.com/chime-sdk/latest/dg/start-call-recording.html"""
    [rule] = _RESOURCES["RecordingsBucket"]["Properties"]["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] != "BucketOwnerEnforced", "such a bucket refuses every ACL"

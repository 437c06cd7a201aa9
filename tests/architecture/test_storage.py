"""Storage is encrypted, expired items are deleted, and a bucket is open to nobody outside this account."""

import json
import re
from typing import Any

import pytest

from duologue.adapters.accounting.dynamo_listing import USAGE_KEPT
from duologue.adapters.basics.dynamo_writes import COUNTS_KEPT
from duologue.domain.calls.memory_draft import DEFAULT_PERIOD
from duologue.domain.memory.call_memory import LONGEST_PERIOD
from tests.architecture.translated import created, names_in
from tools.retained import retained, to_import
from tools.template import ROOT, read_template

_RESOURCES: dict[str, dict[str, Any]] = read_template()["Resources"]
_RETAINED = ("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket")
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


def test_each_kind_of_object_is_kept_for_its_own_time():
    """A rule without a prefix or a tag would delete archived CDRs with the recordings."""
    rules = _RESOURCES["RecordingsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    untagged = [rule for rule in rules if "ExpirationInDays" in rule and "TagFilters" not in rule]
    assert {rule.get("Prefix"): rule["ExpirationInDays"]["Ref"] for rule in untagged} == {
        "calls/": "KeepRecordingsDays",
        "published/": "KeepRecordingsDays",
        "cdrs/": "KeepCdrsDays",
    }


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_a_table(table: dict[str, Any]):
    assert table["SSESpecification"]["SSEEnabled"] is True


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_an_expired_item_is_deleted(table: dict[str, Any]):
    """By the attribute that every adapter writes."""
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize("name", [name for name, each in _RESOURCES.items() if each["Type"] in _RETAINED])
def test_what_cannot_be_made_again_outlives_the_stack_and_its_own_replacement(name: str):
    """What is stored, and the keys that open it: without them a restored table or a link that was sent is of no use."""
    resource = _RESOURCES[name]
    assert (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) == ("Retain", "Retain")


def test_what_outlives_the_stack_can_be_taken_over_by_another():
    """By a template of its own, all of whose resources are retained, and which refers to nothing else."""
    template = retained(read_template())
    kept = {name: each for name, each in _RESOURCES.items() if each.get("DeletionPolicy") == "Retain"}
    assert template["Resources"] == kept
    named = {name for name in names_in(template["Resources"]) if not name.startswith("AWS::")}
    assert named <= template["Parameters"].keys() | kept.keys()
    assert "Condition" not in json.dumps([each.keys() - {"Properties"} for each in kept.values()], default=list)

    names = {name: f"the-{name}" for name in kept}
    imported = {each["LogicalResourceId"]: each for each in to_import(read_template(), names)}
    assert imported["CallsTable"] == {
        "ResourceType": "AWS::DynamoDB::Table",
        "LogicalResourceId": "CallsTable",
        "ResourceIdentifier": {"TableName": "the-CallsTable"},
    }
    assert imported.keys() == kept.keys()
    for wrong in ({"CallsTable": "x"}, names | {"SweepLog": "x"}):
        with pytest.raises(ValueError, match=r"AccountsTable|SweepLog"):
            to_import(read_template(), wrong)


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_no_command_deletes_a_table_before_its_protection_is_off(table: dict[str, Any]):
    assert table["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("table", _of("AWS::DynamoDB::Table"))
def test_a_table_can_be_restored_to_a_moment_before_a_mistake(table: dict[str, Any]):
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("queue", _of("AWS::SQS::Queue"))
def test_a_queue(queue: dict[str, Any]):
    assert queue["SqsManagedSseEnabled"] is True


@pytest.fixture(scope="module", params=["chime", "another"])
def policies(request: pytest.FixtureRequest) -> dict[str, list[dict[str, Any]]]:
    """Of a stack for each carrier: the statements of each bucket's one policy."""
    found = {}
    for resource in created(Carrier=request.param)["Resources"].values():
        if resource["Type"] == "AWS::S3::BucketPolicy":
            bucket = resource["Properties"]["Bucket"]["Ref"]
            assert bucket not in found, "the later policy would replace the earlier"
            found[bucket] = resource["Properties"]["PolicyDocument"]["Statement"]
    assert request.param == "chime" or all(len(statements) == 1 for statements in found.values())
    return found


def test_a_bucket_refuses_requests_without_tls(policies):
    assert policies.keys() == {name for name, each in _RESOURCES.items() if each["Type"] == "AWS::S3::Bucket"}
    for bucket, statements in policies.items():
        [denied] = [each for each in statements if each["Effect"] == "Deny"]
        assert (denied["Principal"], denied["Action"]) == ("*", "s3:*")
        assert denied["Resource"] == [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


_OF_THE_NETWORK = {"PromptsBucket": "s3:GetObject", "RecordingsBucket": ["s3:PutObject", "s3:PutObjectAcl"]}


def test_only_the_network_may_use_a_bucket_and_for_this_account(policies):
    """A service acts for every account: without the condition, another of its customers could use our bucket."""
    for bucket, statements in policies.items():
        for allowed in [each for each in statements if each["Effect"] != "Deny"]:
            assert allowed["Principal"] == {"Service": "voiceconnector.chime.amazonaws.com"}
            assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
            assert (allowed["Action"], allowed["Resource"]) == (
                _OF_THE_NETWORK[bucket],
                {"Fn::Sub": f"${{{bucket}.Arn}}/*"},
            )


def test_a_recording_may_be_written_with_an_acl():
    """The network sends one: https://docs.aws.amazon.com/chime-sdk/latest/dg/start-call-recording.html"""
    [rule] = _RESOURCES["RecordingsBucket"]["Properties"]["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] != "BucketOwnerEnforced", "such a bucket refuses every ACL"


def test_the_retention_table_for_operators_says_what_the_template_and_the_code_do():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("### Retention")[2].partition("\n\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]
    assert {len(row) for row in rows} == {5}
    parameters, resources = read_template()["Parameters"], _RESOURCES
    for what, _, days, _, _ in rows:
        for number, name in re.findall(r"(\d+) \(`(\w+)`", days):
            assert int(number) == parameters[name]["Default"], what
    said = {row[0]: [int(number) for number in re.findall(r"\d+", row[2])] for row in rows}
    assert said["call memories"] == [DEFAULT_PERIOD.days, LONGEST_PERIOD.days]
    assert said["counts of calls to a callee"] == [COUNTS_KEPT.days]
    assert said["usage of apps by the day"] == [USAGE_KEPT.days]
    kept = {
        each["Properties"]["MessageRetentionPeriod"]
        for name, each in resources.items()
        if each["Type"] == "AWS::SQS::Queue" and name.endswith("GaveUp")
    }
    assert kept == {days * 86_400 for days in said["dead-letter queues"]}
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[2])}
    assert named == {name for name in parameters if name.startswith("Keep")} | {"RecordingLinkDays"}

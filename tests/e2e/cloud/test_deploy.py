"""template.yaml as it is: deployed, deployed again, changed, broken."""

import json

import pytest
import yaml

from lab.aws.deploy import DeployError, deploy
from lab.aws.package import read
from tests.e2e.cloud.conftest import TEMPLATE
from tests.e2e.waiting import until
from tools.retained import retained, to_import
from tools.template import read_template


@pytest.fixture
def copied(tmp_path):
    """The fixture's tree with a template that a test may change."""

    def copy(change):
        for child in TEMPLATE.parent.iterdir():
            if child.is_dir():
                (tmp_path / child.name).symlink_to(child)
        template = read(TEMPLATE)
        change(template)
        path = tmp_path / "template.yaml"
        path.write_text(yaml.safe_dump(template), encoding="utf-8")
        return path

    return copy


def test_the_custom_resource_ran_and_its_answer_flowed_on(stack):
    assert stack.outputs["Provisioned"] == "+12025550100"
    assert stack.resources["Provisioned"] == "line"


def test_every_kind_of_resource_is_there(stack):
    assert {"Api", "Probe", "Table", "Told", "Key", "Files", "Flow", "Log", "TooMany"} <= set(stack.resources)
    assert all(stack.resources.values())


def test_the_same_twice_changes_nothing(stack):
    _, before = stack.invoke({})
    again = deploy(stack.cloud, TEMPLATE, stack="fixture")
    _, after = stack.invoke({})
    assert again.outputs == stack.outputs
    assert before["pid"] == after["pid"], "an unchanged function keeps its processes"


def test_a_parameter_reaches_the_function(stack):
    deploy(stack.cloud, TEMPLATE, stack="fixture", parameters={"Greeting": "salut"})
    try:
        assert stack.invoke({})[1]["greeting"] == "salut"
    finally:
        deploy(stack.cloud, TEMPLATE, stack="fixture")


def test_a_custom_resource_whose_function_raises_fails_at_once_with_its_reason(stack, copied):
    def broken(template):
        template["Resources"] = {name: template["Resources"][name] for name in ("Tool", "Provision", "Provisioned")}
        template["Resources"]["Provisioned"]["Properties"]["Name"] = "broken"
        template["Outputs"] = {}

    with pytest.raises(DeployError, match="RuntimeError: no such line"):
        deploy(stack.cloud, copied(broken), stack="broken")


def test_an_impatient_queue_is_refused(stack, copied):
    def impatient(template):
        names = ("Tool", "Notify", "Told", "LostTold")
        template["Resources"] = {name: template["Resources"][name] for name in names}
        template["Resources"]["Told"]["Properties"]["VisibilityTimeout"] = 4
        template["Outputs"] = {}

    with pytest.raises(DeployError, match="Queue visibility timeout: 4 seconds is less than"):
        deploy(stack.cloud, copied(impatient), stack="impatient")


def test_a_failed_stack_names_the_resource(stack, copied):
    def misnamed(template):
        template["Resources"] = {
            "Odd": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True, "QueueName": "x"}}
        }
        template["Outputs"] = {}

    with pytest.raises(DeployError, match=r"Odd \(AWS::SQS::Queue\): .*FIFO"):
        deploy(stack.cloud, copied(misnamed), stack="odd")


def test_a_value_that_a_parameter_does_not_allow_is_named_before_anything_is_made(stack, copied):
    def bounded(template):
        template["Parameters"] = {"Few": {"Type": "Number", "MinValue": 2, "Default": 2}}
        template["Resources"] = {"Only": {"Type": "AWS::SQS::Queue"}}
        template["Outputs"] = {}

    template = copied(bounded)
    for _ in ("create", "update"):
        with pytest.raises(DeployError, match=r"'Few' must be a number not less than 2"):
            deploy(stack.cloud, template, stack="bounded", parameters={"Few": "0"})
        deploy(stack.cloud, template, stack="bounded")


def test_what_a_stack_has_left_is_taken_over_by_import(cloud):
    """As the drill in docs/operations.md does it, with the product's own retained resources."""
    dynamodb, s3, kms = cloud.client("dynamodb"), cloud.client("s3"), cloud.client("kms")
    existing = {}
    for name, resource in retained(read_template())["Resources"].items():
        match resource["Type"]:
            case "AWS::DynamoDB::Table":
                keys = {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "pk", "KeyType": "HASH"}
                existing[name] = f"left-{name}"
                dynamodb.create_table(
                    TableName=existing[name],
                    AttributeDefinitions=[keys[0]],
                    KeySchema=[keys[1]],
                    BillingMode="PAY_PER_REQUEST",
                )
            case "AWS::S3::Bucket":
                existing[name] = f"left-{name.lower()}"
                s3.create_bucket(Bucket=existing[name])
            case "AWS::KMS::Key":
                existing[name] = kms.create_key()["KeyMetadata"]["KeyId"]
    formation = cloud.client("cloudformation")
    formation.create_change_set(
        StackName="restored",
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(retained(read_template())),
        ResourcesToImport=to_import(read_template(), existing),
    )
    until(
        lambda: (
            formation.describe_change_set(StackName="restored", ChangeSetName="import")["Status"] != "CREATE_PENDING"
        )
    )
    formation.execute_change_set(StackName="restored", ChangeSetName="import")
    until(lambda: formation.describe_stacks(StackName="restored")["Stacks"][0]["StackStatus"] == "IMPORT_COMPLETE")
    held = formation.describe_stack_resources(StackName="restored")["StackResources"]
    assert {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in held} == existing

"""A function by its alias: an update reaches nobody before it moves, and its permissions and failures are its own."""

import json

import pytest

from lab.aws.invocation import InvocationRefused, invoke
from lab.aws.service_access import ServiceCaller
from tests.e2e.waiting import until

NETWORK = "voiceconnector.chime.amazonaws.com"


@pytest.fixture
def live(stack):
    """Notify has the alias `live`, of a first version; afterwards it is as it was. Its ARN."""
    client, name = stack.cloud.client("lambda"), stack.resources["Notify"]
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    version = client.publish_version(FunctionName=name)["Version"]
    yield client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)["AliasArn"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": usual})
    client.delete_alias(FunctionName=name, Name="live")


@pytest.fixture
def rule(stack, live):
    """Events of the source `test` invoke the alias."""
    events = stack.cloud.client("events")
    events.put_rule(Name="to-the-alias", EventPattern=json.dumps({"source": ["test"]}))
    events.put_targets(Rule="to-the-alias", Targets=[{"Id": "alias", "Arn": live, "InputPath": "$.detail"}])
    yield events
    events.remove_targets(Rule="to-the-alias", Ids=["alias"])
    events.delete_rule(Name="to-the-alias")


def as_network(stack, arn):
    application = "arn:aws:chime:us-east-1:111122223333:sma/ours"
    return invoke(arn, {}, ServiceCaller(NETWORK, stack.cloud.account, stack.cloud.region, application))


def test_an_update_reaches_who_asks_for_the_alias_when_it_moves(stack, live):
    client, name = stack.cloud.client("lambda"), stack.resources["Notify"]
    permit = {"FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": NETWORK}
    client.add_permission(Qualifier="live", StatementId="network-to-the-alias", **permit)
    before = as_network(stack, live)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"GREETING": "new"}})
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    between = as_network(stack, live)
    assert (between["greeting"], between["pid"]) == (before["greeting"], before["pid"])
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    assert as_network(stack, live)["greeting"] == "new"
    client.remove_permission(FunctionName=name, Qualifier="live", StatementId="network-to-the-alias")


def test_a_permission_for_the_function_is_none_for_its_alias(stack, live):
    client, name = stack.cloud.client("lambda"), stack.resources["Notify"]
    permit = {"FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": NETWORK, "StatementId": "network"}
    client.add_permission(**permit)
    try:
        with pytest.raises(InvocationRefused, match="does not allow"):
            as_network(stack, live)
    finally:
        client.remove_permission(FunctionName=name, StatementId="network")


def test_what_an_alias_fails_goes_where_the_alias_says(stack, live, rule):
    """EventBridge invokes it; the configuration of the function itself is not the alias's."""
    client, name = stack.cloud.client("lambda"), stack.resources["Notify"]
    queue = stack.sqs.create_queue(QueueName="given-up-by-the-alias")["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    rule.put_events(Entries=[{"Source": "test", "DetailType": "x", "Detail": json.dumps({"raise": "engaged"})}])
    body = until(lambda: stack.taken(queue))
    assert json.loads(body)["responsePayload"]["errorMessage"] == "engaged"

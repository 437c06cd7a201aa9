"""Another AWS service invoking a function: the function's own policy decides, and its errors keep their names."""

import pytest

from lab.aws.invocation import FunctionFailed, InvocationRefused, invoke, permitted

NETWORK = "voiceconnector.chime.amazonaws.com"


@pytest.fixture
def as_network(stack):
    def call(event):
        function = stack.cloud.client("lambda").get_function_configuration(FunctionName=stack.resources["Notify"])
        where = {"account": stack.cloud.account, "region": stack.cloud.region}
        return invoke(function["FunctionArn"], event, principal=NETWORK, **where)

    return call


@pytest.fixture
def let_in(stack):
    """The permission that a template gives the network."""
    client, function = stack.cloud.client("lambda"), stack.resources["Notify"]
    about = {"StatementId": "network", "Action": "lambda:InvokeFunction", "Principal": NETWORK}
    client.add_permission(FunctionName=function, SourceAccount=stack.cloud.account, **about)
    yield
    client.remove_permission(FunctionName=function, StatementId="network")


def test_a_service_without_permission_is_refused(as_network):
    with pytest.raises(InvocationRefused, match="does not allow"):
        as_network({})


def test_a_service_with_permission_gets_the_functions_answer(as_network, let_in):
    assert as_network({"a": 1})["event"] == {"a": 1}


def test_a_function_that_raises_fails_under_its_name(as_network, let_in):
    with pytest.raises(FunctionFailed, match="engaged") as failed:
        as_network({"raise": "engaged"})
    assert failed.value.kind == "CarrierBusyError"


def test_another_accounts_permission_is_not_ours():
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": NETWORK},
        "Condition": {"StringEquals": {"AWS:SourceAccount": "444455556666"}},
    }
    assert not permitted({"Statement": [statement]}, NETWORK, "111122223333")
    assert permitted({"Statement": [statement]}, NETWORK, "444455556666")

"""Another AWS service invoking a function: the function's own policy decides, and its errors keep their names."""

import pytest

from lab.aws.invocation import FunctionFailed, InvocationRefused, invoke
from lab.aws.service_access import ServiceCaller

NETWORK = "voiceconnector.chime.amazonaws.com"
APPLICATION = "arn:aws:chime:us-east-1:111122223333:sma/ours"


@pytest.fixture
def as_network(stack):
    def call(event):
        function = stack.cloud.client("lambda").get_function_configuration(FunctionName=stack.resources["Notify"])
        caller = ServiceCaller(NETWORK, stack.cloud.account, stack.cloud.region, APPLICATION)
        return invoke(function["FunctionArn"], event, caller)

    return call


@pytest.fixture
def let_in(stack):
    """Adds a permission as a template does; by default the one that the network needs."""
    client, function = stack.cloud.client("lambda"), stack.resources["Notify"]

    def permit(**more):
        about = {"StatementId": "network", "Action": "lambda:InvokeFunction", "Principal": NETWORK}
        client.add_permission(FunctionName=function, **(about | more))

    yield permit
    client.remove_permission(FunctionName=function, StatementId="network")


def test_a_service_without_permission_is_refused(as_network):
    with pytest.raises(InvocationRefused, match="does not allow"):
        as_network({})


@pytest.mark.parametrize("more", [{}, {"SourceArn": APPLICATION}, {"SourceArn": f"{APPLICATION[:-4]}*"}], ids=str)
def test_a_service_with_permission_gets_the_functions_answer(stack, as_network, let_in, more):
    let_in(SourceAccount=stack.cloud.account, **more)
    assert as_network({"a": 1})["event"] == {"a": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"SourceArn": f"{APPLICATION}-not"},
        {"SourceAccount": "444455556666"},
        {"Principal": "events.amazonaws.com"},
        {"Principal": "111122223333"},
        {"Action": "lambda:GetFunction"},
    ],
    ids=str,
)
def test_a_permission_for_something_else_lets_nobody_in(as_network, let_in, wrong):
    let_in(**wrong)
    with pytest.raises(InvocationRefused, match="does not allow"):
        as_network({})


def test_a_function_that_raises_fails_under_its_name(stack, as_network, let_in):
    let_in(SourceAccount=stack.cloud.account)
    with pytest.raises(FunctionFailed, match="engaged") as failed:
        as_network({"raise": "engaged"})
    assert failed.value.kind == "CarrierBusyError"

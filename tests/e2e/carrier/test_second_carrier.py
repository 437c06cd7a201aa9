"""Callbacks over a second carrier, which has its own format, is told its actions, and numbers no event.

From the SP's request to the CDR, over HTTP; and the resources of a stack for this carrier.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.carrier.tandem import Telephone
from tools.template import functions, read_template

SHOWN_TO_CALLER, SHOWN_TO_CALLEE = "+12025550100", "+12025550101"
SECONDS = 60
_pairs = ((f"+120255501{number}", f"+120255501{number + 1}") for number in itertools.count(10, 2))


@pytest.fixture
def numbers(carrier) -> Iterator[tuple[str, str]]:
    carrier.in_order, carrier.repeats, carrier.holds_back, carrier.deaf = True, False, {}, False
    carrier.refused.clear()
    yield next(_pairs)


@pytest.fixture
def play(carrier, sp, numbers):
    """Place a callback between two phones; returns its session id."""

    def placed(caller: Telephone, callee: Telephone) -> str:
        carrier.telephones |= dict(zip(numbers, (caller, callee), strict=True))
        reply = sp.place(*numbers)
        assert reply.code == "0", reply.body
        return str(reply.body["sessionId"])

    return placed


def call_of(session: str) -> str:
    """The platform's own id of a callback."""
    return session.partition("@")[0]


def told(sp, session: str) -> list[tuple[str, str | None]]:
    """All notifications once the CDR has come: kind, and the number of the leg if there is one."""
    assert sp.receiver.wait_for_fee(session, SECONDS), [push.kind for push in sp.receiver.about(session)]
    pushes = sp.receiver.about(session)
    assert all(push.signed for push in pushes)
    return [(push.kind, push.called) for push in pushes]


def ended_with(sp, session: str) -> int:
    [disconnect] = [push.body["statusInfo"] for push in sp.receiver.about(session) if push.kind == "disconnect"]
    return int(disconnect["stateCode"])


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def is_settled(lab, carrier, session: str) -> bool:
    """No leg is up, and no execution runs."""
    machine = lab.resources["CallbackFlow"]
    running = lab.client("stepfunctions").list_executions(stateMachineArn=machine, statusFilter="RUNNING")
    return carrier.of(call_of(session)).is_over and running["executions"] == []


# ---- three stories


def test_they_talk_and_the_callee_hangs_up(lab, carrier, sp, play, numbers):
    caller, callee = numbers
    session = play(Telephone(), Telephone(talks=0.5))
    assert told(sp, session) == [
        ("callout", caller),
        ("alerting", caller),
        ("answer", caller),
        ("callout", callee),
        ("alerting", callee),
        ("answer", callee),
        ("disconnect", callee),
        ("fee", None),
    ]
    assert ended_with(sp, session) == 0
    assert [each for each in carrier.seen if each[0] == "rings" and each[1] in numbers] == [
        ("rings", caller, SHOWN_TO_CALLER),
        ("rings", callee, SHOWN_TO_CALLEE),
    ]
    assert carrier.heard(caller) == ["prompts/waiting.wav"]
    until(lambda: is_settled(lab, carrier, session), "the caller's leg outlives the callee's")


def test_the_callee_is_busy_and_the_caller_hears_it(lab, carrier, sp, play, numbers):
    """The carrier reports no failed bridge: the callee's leg ends before its answer."""
    caller, _ = numbers
    session = play(Telephone(), Telephone(busy=True))
    kinds = [kind for kind, _ in told(sp, session)]
    assert kinds == ["callout", "alerting", "answer", "callout", "disconnect", "fee"]
    assert ended_with(sp, session) == 8102
    assert carrier.heard(caller) == ["prompts/waiting.wav", "prompts/callee-busy.wav"]
    until(lambda: is_settled(lab, carrier, session), "the caller's leg is still up")


def test_the_sp_stops_while_the_callee_rings(lab, carrier, sp, play, numbers):
    _, callee = numbers
    session = play(Telephone(), Telephone(answers_after=None))
    assert sp.receiver.wait_for(session, "alerting", SECONDS, callee)
    assert sp.client.stop(session).code == "0"
    kinds = [kind for kind, _ in told(sp, session)]
    assert kinds == ["callout", "alerting", "answer", "callout", "alerting", "disconnect", "fee"]
    assert ended_with(sp, session) == 8017
    assert ("ends", callee) in carrier.seen, "it rings no longer"
    until(lambda: is_settled(lab, carrier, session), "a leg is still up")


# ---- repeats, delays and lost responses


def test_events_twice_and_late_and_orders_without_a_response(lab, carrier, sp, play, numbers):
    """Each order is done although its first request fails; then its event is sent again, as is every event later on."""
    _, callee = numbers
    carrier.in_order, carrier.repeats, carrier.deaf = False, True, True
    carrier.holds_back = {"leg.placed": 0.5, "leg.ringing": 0.7}
    session = play(Telephone(answers_after=0.3), Telephone(answers_after=0.3, talks=2.5))
    kinds = [kind for kind, _ in told(sp, session)]
    assert kinds.count("disconnect") == kinds.count("fee") == 1
    assert [kind for kind in kinds if kind in ("callout", "answer")] == ["callout", "answer"] * 2
    assert ended_with(sp, session) == 0
    orders = carrier.of(call_of(session)).orders
    assert [[step["do"] for step in order.steps] for order in orders] == [["connect"], ["drop"]]
    assert carrier.refused, "the function fails if its order may not have arrived"
    until(lambda: all(len(order.repeats) >= 2 for order in orders[:1]), "an order was not given again at each repeat")
    assert [order.id for order in orders if any(steps != order.steps for steps in order.repeats)] == []
    assert [each for each in carrier.seen if each[:2] == ("rings", callee)] == [("rings", callee, SHOWN_TO_CALLEE)]
    until(lambda: is_settled(lab, carrier, session), "a leg is still up")


def test_an_event_is_stored_under_its_id(lab, carrier, sp, play):
    """The id is not a number."""
    session = play(Telephone(), Telephone(talks=0.2))
    told(sp, session)
    table = lab.client("dynamodb")
    rows = table.query(
        TableName=lab.outputs["CallsTable"],
        KeyConditionExpression="#call = :call AND begins_with(#item, :event)",
        ExpressionAttributeNames={"#call": "call", "#item": "item"},
        ExpressionAttributeValues={":call": {"S": call_of(session)}, ":event": {"S": "EVENT#ses-"}},
    )["Items"]
    kept = {row["item"]["S"] for row in rows}
    tandem_session = carrier.of(call_of(session)).id
    sent = {f"EVENT#{tandem_session}#{event['id']}" for event in carrier.events if event["session"] == tandem_session}
    assert kept and kept <= sent


# ---- the stack


def test_no_resource_setting_policy_or_output_is_chime_s(lab):
    listed = lab.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="duologue")
    resources = [resource for page in listed for resource in page["StackResourceSummaries"]]
    kinds = {resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources}
    assert not [kind for kind in kinds.values() if kind.startswith("Custom::")]
    made = {name for name, kind in kinds.items() if kind == "AWS::Lambda::Function"}
    assert made == {function.logical_id for function in functions(read_template())} - {"ProvisionPstnFunction"}
    said = {resource["LogicalResourceId"]: text_of(lab, resource) for resource in resources}
    assert {name for name, text in said.items() if "dynamodb:" in text} >= {f"{name}Role" for name in made}
    for word in ("chime", "SipMediaApplication", "SIP_MEDIA_APPLICATION", "ProvisionPstn", "PstnLine"):
        assert [name for name, text in said.items() if word.lower() in f"{name} {text}".lower()] == []
        assert [name for name in lab.outputs if word.lower() in name.lower()] == []
    assert lab.outputs["DisplayNumbers"] == f"{SHOWN_TO_CALLER},{SHOWN_TO_CALLEE}"


def text_of(lab, resource: dict[str, Any]) -> str:
    """The policies and settings of a resource, as deployed."""
    name = resource["PhysicalResourceId"]
    match resource["ResourceType"]:
        case "AWS::IAM::Role":
            iam = lab.client("iam")
            policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies]
            return json.dumps([documents, iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]])
        case "AWS::Lambda::Function":
            client = lab.client("lambda")
            settings = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            assert settings["CARRIER"] == "tandem"
            return json.dumps(settings) + or_none(lambda: client.get_policy(FunctionName=name)["Policy"])
        case "AWS::S3::Bucket":
            return or_none(lambda: lab.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    return ""


def or_none(asked: Callable[[], str]) -> str:
    """The policy; empty if there is none."""
    try:
        return asked()
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("NoSuchBucketPolicy", "ResourceNotFoundException")
        return ""

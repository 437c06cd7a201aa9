"""chime-sdk-voice over HTTP, asked by a real boto3 client on loopback; time is a jumping clock's."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from pstn.api import OPERATIONS
from pstn.clocks import JumpingClock
from pstn.serve import LoopbackServer
from pstn.service import PstnService
from pstn.switches import CREATE_REFUSALS, Quotas, Switches
from pstn.wire import routes
from tests.pstn.scripted import SHOWN_A, START, A, B

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:call-control"


class Lab:
    """A service with one number and one application, a client, and the events its Lambda got."""

    def __init__(self, url: str, service: PstnService, clock: JumpingClock, events: list[dict[str, Any]]) -> None:
        self.url = url
        self.service = service
        self.exchange = service.exchange
        self.clock = clock
        self.events = events
        self.client: Any = boto3.client(
            "chime-sdk-voice",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="lab",
            aws_secret_access_key="lab",
            config=Config(retries={"max_attempts": 0}, parameter_validation=False),
        )
        self.exchange.own(SHOWN_A)
        self.application = self.create_application("callbacks")["SipMediaApplicationId"]

    def create_application(self, name: str) -> dict[str, Any]:
        endpoints = [{"LambdaArn": LAMBDA}]
        answer = self.client.create_sip_media_application(AwsRegion="us-east-1", Name=name, Endpoints=endpoints)
        made: dict[str, Any] = answer["SipMediaApplication"]
        return made

    def create_rule(self, **changes: Any) -> dict[str, Any]:
        target = {"SipMediaApplicationId": self.application, "Priority": 1, "AwsRegion": "us-east-1"}
        wanted = {
            "Name": "in",
            "TriggerType": "ToPhoneNumber",
            "TriggerValue": SHOWN_A,
            "TargetApplications": [target],
        }
        made: dict[str, Any] = self.client.create_sip_rule(**{**wanted, **changes})["SipRule"]
        return made

    def call(self, **changes: Any) -> Any:
        wanted = {"SipMediaApplicationId": self.application, "FromPhoneNumber": SHOWN_A, "ToPhoneNumber": A}
        return self.client.create_sip_media_application_call(**{**wanted, **changes})

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, method=method), timeout=5) as answer:
            return json.load(answer)


def serve(switches: Switches) -> Iterator[Lab]:
    clock = JumpingClock(START)
    events: list[dict[str, Any]] = []

    def invoke(arn: str, event: dict[str, Any]) -> Any:
        assert arn == LAMBDA
        events.append(event)
        return {"SchemaVersion": "1.0", "Actions": []}

    service = PstnService(invoke, switches, clock=clock)
    with LoopbackServer(service) as url:
        yield Lab(url, service, clock, events)
    service.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from serve(Switches())


@pytest.fixture
def strict_lab() -> Iterator[Lab]:
    yield from serve(Switches(quotas=Quotas(on=True)))


def refusal(run: Any, **arguments: Any) -> tuple[int, str]:
    """(HTTP status, error code as boto3 names it)."""
    with pytest.raises(ClientError) as caught:
        run(**arguments)
    response = caught.value.response
    assert response["Error"]["Message"]
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_a_call_is_created_and_its_lambda_told(lab: Lab):
    answer = lab.call(ArgumentsMap={"callbackId": "cb-1"}, SipHeaders={"X-Callback": "cb-1"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    lab.exchange.run_for(1.0)
    first = lab.events[0]
    assert first["CallDetails"]["TransactionId"] == answer["SipMediaApplicationCall"]["TransactionId"]
    assert first["CallDetails"]["SipMediaApplicationId"] == lab.application
    assert first["ActionData"]["Parameters"]["Arguments"] == {"callbackId": "cb-1"}
    assert lab.exchange.phones[A].calls[0].sip_headers == {"X-Callback": "cb-1"}


def test_a_call_without_arguments_has_no_action_data(lab: Lab):
    lab.call()
    lab.exchange.run_for(1.0)
    assert "ActionData" not in lab.events[0]


def test_a_plus_sign_may_be_left_out(lab: Lab):
    lab.call(FromPhoneNumber=SHOWN_A[1:], ToPhoneNumber=A[1:])
    lab.exchange.run_for(1.0)
    assert lab.exchange.phones[A].saw == SHOWN_A


@pytest.mark.parametrize(
    "changes",
    [
        {"ToPhoneNumber": "0112"},
        {"ToPhoneNumber": "+1202555011a"},
        {"ToPhoneNumber": ""},
        {"FromPhoneNumber": "+12025550109"},
        {"FromPhoneNumber": A},
        {"ArgumentsMap": {str(n): "x" for n in range(21)}},
        {"ArgumentsMap": {"n": 1}},
        {"SipHeaders": {f"x-{n}": "x" for n in range(21)}},
        {"SipHeaders": {"From": "x"}},
        {"SipHeaders": {"X-AMZN-Trace": "x"}},
        {"SipMediaApplicationId": "6f2b9d10-93a4-4b8d-a5c7-2f7f5a1f9c33"},
    ],
    ids=str,
)
def test_a_call_that_is_refused_dials_nobody(lab: Lab, changes: dict[str, Any]):
    assert refusal(lab.call, **changes) == (400, "BadRequestException")
    lab.exchange.run()
    assert lab.events == []
    assert lab.exchange.phones[A].calls == []


def test_twenty_arguments_are_allowed(lab: Lab):
    lab.call(ArgumentsMap={str(n): "x" * 2000 for n in range(20)})
    lab.exchange.run_for(1.0)
    assert len(lab.events[0]["ActionData"]["Parameters"]["Arguments"]) == 20


def test_a_missing_number_is_refused(lab: Lab):
    run = lab.client.create_sip_media_application_call
    assert refusal(run, SipMediaApplicationId=lab.application) == (400, "BadRequestException")


def test_an_update_reaches_the_lambda_and_is_refused_after_the_end(lab: Lab):
    transaction = lab.call()["SipMediaApplicationCall"]["TransactionId"]
    lab.exchange.run_for(10.0)
    where = {"SipMediaApplicationId": lab.application, "TransactionId": transaction}
    answer = lab.client.update_sip_media_application_call(**where, Arguments={"command": "x"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["SipMediaApplicationCall"]["TransactionId"] == transaction
    lab.exchange.run_for(1.0)
    assert lab.events[-1]["InvocationEventType"] == "CALL_UPDATE_REQUESTED"
    assert lab.events[-1]["ActionData"]["Parameters"]["Arguments"] == {"command": "x"}

    lab.exchange.line.hang_up_by_hand(A)
    lab.exchange.run()
    update = lab.client.update_sip_media_application_call
    assert refusal(update, **where, Arguments={}) == (404, "NotFoundException")
    assert lab.events[-1]["InvocationEventType"] == "HANGUP"


def test_an_update_of_a_ringing_call_is_a_switch(lab: Lab):
    lab.ask("PUT", "/_lab/switches", {"update_while_ringing": False})
    where = {
        "SipMediaApplicationId": lab.application,
        "TransactionId": lab.call()["SipMediaApplicationCall"]["TransactionId"],
    }
    lab.exchange.run_for(1.0)
    assert refusal(lab.client.update_sip_media_application_call, **where, Arguments={})[0] == 404


def test_an_update_of_another_application_s_call_is_not_found(lab: Lab):
    other = lab.create_application("other")["SipMediaApplicationId"]
    transaction = lab.call()["SipMediaApplicationCall"]["TransactionId"]
    where = {"SipMediaApplicationId": other, "TransactionId": transaction}
    assert refusal(lab.client.update_sip_media_application_call, **where, Arguments={})[0] == 404


def test_the_same_create_twice_is_two_calls(lab: Lab):
    """The service has no idempotency token: R5 and R6 are the caller's business."""
    one, two = (lab.call(ArgumentsMap={"callbackId": "cb-1"})["SipMediaApplicationCall"] for _ in range(2))
    assert one["TransactionId"] != two["TransactionId"]
    lab.exchange.run()
    assert len(lab.exchange.phones[A].calls) == 2


def test_the_same_update_twice_is_two_events(lab: Lab):
    transaction = lab.call()["SipMediaApplicationCall"]["TransactionId"]
    lab.exchange.run_for(10.0)
    for _ in range(2):
        lab.client.update_sip_media_application_call(
            SipMediaApplicationId=lab.application, TransactionId=transaction, Arguments={"command": "x"}
        )
    lab.exchange.run_for(1.0)
    assert [event["Sequence"] for event in lab.events] == [1, 2, 3, 4, 5]


def test_a_create_may_fail_after_the_call_was_placed(lab: Lab):
    """A client that repeats a 5xx places a second call, with a transaction of its own."""
    lab.ask("PUT", "/_lab/switches", {"uncertain_creates": 1})
    assert refusal(lab.call) == (500, "ServiceFailureException")
    answer = lab.call()["SipMediaApplicationCall"]["TransactionId"]
    lab.exchange.run_for(1.0)
    transactions = [event["CallDetails"]["TransactionId"] for event in lab.events if event["Sequence"] == 1]
    assert len(transactions) == 2
    assert transactions[1] == answer


def test_one_create_a_second(strict_lab: Lab):
    strict_lab.call()
    assert refusal(strict_lab.call) == (429, "ThrottledClientException")
    strict_lab.exchange.run_for(1.0)
    strict_lab.call()


def test_five_updates_a_second(strict_lab: Lab):
    transaction = strict_lab.call()["SipMediaApplicationCall"]["TransactionId"]
    where = {"SipMediaApplicationId": strict_lab.application, "TransactionId": transaction, "Arguments": {}}
    for _ in range(5):
        strict_lab.client.update_sip_media_application_call(**where)
    assert refusal(strict_lab.client.update_sip_media_application_call, **where) == (429, "ThrottledClientException")


def test_the_active_calls_are_limited_with_a_400(strict_lab: Lab):
    for ending in range(10, 20):
        strict_lab.call(ToPhoneNumber=f"+120255501{ending}")
        strict_lab.exchange.run_for(1.0)
    assert refusal(strict_lab.call, ToPhoneNumber="+12025550120") == (400, "ResourceLimitExceededException")
    strict_lab.exchange.line.hang_up_by_hand("+12025550110")
    strict_lab.exchange.run_for(1.0)
    strict_lab.call(ToPhoneNumber="+12025550120")


def test_without_quotas_nothing_is_limited(lab: Lab):
    for ending in range(10, 25):
        lab.call(ToPhoneNumber=f"+120255501{ending}")
    assert lab.exchange.active_calls() == 15


def test_an_unknown_application_is_a_switch(lab: Lab):
    lab.ask("PUT", "/_lab/switches", {"unknown_application": "Forbidden"})
    assert refusal(lab.call, SipMediaApplicationId="nobody") == (403, "ForbiddenException")


@pytest.mark.parametrize("code", CREATE_REFUSALS)
def test_a_create_may_be_refused_for_good(lab: Lab, code: str):
    """By an error that the model declares for the operation, with the status it has there."""
    lab.ask("PUT", "/_lab/switches", {"refused_creates": [f"{B}:{code}"]})
    model = lab.client.meta.service_model
    declared = {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for shape in model.operation_model("CreateSipMediaApplicationCall").error_shapes
    }
    status, name = refusal(lab.call, ToPhoneNumber=B)
    assert declared[name] == status
    lab.call()
    assert lab.ask("GET", "/_lab/switches")["refused_creates"] == [f"{B}:{code}"]
    refused = [each for each in lab.ask("GET", "/_lab/feed") if each["kind"] == "refused"]
    assert [each["detail"]["to"] for each in refused] == [B]


def test_an_application_s_life(lab: Lab):
    made = lab.create_application("second")
    key = made["SipMediaApplicationId"]
    assert made["SipMediaApplicationArn"] == f"arn:aws:chime:us-east-1:111122223333:sma/{key}"
    assert made["CreatedTimestamp"] == START
    changed = lab.client.update_sip_media_application(SipMediaApplicationId=key, Name="renamed")
    assert changed["SipMediaApplication"]["Name"] == "renamed"
    assert lab.client.get_sip_media_application(SipMediaApplicationId=key)["SipMediaApplication"]["Name"] == "renamed"
    first = lab.client.list_sip_media_applications(MaxResults=1)
    rest = lab.client.list_sip_media_applications(MaxResults=1, NextToken=first["NextToken"])
    assert rest["SipMediaApplications"][0]["SipMediaApplicationId"] == key
    assert "NextToken" not in rest
    assert (
        lab.client.delete_sip_media_application(SipMediaApplicationId=key)["ResponseMetadata"]["HTTPStatusCode"] == 204
    )
    assert refusal(lab.client.get_sip_media_application, SipMediaApplicationId=key) == (404, "NotFoundException")
    assert refusal(lab.client.delete_sip_media_application, SipMediaApplicationId=key)[0] == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"Name": "no/slash"},
        {"Name": ""},
        {"Endpoints": []},
        {"Endpoints": [{"LambdaArn": LAMBDA}] * 2},
        {"AwsRegion": "eu-west-1"},
    ],
    ids=str,
)
def test_an_application_that_is_refused(lab: Lab, changes: dict[str, Any]):
    wanted = {"Name": "x", "AwsRegion": "us-east-1", "Endpoints": [{"LambdaArn": LAMBDA}]}
    assert refusal(lab.client.create_sip_media_application, **{**wanted, **changes})[0] == 400


def test_two_applications_of_one_name(lab: Lab):
    wanted = {"Name": "callbacks", "AwsRegion": "us-east-1", "Endpoints": [{"LambdaArn": LAMBDA}]}
    assert refusal(lab.client.create_sip_media_application, **wanted) == (409, "ConflictException")


def test_message_logging(lab: Lab):
    where = {"SipMediaApplicationId": lab.application}
    wanted = {"EnableSipMediaApplicationMessageLogs": True}
    lab.client.put_sip_media_application_logging_configuration(**where, SipMediaApplicationLoggingConfiguration=wanted)
    found = lab.client.get_sip_media_application_logging_configuration(**where)
    assert found["SipMediaApplicationLoggingConfiguration"] == wanted


def test_a_rule_s_life(lab: Lab):
    rule = lab.create_rule()
    key = rule["SipRuleId"]
    assert rule["Disabled"] is False
    assert lab.client.get_sip_rule(SipRuleId=key)["SipRule"]["TriggerValue"] == SHOWN_A
    assert len(lab.client.list_sip_rules(SipMediaApplicationId=lab.application)["SipRules"]) == 1
    assert lab.client.list_sip_rules(SipMediaApplicationId="other")["SipRules"] == []
    assert refusal(lab.client.delete_sip_rule, SipRuleId=key) == (409, "ConflictException")
    assert refusal(lab.client.delete_sip_media_application, SipMediaApplicationId=lab.application)[0] == 409
    assert refusal(lab.client.delete_phone_number, PhoneNumberId=SHOWN_A)[0] == 409
    answer = lab.client.update_sip_rule(SipRuleId=key, Name="in", Disabled=True)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert lab.client.delete_sip_rule(SipRuleId=key)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(lab.client.delete_sip_rule, SipRuleId=key)[0] == 404


def test_a_rule_needs_an_owned_number_and_a_known_application(lab: Lab):
    assert refusal(lab.create_rule, TriggerValue="+12025550109") == (400, "BadRequestException")
    target = {"SipMediaApplicationId": "nobody", "Priority": 1, "AwsRegion": "us-east-1"}
    assert refusal(lab.create_rule, TargetApplications=[target])[0] == 400
    assert refusal(lab.create_rule, TriggerType="Anything")[0] == 400
    lab.create_rule()
    assert refusal(lab.create_rule, Name="again") == (409, "ConflictException")


def test_a_number_is_bought_and_given_back(lab: Lab):
    found = lab.client.search_available_phone_numbers(AreaCode="202", MaxResults=3)["E164PhoneNumbers"]
    assert found == ["+12025550101", "+12025550102", "+12025550103"]
    order = lab.client.create_phone_number_order(ProductType="SipMediaApplicationDialIn", E164PhoneNumbers=found[:1])
    assert order["ResponseMetadata"]["HTTPStatusCode"] == 201
    key = order["PhoneNumberOrder"]["PhoneNumberOrderId"]
    assert order["PhoneNumberOrder"]["OrderedPhoneNumbers"][0]["Status"] == "Processing"
    assert lab.client.get_phone_number_order(PhoneNumberOrderId=key)["PhoneNumberOrder"]["Status"] == "Processing"
    lab.exchange.run_for(1.0)
    done = lab.client.get_phone_number_order(PhoneNumberOrderId=key)["PhoneNumberOrder"]
    assert (done["Status"], done["OrderedPhoneNumbers"][0]["Status"]) == ("Successful", "Acquired")
    number = lab.client.get_phone_number(PhoneNumberId=found[0])["PhoneNumber"]
    assert (number["ProductType"], number["E164PhoneNumber"]) == ("SipMediaApplicationDialIn", found[0])
    renamed = lab.client.update_phone_number(PhoneNumberId=found[0], CallingName="Duologue")
    assert renamed["PhoneNumber"]["CallingName"] == "Duologue"
    assert len(lab.client.list_phone_numbers()["PhoneNumbers"]) == 2
    assert lab.client.delete_phone_number(PhoneNumberId=found[0])["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(lab.call, FromPhoneNumber=found[0])[0] == 400
    lab.client.restore_phone_number(PhoneNumberId=found[0])
    lab.call(FromPhoneNumber=found[0])


def test_a_number_is_assigned_while_a_rule_points_at_it(lab: Lab):
    def shown() -> tuple[str, list[str]]:
        number = lab.client.get_phone_number(PhoneNumberId=SHOWN_A)["PhoneNumber"]
        return number["Status"], [each["Value"] for each in number["Associations"]]

    assert shown() == ("Unassigned", [])
    rule = lab.create_rule()["SipRuleId"]
    assert shown() == ("Assigned", [rule])
    assert lab.client.list_phone_numbers(Status="Unassigned")["PhoneNumbers"] == []
    lab.client.update_sip_rule(SipRuleId=rule, Name="in", Disabled=True)
    lab.client.delete_sip_rule(SipRuleId=rule)
    assert shown() == ("Unassigned", [])


def test_a_number_that_is_not_for_sale(lab: Lab):
    assert lab.client.search_available_phone_numbers(AreaCode="415")["E164PhoneNumbers"] == []
    assert lab.client.search_available_phone_numbers(Country="DE")["E164PhoneNumbers"] == []
    order = lab.client.create_phone_number_order
    wanted = {"ProductType": "SipMediaApplicationDialIn", "E164PhoneNumbers": [SHOWN_A]}
    assert refusal(order, **wanted) == (400, "BadRequestException")
    assert refusal(order, **{**wanted, "ProductType": "Fax"})[0] == 400


def test_tags(lab: Lab):
    arn = lab.client.get_sip_media_application(SipMediaApplicationId=lab.application)["SipMediaApplication"][
        "SipMediaApplicationArn"
    ]
    lab.client.tag_resource(ResourceARN=arn, Tags=[{"Key": "app", "Value": "x"}, {"Key": "team", "Value": "y"}])
    lab.client.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert lab.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "app", "Value": "x"}]
    assert refusal(lab.client.list_tags_for_resource, ResourceARN=arn + "x")[0] == 404


def test_an_operation_that_is_not_imitated(lab: Lab):
    assert refusal(lab.client.list_voice_connectors)[0] == 501


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        ("aws-sdk-js/3.500.0 ua/2.0 os/linux#6 lang/js md/nodejs#20.1.0 api/chime#3.500.0", 403),
        ("aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22 api/chime#1.30.3", 403),
        ("aws-sdk-js/3.500.0 ua/2.0 os/linux#6 lang/js md/nodejs#20.1.0 api/chime-sdk-voice#3.500.0", 200),
        ("aws-sdk-nodejs/2.1692.0 linux/v20.1.0 promise", 200),
    ],
)
@pytest.mark.parametrize("header", ["User-Agent", "x-amz-user-agent"])
def test_a_client_of_the_retired_namespace_is_refused(lab: Lab, header: str, agent: str, status: int):
    answered, _, body = asyncio.run(lab.service.handle("GET", "/sip-rules", {header: agent}, b""))
    assert answered == status
    assert ("deprecated" in body.decode()) == (status == 403)


def test_every_imitated_operation_is_the_model_s():
    assert set(OPERATIONS) <= {route.operation.name for route in routes()}


async def raw(service: PstnService, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    path, _, query = path.partition("?")
    return await service.handle(method, path, {}, body, query)


# More digits than int() reads, a digit that it does not, and a sign.
NO_COUNTS = ["9" * 5000, "%C2%B2", "-1"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        *(("GET", f"/_lab/feed?since={each}", b"", 400) for each in NO_COUNTS),
        *(("GET", f"/sip-rules?next-token={each}", b"", 400) for each in NO_COUNTS),
        *(("GET", f"/sip-rules?max-results={each}", b"", 400) for each in NO_COUNTS),
        ("POST", "/sip-rules", b"[" * 100_000, 400),
        ("PUT", "/_lab/switches", b"[" * 100_000, 400),
        ("PUT", "/_lab/switches", b"9" * 5000, 400),
        ("POST", "/sip-media-applications", b"{", 400),
        ("POST", "/sip-media-applications", b"[]", 400),
        ("POST", "/sip-media-applications", b"\xff", 400),
        ("GET", "/nowhere", b"", 404),
        ("PATCH", "/sip-media-applications", b"", 404),
        ("GET", "/_lab/nothing", b"", 404),
        ("PUT", "/_lab/phones/+12025550111", b'{"kind": "sings"}', 400),
        ("PUT", "/_lab/phones/+12025550111", b'{"after": "soon"}', 400),
        ("PUT", "/_lab/phones/+12025550111", b'{"after": -1}', 400),
        ("PUT", "/_lab/phones/+12025550111", b'{"presses": 1}', 400),
        ("PUT", "/_lab/phones/+12025550111", b'{"press_when": "never"}', 400),
        ("PUT", "/_lab/phones/+12025550111", b'{"colour": "red"}', 400),
        ("PUT", "/_lab/phones/+12025550111", b"[]", 400),
        ("PUT", "/_lab/phones/+12025550111", b"{", 400),
        ("POST", "/_lab/phones/+12025550111/call", b'{"to": "+12025550100"}', 404),
        *(("POST", "/_lab/phones/+12025550111/call", each, 400) for each in (b"{}", b'{"to": 5}')),
        *(
            ("POST", "/_lab/phones/+12025550111/call", b'{"to": "+12025550100", "from": %s}' % each, 400)
            for each in (b"1", b"null", b'"a\\r\\nb"', b'"%s"' % (b"9" * 65))
        ),
        ("POST", "/_lab/phones/+12025550111/sing", b"{}", 404),
        ("PUT", "/_lab/switches", b'{"no_such_switch": 1}', 400),
        ("PUT", "/_lab/switches", b'{"refused_creates": ["Throttled"]}', 400),
    ],
)
def test_malformed_requests(method: str, path: str, body: bytes, status: int):
    service = PstnService(lambda arn, event: None, clock=JumpingClock(START))
    got, headers, content = asyncio.run(raw(service, method, path, body))
    assert got == status
    assert headers["x-amzn-ErrorType"].endswith("Exception")
    assert set(json.loads(content)) == {"Code", "Message"}


def test_phones_over_http(lab: Lab):
    lab.ask("PUT", f"/_lab/phones/%2B{A[1:]}", {"kind": "answers", "after": 1, "stays": 4})
    lab.call()
    lab.exchange.run()
    shown = lab.ask("GET", f"/_lab/phones/{A}")
    assert shown["behaviour"]["stays"] == 4
    assert [entry["what"] for entry in shown["log"]] == ["called", "rang", "picked_up", "ended"]
    assert shown["calls"][0]["saw"] == SHOWN_A
    assert lab.ask("GET", "/_lab/calls")[0]["over"] is True
    kinds = [event["kind"] for event in lab.ask("GET", "/_lab/feed?since=0")]
    assert kinds[:2] == ["placed", "event"]
    assert lab.ask("GET", "/_lab/feed?since=1")[0]["kind"] == "event"
    lab.ask("DELETE", f"/_lab/phones/{A}")
    assert lab.ask("GET", f"/_lab/phones/{A}")["log"] == []


def test_a_person_at_a_phone_over_http(lab: Lab):
    """Its behaviour may change in a call without the call being forgotten."""
    lab.call()
    lab.exchange.run_for(10.0)
    assert lab.ask("POST", f"/_lab/phones/{A}/press", {"digits": "1#"}) == {"done": True}
    shown = lab.ask("PUT", f"/_lab/phones/{A}", {"kind": "busy"})
    assert [entry["with"] for entry in shown["log"] if entry["what"] == "pressed"] == ["1", "#"]
    assert A in lab.ask("GET", "/_lab/phones")
    assert (
        lab.ask("PUT", "/_lab/switches", {"quotas": {"on": True}, "lost_events": ["RINGING"]})["quotas"]["on"] is True
    )
    assert lab.ask("GET", "/_lab/switches")["lost_events"] == ["RINGING"]


def test_a_phone_calls_in_over_http(lab: Lab):
    lab.create_rule()
    lab.ask("POST", f"/_lab/phones/{A}/call", {"to": SHOWN_A})
    lab.exchange.run_for(1.0)
    assert lab.events[0]["InvocationEventType"] == "NEW_INBOUND_CALL"
    assert lab.ask("POST", f"/_lab/phones/{A}/hang-up", {}) == {"done": True}


@pytest.mark.parametrize("caller_id", ["anonymous", ""])
def test_a_phone_withholds_its_number_over_http(lab: Lab, caller_id: str):
    lab.create_rule()
    lab.ask("POST", f"/_lab/phones/{A}/call", {"to": SHOWN_A, "from": caller_id})
    lab.exchange.run_for(1.0)
    assert lab.events[0]["CallDetails"]["Participants"][0]["From"] == caller_id
    assert lab.ask("GET", f"/_lab/phones/{A}")["calls"][0]["caller_id"] == caller_id


def test_subscribers_hear_everything_in_order(lab: Lab):
    seen: list[str] = []
    lab.service.subscribe(lambda event: seen.append(event.kind))
    lab.call()
    lab.exchange.run_for(10.0)
    expected = "placed event answer called rang event answer picked_up event answer"
    assert seen == expected.split()

"""The telephone line as CloudFormation makes, changes and removes it, on the local network over HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from duologue.adapters.operating.cloudformation import NOT_MADE, ResourceResult, reply
from duologue.domain.errors import OutsideUnavailable
from duologue.runtime.custom_resource import replying
from tests.functions.worlds import Provision, provision, sample

OWN = ("+12025550106", "+12025550107")


@pytest.fixture
def world() -> Iterator[Provision]:
    with provision() as running:
        yield running


def asked(name: str, **properties: str) -> dict[str, Any]:
    event = sample("provision_pstn", name)
    event["ResourceProperties"] |= properties
    return event


def rules(world: Provision) -> list[str]:
    return sorted(rule["TriggerValue"] for rule in world.client.list_sip_rules()["SipRules"])


def applications(world: Provision) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = world.client.list_sip_media_applications()["SipMediaApplications"]
    return listed


def test_a_line_without_numbers_orders_one(world):
    made = world.take(asked("line_created"))
    [application] = applications(world)
    assert made.physical_id == made.attributes["SipMediaApplicationId"] == application["SipMediaApplicationId"]
    assert made.attributes["SipMediaApplicationArn"] == application["SipMediaApplicationArn"]
    assert made.attributes["DisplayNumbers"] == "+12025550100"
    assert rules(world) == ["+12025550100"]
    logging = world.client.get_sip_media_application_logging_configuration(
        SipMediaApplicationId=application["SipMediaApplicationId"]
    )
    assert logging["SipMediaApplicationLoggingConfiguration"]["EnableSipMediaApplicationMessageLogs"] is True


def kept_days(world: Provision) -> dict[str, int]:
    return {group["logGroupName"]: group["retentionInDays"] for group in world.logs.describe_log_groups()["logGroups"]}


def test_the_log_of_the_messages_is_kept_as_long_as_the_others(world):
    """It has full numbers; the group that the service would make keeps them for ever."""
    made = world.take(asked("line_created", KeepLogsDays="30"))
    group = f"/aws/ChimeSipMediaApplicationSipMessages/{made.physical_id}"
    assert kept_days(world) == {group: 30}
    world.take(asked("line_updated", KeepLogsDays="7"))
    assert kept_days(world) == {group: 7}


@pytest.mark.parametrize(("code", "is_made"), [("ForbiddenException", True), ("BadRequestException", False)])
def test_a_line_whose_messages_may_not_be_logged_works_all_the_same(world, monkeypatch, caplog, code, is_made):
    refusal = ClientError({"Error": {"Code": code, "Message": "LogDestination"}}, "PutLogging")
    monkeypatch.setattr(
        world.client, "put_sip_media_application_logging_configuration", Mock(side_effect=refusal), raising=False
    )
    with nullcontext() if is_made else pytest.raises(ClientError):
        world.take(asked("line_created"))
    assert bool(rules(world)) is is_made
    assert ("message log not switched on" in caplog.text) is is_made


def test_twice_makes_nothing_twice_and_orders_no_second_number(world):
    assert world.take(asked("line_created")) == world.take(asked("line_created"))
    assert len(applications(world)) == 1
    assert rules(world) == ["+12025550100"]
    assert list(world.exchange.account.numbers) == ["+12025550100"]


def test_a_line_on_own_numbers(world):
    for number in OWN:
        world.exchange.own(number)
    made = world.take(asked("line_created", DisplayNumbers=",".join(OWN)))
    assert made.attributes["DisplayNumbers"] == ",".join(OWN)
    assert rules(world) == list(OWN)
    assert world.slept == []


def test_an_update_points_the_line_at_the_function(world):
    before = world.take(asked("line_created", CallControlArn="arn:aws:lambda:us-east-1:111122223333:function:old"))
    after = world.take(asked("line_updated"))
    assert after == before
    arn = asked("line_updated")["ResourceProperties"]["CallControlArn"]
    assert applications(world)[0]["Endpoints"] == [{"LambdaArn": arn}]


def test_an_update_to_other_numbers_moves_the_rules_and_keeps_the_numbers(world):
    for number in OWN:
        world.exchange.own(number)
    world.take(asked("line_created", DisplayNumbers=OWN[0]))
    world.take(asked("line_updated", DisplayNumbers=OWN[1]))
    assert rules(world) == [OWN[1]]
    assert sorted(world.exchange.account.numbers) == list(OWN)


def deleted(physical_id: str) -> dict[str, Any]:
    return asked("line_deleted") | {"PhysicalResourceId": physical_id}


def test_a_deleted_line_keeps_its_number(world):
    made = world.take(asked("line_created"))
    assert world.take(deleted(made.physical_id)) == ResourceResult(made.physical_id)
    assert (applications(world), rules(world)) == ([], [])
    assert list(world.exchange.account.numbers) == ["+12025550100"]


@pytest.mark.parametrize("code", ["ConflictException", "BadRequestException"])
@pytest.mark.parametrize("change", ["update_sip_rule", "delete_sip_rule", "delete_sip_media_application"])
def test_a_deletion_waits_until_the_service_is_done_with_what_came_before(world, monkeypatch, change, code):
    """A rule is disabled after the answer; what follows at once is refused."""
    made, stock, refused = world.take(asked("line_created")), getattr(world.client, change), list[dict[str, str]]()

    def busy_at_first(**request: str) -> Any:
        if len(refused) < 2:
            refused.append(request)
            raise ClientError({"Error": {"Code": code, "Message": "busy"}}, change)
        return stock(**request)

    monkeypatch.setattr(world.client, change, busy_at_first)
    slept = len(world.slept)
    world.take(deleted(made.physical_id))
    assert (applications(world), rules(world)) == ([], [])
    assert world.slept[slept:] == [10.0, 10.0]


def test_deleting_twice_or_what_never_was_is_no_error(world):
    made = world.take(asked("line_created"))
    assert world.take(deleted(made.physical_id)) == world.take(deleted(made.physical_id))
    assert world.take(asked("line_deleted")).physical_id != made.physical_id
    assert world.take(deleted(NOT_MADE)) == ResourceResult(NOT_MADE)


def test_only_the_line_that_is_named_is_removed(world):
    """Somebody deleted the application; the update makes another of the same name, and the old id is cleaned up."""
    old = world.take(asked("line_created"))
    world.take(deleted(old.physical_id))
    new = world.take(asked("line_updated"))
    assert new.physical_id != old.physical_id
    world.take(deleted(old.physical_id))
    assert [application["SipMediaApplicationId"] for application in applications(world)] == [new.physical_id]
    assert rules(world) == ["+12025550100"]


# ---- a number is paid for once


def unfinished(world: Provision, monkeypatch: pytest.MonkeyPatch, **properties: str) -> None:
    """A first deployment that orders its number and fails after it, rolled back by CloudFormation."""
    with monkeypatch.context() as broken:
        refusal = ClientError({"Error": {"Code": "ForbiddenException", "Message": "not yet"}}, "CreateSipRule")
        broken.setattr(world.client, "create_sip_rule", Mock(side_effect=refusal))
        with pytest.raises(ClientError):
            world.take(asked("line_created", **properties))
    world.take(deleted(NOT_MADE))
    assert (applications(world), rules(world)) == ([], [])


def test_a_deployment_that_was_rolled_back_finds_the_number_that_it_ordered(world, monkeypatch):
    unfinished(world, monkeypatch)
    assert world.take(asked("line_created")).attributes["DisplayNumbers"] == "+12025550100"
    assert list(world.exchange.account.numbers) == ["+12025550100"]
    assert rules(world) == ["+12025550100"]


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "another-line us-east-1"},
        {"Name": "training-line us-west-2"},
        {"Name": None},
        {"Status": "Assigned"},
        {"ProductType": "VoiceConnector"},
    ],
)
def test_a_number_that_is_not_this_line_s_to_take_is_left_alone(world, monkeypatch, change):
    unfinished(world, monkeypatch)
    world.exchange.account.numbers["+12025550100"] |= change
    assert world.take(asked("line_created")).attributes["DisplayNumbers"] == "+12025550101"


def test_a_number_of_another_area_code_is_left_alone(world, monkeypatch):
    unfinished(world, monkeypatch)
    with pytest.raises(OutsideUnavailable, match="area code 999"):
        world.take(asked("line_created", AreaCode="999"))


def test_a_number_that_is_still_being_acquired_is_not_ordered_again(world, monkeypatch):
    unfinished(world, monkeypatch)
    world.exchange.account.numbers["+12025550100"]["Status"] = "AcquireInProgress"
    with pytest.raises(OutsideUnavailable, match="deploy again later"):
        world.take(asked("line_created"))
    assert list(world.exchange.account.numbers) == ["+12025550100"]


def test_the_number_is_found_behind_many_others(world, monkeypatch):
    world.exchange.own("+12025550199")
    spare = world.exchange.account.numbers["+12025550199"]
    world.exchange.account.numbers |= {f"spare {number}": spare for number in range(150)}
    unfinished(world, monkeypatch)
    assert world.take(asked("line_created")).attributes["DisplayNumbers"] == "+12025550100"


def test_an_area_code_without_numbers_says_so(world):
    with pytest.raises(OutsideUnavailable, match="area code 999"):
        world.take(asked("line_created", AreaCode="999"))


# ---- what CloudFormation is told


class Bucket:
    """Takes CloudFormation's answers, as its presigned URL does."""

    def __init__(self) -> None:
        self.put: list[tuple[dict[str, str], dict[str, Any]]] = []
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bucket.put.append((dict(self.headers), json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/answer?signature=x"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    running = Bucket()
    yield running
    running.close()


def test_a_success_is_told(world, bucket):
    event = asked("line_created") | {"ResponseURL": bucket.url}
    replying(world.take, event, None)
    [(headers, told)] = bucket.put
    assert told["Status"] == "SUCCESS"
    assert told["Data"]["DisplayNumbers"] == "+12025550100"
    named = ("StackId", "RequestId", "LogicalResourceId")
    assert {name: told[name] for name in named} == {name: event[name] for name in named}
    assert headers.get("Content-Type", "") == ""


def test_a_failure_is_told_with_its_reason_and_the_same_identity(world, bucket):
    """Else CloudFormation waits for an hour, or deletes what has another identity."""
    event = asked("line_updated", AreaCode="999") | {"ResponseURL": bucket.url}
    replying(world.take, event, None)
    [(_, told)] = bucket.put
    assert (told["Status"], told["PhysicalResourceId"]) == ("FAILED", event["PhysicalResourceId"])
    assert "area code 999" in told["Reason"]


def test_a_failed_create_has_an_identity_too(bucket):
    reply(asked("line_created") | {"ResponseURL": bucket.url}, ResourceResult("none", failed="because"))
    [(_, told)] = bucket.put
    assert (told["Status"], told["PhysicalResourceId"], told["Reason"]) == ("FAILED", "none", "because")

"""A person is erased from the real adapters' tables and bucket (moto's), also by a run that is killed anywhere."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.accounting.s3_cdr_archive import S3CdrArchive
from duologue.adapters.basics.kms_data_keys import Seal
from duologue.adapters.calls.dynamo_people import DynamoPeople
from duologue.adapters.media.s3_recordings import S3Recordings
from duologue.adapters.memory.kms_memory_seal import KmsMemorySeal
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.media.recording import Recording, published_key
from duologue.domain.memory.call_memory import MemoryTerms, RememberedParty
from duologue.domain.numbers.phone_number import WITHHELD, PhoneNumber
from duologue.usecases.memory.forget_number import ForgetNumber
from duologue.usecases.operating.erase_archived import Cleared, EraseArchived
from duologue.usecases.operating.erase_person import ErasePerson
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.ports.people import CallOfPerson
from duologue.wire.huawei.cdrs import HuaweiCdrs
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.seals import ROWS, FakeDataKeys
from tests.journeys.tables import make_lists, make_tables
from tests.samples import CALLEE, CALLER, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at, callback
from tests.store import Store

JILL = PhoneNumber("+12025550144")


def _in_turn(works):
    """moto lists no versions while others are deleted."""
    return [work() for work in works]


class Killed(Exception):
    """The process is."""


class World:
    """Sophia's calls: one as the callee, one as the caller, and one of Jack and Jill. All but `up` are over."""

    def __init__(self, aws: Callable[[str], Any], number: int = 0) -> None:
        client, calls, accounts = make_tables(aws("dynamodb"))
        self.store = Store(client, calls, accounts)
        self.s3, self.bucket = aws("s3"), f"recordings-{number}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.flows = FakeFlows()
        self.seal = KmsMemorySeal(Seal(FakeDataKeys()), aws("kms"))
        people = DynamoPeople(client, calls, ROWS)
        forget = ForgetNumber(self.store.memories, self.seal, FakeClock(at(999)))
        self.people = people
        self.lists = make_lists(client)
        self.listing = DynamoListing(client, calls, self.lists)
        recordings = S3Recordings(self.s3, self.bucket)
        self.clock, self.told = FakeClock(at(600)), list[Cleared]()
        self.archive, self.format = S3CdrArchive(self.s3, self.bucket, Seal(FakeDataKeys())), HuaweiCdrs("example.com")
        archived = EraseArchived(
            self.archive, self.archive, self.format, self.clock, timedelta(days=730), _in_turn, self.told.append
        )
        self.erase = ErasePerson(people, self.store.core, self.flows, recordings, forget, self.listing, archived)
        self.called = self.over(1, CALLER, CALLEE)
        self.dialled = self.over(2, CALLEE, CALLER)
        self.others = self.over(3, CALLER, JILL)

    def accept(self, number, caller, callee):
        call = callback(f"1_1_{number}_20261123090000")
        call = replace(call, caller=replace(call.caller, number=caller), callee=replace(call.callee, number=callee))
        dialler, target = RememberedParty(callee, "US"), RememberedParty(caller, "US")
        draft = self.seal.draft(SHOWN_TO_CALLEE, dialler, target, MemoryTerms(timedelta(30), timedelta(30)))
        call = replace(call, memory=draft)
        self.store.accept(call, slots=10, close_by=at(60))
        return call

    def over(self, number, caller, callee):
        """A call that was recorded, notified and remembered, whose flow still waits."""
        call = self.accept(number, caller, callee)
        self.store.store_token(call.id, TaskToken(f"token-{number}", Wait.END, 1))
        saved = self.store.load(call.id)
        recording = Recording(f"calls/{call.app}/{call.id}/1.wav", at(5))
        ended = replace(
            saved.call,
            recording=recording,
            ending=EndReason.STOPPED,
            ended_at=at(60),
            callee=replace(saved.call.callee, dialled_at=at(1)),
        )
        self.store.save(Change(saved, ended, finalizes=True))
        attempt = Attempt(at(2), "https://sp.example.com", 500, reply=callee.e164)
        self.store.save_delivery(
            Notice(call.id, 2, "EVENT#1", "app-1"), Delivery(DeliveryState.WAITING, at(2), (attempt,), 1, due=at(99))
        )
        self.listing.repair([ended])
        for key in (recording.key, published_key(call.app, call.id)):
            for _ in range(2):
                self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"RIFF")
        return call

    def archive_of(self, *numbers, day=date(2026, 11, 23), app="app-1"):
        """An object with a CDR of each, of calls that the table has no more."""
        lines = []
        for place, number in enumerate(numbers):
            call = callback(f"1_1_{place}_20250101090000", app)
            call = replace(call, callee=replace(call.callee, number=number), user_data=f"ask {number.e164}")
            lines.append(self.format.line(cdr_of(replace(call, ending=EndReason.STOPPED, ended_at=at(60)))))
        self.archive.store(app, day, lines, at(0))

    def archived_numbers(self):
        """App, caller, callee and `userData` of each CDR, in all versions of all objects."""
        found = self.s3.list_object_versions(Bucket=self.bucket, Prefix="cdrs/")
        assert "DeleteMarkers" not in found
        numbers = []
        for each in found.get("Versions", []):
            key = each["Key"]
            body = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=each["VersionId"])["Body"].read()
            text = Seal(FakeDataKeys()).open(body, key).decode()
            cdrs = re.findall(r'"calleeNum":"([^"]*)".*?"fwdDstNum":"([^"]*)".*?"userData":"([^"]*)"', text)
            numbers += [(key.split("/")[1], *cdr) for cdr in cdrs]
        return sorted(numbers)

    def run(self):
        return self.erase(CALLEE, (SHOWN_TO_CALLEE, SHOWN_TO_CALLER), "operator")

    def calls_with_items(self):
        return {item["call"]["S"] for item in self.store.client.scan(TableName=self.store.calls_table)["Items"]}

    def calls_in_lists(self):
        items = self.store.client.scan(TableName=self.lists)["Items"]
        return {item["sk"]["S"].rpartition("#")[2] for item in items if "#" in item["sk"]["S"]}

    def calls_with_sounds(self):
        found = self.s3.list_object_versions(Bucket=self.bucket)
        keys = [each["Key"] for each in (*found.get("Versions", []), *found.get("DeleteMarkers", []))]
        return {call.id for call in (self.called, self.dialled, self.others) for key in keys if call.id in key}

    def memories(self):
        pairs = [(self.called, CALLEE), (self.dialled, CALLER), (self.others, JILL)]
        keys = {call.id: self.seal.key(SHOWN_TO_CALLEE, dialler) for call, dialler in pairs}
        return {call_id for call_id, key in keys.items() if self.store.memories.memory(key) is not None}


@pytest.fixture
def aws():
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with mock_aws():
        yield cache(lambda service: boto3.client(service, region_name="us-east-1", **keys))


@pytest.fixture
def world(aws):
    return World(aws)


def test_a_person_is_erased_on_either_side_and_nobody_else(world):
    found = {each.found.call_id: each.found.party for each in world.erase.show(CALLEE)}
    assert found == {world.called.id: "callee", world.dialled.id: "caller"}
    erased = world.run()
    assert (erased.calls, erased.recordings, erased.memories, erased.in_progress) == (2, 2, 2, [])
    assert world.calls_with_items() == world.calls_with_sounds() == world.memories() == {world.others.id}
    assert world.calls_in_lists() == {world.others.id}
    assert world.flows.resumed == ["token-1", "token-2"]
    again = world.run()
    assert (again.calls, again.recordings, again.memories) == (0, 0, 0)


def test_a_damaged_call_is_deleted_and_named_and_keeps_no_other(world):
    key = {"call": {"S": world.called.id}, "item": {"S": "ASKED"}}
    client, table = world.store.client, world.store.calls_table
    damaged = {":damaged": {"B": b"what no key opens, as it was copied"}}
    change = {"UpdateExpression": "SET sealed = :damaged", "ExpressionAttributeValues": damaged}
    client.update_item(TableName=table, Key=key, **change)
    assert [each.call is None for each in world.erase.show(CALLEE)] == [True, False]
    erased = world.run()
    assert (erased.calls, erased.unreadable, erased.memories) == (2, [world.called.id], 2)
    assert world.calls_with_items() == world.calls_in_lists() == {world.others.id}


def test_archived_cdrs_stay_without_the_number(world):
    """Also of calls that are not reconciled yet, which nobody else would archive any more."""
    jill, jack = JILL.e164, CALLER.e164
    world.archive_of(CALLEE, JILL, CALLEE)
    world.archive_of(JILL, app="app-2")
    erased = world.run()
    assert world.archived_numbers() == sorted(
        [
            ("app-1", jack, "erased", "ask erased"),
            ("app-1", jack, jill, f"ask {jill}"),
            ("app-1", jack, "erased", "ask erased"),
            ("app-1", jack, "erased", "order-17"),
            ("app-1", "erased", jack, "order-17"),
            ("app-2", jack, jill, f"ask {jill}"),
        ]
    )
    assert (erased.archived.files, erased.archived.cdrs, erased.archived.unread) == (4, 2, 0)
    assert world.told == [erased.archived]
    assert world.run().archived.cdrs == 0


def test_a_call_that_the_sweeper_is_about_to_archive_is_left_alone_and_named(world):
    world.clock.at = at(15 * 60 - 30)
    assert world.run().in_progress == [world.called.id, world.dialled.id]
    assert world.archived_numbers() == []


def test_a_run_goes_on_in_the_archive_where_another_ended(world):
    for app in ("app-1", "app-2", "app-2", "app-3"):
        world.archive_of(CALLEE, app=app)
    second = next(iter(world.archive.files("app-2")))
    assert world.erase.archived(CALLEE, second).cdrs == 2
    left = [(app, callee) for app, _, callee, _ in world.archived_numbers()]
    assert left == [("app-1", CALLEE.e164), ("app-2", CALLEE.e164), ("app-2", "erased"), ("app-3", "erased")]


def test_an_object_past_its_time_is_removed_and_one_that_does_not_open_is_counted(world):
    """A rewriting begins the time of an object anew, as S3 counts it."""
    world.archive_of(CALLEE, day=date(2024, 11, 20))
    world.archive_of(CALLEE, day=date(2024, 11, 24))
    world.s3.put_object(
        Bucket=world.bucket, Key="cdrs/app-9/20261123/20261123T090000000-00000000.jsonl", Body=b"\0dk\1x"
    )
    cleared = world.erase.archived(CALLEE)
    assert (cleared.files, cleared.cdrs, cleared.unread) == (3, 1, 1)
    assert [file.day for file in world.archive.files("app-1")] == [date(2024, 11, 24)]


_DESTRUCTIVE = {"PutObject", "DeleteItem", "UpdateItem", "TransactWriteItems", "DeleteObject"}


def test_runs_that_are_killed_after_each_step_erase_all_in_the_end(aws, world):
    left: Iterator[bool] = itertools.repeat(True)

    world.archive_of(CALLEE, JILL, day=date(2025, 1, 1))

    def count(model, **_):
        if model.name in _DESTRUCTIVE and not next(left, None):
            raise Killed

    for service in ("dynamodb", "s3"):
        aws(service).meta.events.register(f"before-call.{service}", count)
    killed = 0
    while killed < 40:
        left = iter([True, True])  # one of them archives the CDR of the next call again
        try:
            world.run()
            break
        except Killed:
            killed += 1
    assert world.calls_with_items() == world.calls_with_sounds() == world.memories() == {world.others.id}
    assert world.calls_in_lists() == {world.others.id}
    assert {callee for _, _, callee, _ in world.archived_numbers()} == {CALLER.e164, JILL.e164, "erased"}
    assert 10 < killed < 40


def test_a_call_that_is_up_is_left_alone_and_named(world):
    up = world.accept(4, CALLER, CALLEE)
    assert world.run().in_progress == [up.id]
    assert world.store.load(up.id).call.callee.number == CALLEE


def test_who_withholds_the_number_is_not_listed(world):
    world.accept(5, WITHHELD, JILL)
    assert world.people.calls_of(WITHHELD) == []
    assert CallOfPerson(world.others.id, Party.CALLEE) in world.people.calls_of(JILL)

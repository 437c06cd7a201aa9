"""What starts a function: filters let through what it reads, and what fails comes again or is kept."""

import json
import re
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from duologue.adapters.basics.aws import to_item
from duologue.adapters.calls.call_stream import committed_of, listed_in
from duologue.adapters.rows.rows_before import fact_key
from duologue.call_control.events import NeverTakenUp
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.call_control.machine import decide
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.ports.call_changes import ProcessedEvent
from duologue.usecases.ports.notifying import Notice
from tests.architecture.reach import reach
from tests.architecture.tree import ROOT
from tests.call_control.stories import CALLER_LEFT, TALKING, Story
from tests.journeys.tables import make_tables
from tests.samples import NETWORK_CALL, NOW, at, callback
from tests.store import Store
from tools.template import Function, functions, read_template

Event = dict[str, Any]

_TEMPLATE = read_template()
_RESOURCES: dict[str, dict[str, Any]] = _TEMPLATE["Resources"]
_MAPPINGS = [
    pytest.param(function, event["Type"], event["Properties"], id=f"{function.folder}: {name}")
    for function in functions(_TEMPLATE)
    for name, event in function.properties.get("Events", {}).items()
    if event["Type"] in ("SQS", "DynamoDB")
]
_QUEUES = [each for each in _MAPPINGS if each.values[1] == "SQS"]
_STREAMS = [each for each in _MAPPINGS if each.values[1] == "DynamoDB"]
# Invoked by a schedule: what fails is done by the next one.
_COMES_AGAIN_BY_ITSELF = {"SweepFunction"}


def _queue(arn: Event) -> Event:
    properties: Event = _RESOURCES[arn["Fn::GetAtt"][0]]["Properties"]
    return properties


def _timeout(function: Function) -> int:
    return int(function.properties.get("Timeout", _TEMPLATE["Globals"]["Function"]["Timeout"]))


# ---- batches


@pytest.mark.parametrize(("function", "kind", "mapping"), _MAPPINGS)
def test_a_handler_that_gives_messages_back_is_listened_to(function: Function, kind: str, mapping: Event):
    """Without the flag its answer is not read: a queue would delete what was given back."""
    code = reach(function.folder)
    gives_back = code.says("batchItemFailures") or code.names("aws_lambda_powertools.utilities.batch.")
    assert mapping.get("FunctionResponseTypes", []) == (["ReportBatchItemFailures"] if gives_back else [])


@pytest.mark.parametrize(("function", "kind", "mapping"), _QUEUES)
def test_a_message_is_hidden_while_it_is_worked_on_and_kept_when_it_fails(
    function: Function, kind: str, mapping: Event
):
    """Six times the function's time: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    queue = _queue(mapping["Queue"])
    assert queue["VisibilityTimeout"] >= 6 * _timeout(function)
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5, "a message that is throttled was received too"
    kept = _queue(queue["RedrivePolicy"]["deadLetterTargetArn"])
    assert kept.get("FifoQueue") == queue.get("FifoQueue"), "messages of a FIFO queue are kept in one, and no others"
    assert kept["MessageRetentionPeriod"] >= queue["MessageRetentionPeriod"]
    assert "RedrivePolicy" not in kept


@pytest.mark.parametrize(("function", "kind", "mapping"), _QUEUES)
def test_no_message_waits_for_another_of_its_batch(function: Function, kind: str, mapping: Event):
    """One that takes its time would hold up those of others; a FIFO batch spans groups."""
    assert mapping["BatchSize"] == 1


@pytest.mark.parametrize(("function", "kind", "mapping"), _STREAMS)
def test_a_record_is_given_up_before_the_stream_forgets_it(function: Function, kind: str, mapping: Event):
    """A stream keeps its records for a day. What is given up is named in a queue."""
    assert timedelta(seconds=mapping["MaximumRecordAgeInSeconds"]) < timedelta(days=1)
    assert _queue(mapping["DestinationConfig"]["OnFailure"]["Destination"])["MessageRetentionPeriod"] == 14 * 86400


@pytest.mark.parametrize(("function", "kind", "mapping"), _STREAMS)
def test_a_record_that_cannot_be_read_is_given_up_alone(function: Function, kind: str, mapping: Event):
    """Without bisecting, the whole batch that it came with would be."""
    assert mapping["BisectBatchOnFunctionError"] is True


@pytest.mark.parametrize(("function", "kind", "mapping"), _STREAMS)
def test_a_stream_is_read_from_its_oldest_record(function: Function, kind: str, mapping: Event):
    """A mapping takes a while to begin: from the newest, what is written meanwhile would never be read."""
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


def test_an_event_that_nobody_waits_for_goes_through_a_queue():
    """Without one Lambda runs as many at once as it can, tries each twice more and then drops it."""
    alone = {
        function.logical_id
        for function in functions(_TEMPLATE)
        for event in function.properties.get("Events", {}).values()
        if event["Type"] in ("EventBridgeRule", "Schedule", "S3", "SNS")
    }
    assert alone == _COMES_AGAIN_BY_ITSELF


def test_no_queue_lets_its_function_use_up_what_live_calls_need():
    """Each has a limit that is the operator's, together at most half of an account's 1,000."""
    limits = [mapping.values[2]["ScalingConfig"]["MaximumConcurrency"]["Ref"] for mapping in _QUEUES]
    assert len(set(limits)) == len(limits)
    assert sum(_TEMPLATE["Parameters"][name]["Default"] for name in limits) <= 500
    assert {_TEMPLATE["Parameters"][name]["MinValue"] for name in limits} == {2}, "the least that AWS takes"


def test_a_rule_may_send_to_its_queue():
    """Without a policy EventBridge drops what it cannot deliver."""
    for name, rule in _RESOURCES.items():
        if rule["Type"] != "AWS::Events::Rule":
            continue
        for target in rule["Properties"]["Targets"]:
            queue = target["Arn"]["Fn::GetAtt"][0]
            [policy] = [
                each["Properties"]["PolicyDocument"]["Statement"]
                for each in _RESOURCES.values()
                if each["Type"] == "AWS::SQS::QueuePolicy" and {"Ref": queue} in each["Properties"]["Queues"]
            ]
            assert policy == [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": target["Arn"],
                    "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}},
                }
            ]


# ---- the stream's filters


@pytest.fixture(scope="module")
def records() -> list[Event]:
    """What the calls table's stream says of a call that is talked and told, and of one that is closed and deleted."""
    with mock_aws():
        client, calls, accounts = make_tables()
        wanted = _RESOURCES["CallsTable"]["Properties"]["StreamSpecification"] | {"StreamEnabled": True}
        client.update_table(TableName=calls, StreamSpecification=wanted)
        store = Store(client, calls, accounts)
        talked, closed = callback("1_1_1_20261123090000"), callback("1_1_2_20261123090000")
        for call in (talked, closed):
            store.accept(call, slots=9, close_by=at(120))
            store.store_token(call.id, TaskToken(f"token of {call.id}", Wait.CALLER_ANSWER, 1))
        story = Story(call=talked)
        for sequence, event in enumerate((*TALKING, CALLER_LEFT)):
            saved = store.load(talked.id)
            story.play(event)
            store.save(change_of(saved, story.last, ProcessedEvent(NETWORK_CALL, str(sequence), "{}")))
        tried = Delivery(DeliveryState.WAITING, at(1), (Attempt(at(1), "http://127.0.0.1:9", None),), 1, at(6))
        store.save_delivery(Notice(talked.id, 2, "EVENT#n#1", "app-1"), tried)
        store.save(change_of(store.load(closed.id), decide(closed, NeverTakenUp(at(200)))))
        store.note_hang_up("1_1_3_20261123090000")
        fact = {"item": fact_key(7), "kind": "AccountClosed", "at": NOW.isoformat()}  # of release 0.1.0
        client.put_item(TableName=calls, Item=to_item({"call": talked.id} | fact))
        client.delete_item(TableName=calls, Key={"call": {"S": closed.id}, "item": {"S": "CALL"}})
        return _read(calls)


def _read(table: str) -> list[Event]:
    streams = boto3.client("dynamodbstreams", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    arn = next(each["StreamArn"] for each in streams.list_streams()["Streams"] if each["TableName"] == table)
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return list(streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"])


def _kind(record: Event) -> str:
    return str(record["dynamodb"]["Keys"]["item"]["S"]).partition("#")[0]


def test_every_kind_of_item_is_tried(records):
    written = (ROOT / "layers/core/duologue/adapters/rows/call_rows.py").read_text(encoding="utf-8")
    single, numbered = r"^CALL, ASKED, TOKEN, CDR, HUNG_UP = (.*)$", r"^_EVENT, _DELIVERY = (.*)$"
    kinds = "".join(re.search(pattern, written, re.M)[1] for pattern in (single, numbered))
    assert {_kind(record) for record in records} == {*re.findall(r"[A-Z_]+", kinds), "FACT"}
    assert {record["eventName"] for record in records} == {"INSERT", "MODIFY", "REMOVE"}


@pytest.mark.parametrize(("function", "kind", "mapping"), _STREAMS)
def test_the_filters_let_through_what_is_read_and_nothing_else(records, function: Function, kind: str, mapping: Event):
    """One that is not let through is never told, or resumes nobody; one that nobody reads costs an invocation."""
    patterns = [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]]
    tried = [*records, *(record | {"eventName": "MODIFY"} for record in records)]
    let_through = [record for record in tried if any(_matches(pattern, record) for pattern in patterns)]
    read = [record for record in tried if _is_read({"Records": [record]})]
    assert {_kind(record) for record in read} == {"ASKED", "CDR", "EVENT", "FACT"}
    assert let_through == read


@pytest.mark.parametrize(("function", "kind", "mapping"), _STREAMS)
def test_each_filter_lets_something_through(records, function: Function, kind: str, mapping: Event):
    for each in mapping["FilterCriteria"]["Filters"]:
        assert any(_matches(json.loads(each["Pattern"]), record) for record in records), each


def _is_read(event: Event) -> bool:
    return bool(list(committed_of(event)) or any(listed_in(event)))


def _matches(pattern: Event, value: Any) -> bool:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, as far as it is used here."""
    for name, wanted in pattern.items():
        there = isinstance(value, dict) and name in value
        if isinstance(wanted, dict):
            if not _matches(wanted, value[name] if there else {}):
                return False
        elif not any(_fits(rule, value[name] if there else None) for rule in wanted):
            return False
    return True


def _fits(rule: Any, value: Any) -> bool:
    match rule:
        case str():
            return value == rule
        case {"prefix": str(prefix)}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"exists": bool(wanted)}:
            return (value is not None) == wanted
    raise AssertionError(f"{rule}: not known here")


def test_calls_do_not_share_the_throughput_of_a_fifo_queue_or_of_a_shard():
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html"""
    queue = _RESOURCES["FirstNotices"]["Properties"]
    assert (queue["DeduplicationScope"], queue["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    streams = [mapping.values[2] for mapping in _MAPPINGS if mapping.values[1] == "DynamoDB"]
    assert [stream["ParallelizationFactor"] for stream in streams] == [10]

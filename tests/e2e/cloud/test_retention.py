"""How much of the past the cloud keeps: the newest of everything that would grow with every callback."""

import threading
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from lab.aws.ministack import ministack
from lab.aws.overlay import cold_partitions, retention
from lab.aws.overlay.executions import TIMER
from lab.aws.overlay.task_tokens import CLOSED_KEPT, Tokens, new_token
from tests.e2e.waiting import until

KEPT = 5
MADE = 4 * KEPT


@pytest.fixture
def few(monkeypatch):
    for name in ("STREAM_RECORDS", "TRANSACTIONS", "EXECUTIONS", "LOG_EVENTS", "LOG_STREAMS"):
        monkeypatch.setattr(retention, name, KEPT)


@pytest.fixture
def table(stack):
    db = stack.dynamodb
    made = db.create_table(
        TableName="kept",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    yield made["TableDescription"]
    db.delete_table(TableName="kept")


def test_stream_records(stack, few, table):
    for each in range(MADE):
        stack.dynamodb.put_item(TableName="kept", Item={"id": {"S": str(each)}})
    streams, arn = stack.cloud.client("dynamodbstreams"), table["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    first = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = streams.get_records(ShardIterator=first)["Records"]
    assert [each["dynamodb"]["NewImage"]["id"]["S"] for each in records] == [str(MADE - KEPT + n) for n in range(KEPT)]


def test_a_stream_record_has_the_item_that_the_table_keeps(stack, table):
    stack.dynamodb.put_item(TableName="kept", Item={"id": {"S": "1"}, "n": {"N": "1"}})
    (kept,) = (each for each in ministack("services.dynamodb")._tables.values() if each["TableName"] == "kept")
    (record,) = ministack("services.dynamodb").stream_live_records("kept")
    [(_, item)] = kept["items"]["1"].items()
    assert record["dynamodb"]["NewImage"] is item


def test_transactions(stack, few, table):
    """The first one's token is forgotten, so it writes again; the last one's is not."""

    def add(token: str) -> None:
        add = {"Update": {"TableName": "kept", "Key": {"id": {"S": token}}, "UpdateExpression": "ADD n :one"}}
        add["Update"]["ExpressionAttributeValues"] = {":one": {"N": "1"}}
        stack.dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken=token)

    tokens = [f"token-{each}" for each in range(MADE)]
    for token in [*tokens, tokens[-1], tokens[0]]:
        add(token)
    written = {each: stack.dynamodb.get_item(TableName="kept", Key={"id": {"S": each}})["Item"]["n"] for each in tokens}
    assert written[tokens[-1]] == {"N": "1"}
    assert written[tokens[0]] == {"N": "2"}


def test_equal_values_of_items_are_one_until_one_changes(stack, table):
    for each in ("one", "two"):
        stack.dynamodb.put_item(TableName="kept", Item={"id": {"S": each}, "n": {"N": "1"}, "same": {"S": "x"}})
    change = {"UpdateExpression": "SET same = :y ADD n :one", "ExpressionAttributeValues": {":y": {"S": "y"}}}
    change["ExpressionAttributeValues"][":one"] = {"N": "1"}
    stack.dynamodb.update_item(TableName="kept", Key={"id": {"S": "one"}}, **change)
    other = stack.dynamodb.get_item(TableName="kept", Key={"id": {"S": "two"}})["Item"]
    assert other == {"id": {"S": "two"}, "n": {"N": "1"}, "same": {"S": "x"}}


@pytest.fixture
def cold(stack):
    """A table with partitions of several items, and an index that has all items with the same `i`."""
    stack.dynamodb.create_table(
        TableName="cold",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in "psi"],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-i",
                "KeySchema": [{"AttributeName": "i", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    yield Cold(stack.dynamodb)
    stack.dynamodb.delete_table(TableName="cold")


@dataclass
class Cold:
    """What is written to the table, read from it, and kept of it."""

    db: Any

    def write(self, partition: str, *sorts: str) -> None:
        for sort in sorts:
            item = {"p": {"S": partition}, "s": {"S": sort}, "n": {"N": "1"}, "i": {"S": "x"}, "b": {"B": b"\0\xff"}}
            self.db.put_item(TableName="cold", Item=item)

    def query(self, **more: Any) -> list[tuple[str, str]]:
        asked = {"KeyConditionExpression": "p = :v", "ExpressionAttributeValues": {":v": {"S": "old"}}, **more}
        found = self.db.query(TableName="cold", ConsistentRead=True, **asked)["Items"]
        return [(item["s"]["S"], item["n"]["N"]) for item in found]

    def by_index(self) -> list[str]:
        asked = {"IndexName": "by-i", "KeyConditionExpression": "i = :v", "TableName": "cold"}
        found = self.db.query(**asked, ExpressionAttributeValues={":v": {"S": "x"}})["Items"]
        return sorted(item["s"]["S"] for item in found)

    def kept(self) -> dict[str, Any]:
        (table,) = (each for each in ministack("services.dynamodb")._tables.values() if each["TableName"] == "cold")
        return table

    def compressed(self) -> int:
        """Items of the partition `old`."""
        items = self.kept()["items"]["old"]
        return items.packed()[0] if isinstance(items, cold_partitions.ColdPartition) else 0


def test_a_partition_that_was_not_written_for_long(cold, monkeypatch):
    """It is compressed, and reads and writes are what they were."""
    monkeypatch.setattr(cold_partitions, "WARM", 1)
    monkeypatch.setattr(cold_partitions, "LEAST", 2)
    db, key = cold.db, {"p": {"S": "old"}, "s": {"S": "b"}}
    cold.write("old", "a", "b", "c")
    cold.write("new", "a")
    assert cold.compressed() == 3
    assert cold.query() == [("a", "1"), ("b", "1"), ("c", "1")]
    assert cold.query(ScanIndexForward=False, Limit=1) == [("c", "1")]
    assert cold.by_index() == ["a", "a", "b", "c"]
    assert len(db.scan(TableName="cold")["Items"]) == 4
    assert db.get_item(TableName="cold", Key=key)["Item"]["b"] == {"B": b"\0\xff"}
    assert cold.compressed() == 3
    change = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    db.update_item(TableName="cold", Key=key, ConditionExpression="attribute_exists(p)", **change)
    db.delete_item(TableName="cold", Key={**key, "s": {"S": "c"}})
    assert cold.query() == [("a", "1"), ("b", "2")]
    cold.write("new", "b")
    assert cold.compressed() == 2
    gone = {"Delete": {"TableName": "cold", "Key": {**key, "s": {"S": "a"}}}}
    db.transact_write_items(TransactItems=[gone, {"Update": {"TableName": "cold", "Key": key, **change}}])
    assert cold.query() == [("b", "3")]
    assert cold.by_index() == ["a", "b", "b"]


def test_the_older_items_of_a_partition_that_is_written_all_the_time(cold, monkeypatch):
    """They are compressed, and reads and writes are what they were."""
    monkeypatch.setattr(cold_partitions, "BLOCK", KEPT)
    sorts = [f"{each:02}" for each in range(MADE)]
    cold.write("old", *sorts)
    assert MADE - 2 * KEPT < cold.compressed() < MADE
    assert [sort for sort, _ in cold.query()] == cold.by_index() == sorts
    cold.db.delete_item(TableName="cold", Key={"p": {"S": "old"}, "s": {"S": sorts.pop(0)}})
    cold.write("old", sorts[1], "new")
    assert [sort for sort, _ in cold.query()] == cold.by_index() == [*sorts, "new"]


def test_an_index_keeps_a_partition_once_however_many_of_its_items_it_has(cold):
    cold.write("old", *map(str, range(MADE)))
    cold.write("new", "a")
    assert len(cold.by_index()) == MADE + 1
    assert len(cold.kept()["_index_members"]["by-i"]["x"]) == 2
    cold.db.delete_item(TableName="cold", Key={"p": {"S": "new"}, "s": {"S": "a"}})
    assert len(cold.kept()["_index_members"]["by-i"]["x"]) == 1
    assert len(cold.by_index()) == MADE


def test_executions(stack, few):
    machine = stack.state_machine("kept", {"Done": {"Type": "Succeed"}})
    for each in range(MADE):
        stack.ended(stack.start(machine, name=f"run-{each}"))
    kept = stack.cloud.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert sorted(each["name"] for each in kept) == sorted(f"run-{MADE - KEPT + n}" for n in range(KEPT))


def test_the_time_limit_of_an_ended_execution(stack):
    """The thread that waits for it does not outlive the execution."""

    def waiting():
        return [thread for thread in threading.enumerate() if thread.name == TIMER]

    before = len(waiting())
    machine = stack.state_machine("limited", {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}, TimeoutSeconds=3600)
    execution = stack.start(machine)
    assert until(lambda: len(waiting()) > before)
    assert stack.ended(execution)["status"] == "SUCCEEDED"
    assert until(lambda: len(waiting()) <= before)


def test_log_events(stack, few):
    logs = stack.cloud.client("logs")
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="one")
    for each in range(MADE):
        event = {"timestamp": 1_795_861_239_000 + each, "message": str(each)}
        logs.put_log_events(logGroupName="kept", logStreamName="one", logEvents=[event])
    events = logs.get_log_events(logGroupName="kept", logStreamName="one", startFromHead=True)["events"]
    assert KEPT <= len(events) <= 2 * KEPT
    assert events[-1]["message"] == str(MADE - 1)


def test_log_streams(stack, few):
    """Those that were written last, not those that were made last."""
    logs = stack.cloud.client("logs")
    logs.create_log_group(logGroupName="many")
    for each in range(MADE):
        logs.create_log_stream(logGroupName="many", logStreamName=f"stream-{each:02}")
        event = {"timestamp": int(time.time() * 1000) + each + 1, "message": "still here"}
        logs.put_log_events(logGroupName="many", logStreamName="stream-00", logEvents=[event])
    kept = [each["logStreamName"] for each in logs.describe_log_streams(logGroupName="many")["logStreams"]]
    assert (len(kept), "stream-00" in kept, f"stream-{MADE - 1:02}" in kept) == (KEPT, True, True)


def test_tokens_of_ended_tasks():
    tokens, numbers = Tokens(), count()
    for _ in range(CLOSED_KEPT + 1):
        token = f"token-{next(numbers)}"
        tokens.open(token, "execution")
        tokens.close(token)
    assert [tokens.finish(each) for each in ("token-0", "token-1")] == ["InvalidToken", "TaskTimedOut"]


def test_of_the_token_of_an_ended_task_little_is_kept():
    tokens, token = Tokens(), new_token()
    tokens.open(token, "execution")
    tokens.close(token)
    assert tokens.finish(token) == "TaskTimedOut"
    assert [len(each) for each in tokens._closed] == [16]

"""How services refuse requests that come too fast.

AWS: each has its own error; SDKs repeat the request a few times. DynamoDB carries out a part of a BatchGetItem and a
BatchWriteItem, and SQS a part of a batch of messages. A partition of a table or of an index takes 1,000 units of
writes a second, whatever its table may take; so a busy partition of an index refuses writes of the table.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html

AWS, not documented, here: a partition may take the writes of one second at once. (The adaptive capacity that AWS adds
by and by is not imitated, nor are reads counted.)

MiniStack: never throttles.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import metrics

Answer = tuple[int, dict[str, str], bytes]
CarryOut = Callable[[bytes], Awaitable[Answer]]

_TOO_FAST = "Rate of requests exceeds the allowed throughput."
_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_CODES = {
    "dynamodb": ("ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"),
    "sqs": ("RequestThrottled",),
    "states": ("ThrottlingException",),
    "kms": ("ThrottlingException",),
}
_READS = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
_UNIT_BYTES = 1024


def error(code: str, message: str, **more: Any) -> Answer:
    """A service's error as JSON."""
    content = json.dumps({"__type": code, "message": message, **more}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
    if code == "RequestThrottled":
        headers["x-amzn-query-error"] = f"{code};Sender"  # SQS's old protocol, whose codes SDKs still report
    return 400, headers, content


def cancelled(codes: list[str], message: str) -> Answer:
    """DynamoDB's answer for a transaction, with a reason for each of its writes; "None": this one is not to blame."""
    reasons = [{"Code": code} | ({} if code == "None" else {"Message": message}) for code in codes]
    text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]"
    return error("TransactionCanceledException", text, CancellationReasons=reasons)


async def refused(what: str, body: bytes, chance: random.Random, carry_out: CarryOut) -> Answer:
    """The answer to a request that came too fast: refused, or carried out in part."""
    service, _, operation = what.partition(":")
    if service == "dynamodb":
        metrics.throttled_by_dynamodb(_tables_of(json.loads(body)), writes=operation not in _READS)
    match operation:
        case "BatchGetItem" if (keys := _keys_of(json.loads(body))) and len(keys) > 1:
            return await _in_part(json.loads(body), chance.randrange(1, len(keys)), carry_out)
        case "SendMessageBatch":
            return await _some_messages(json.loads(body), chance, carry_out)
        case "TransactWriteItems" | "TransactGetItems" if chance.random() < 1 / 2:
            count = len(json.loads(body)["TransactItems"])
            codes = ["None"] * (count - 1)
            codes.insert(chance.randrange(count), chance.choice(["ThrottlingError", "ProvisionedThroughputExceeded"]))
            return cancelled(codes, _TOO_FAST)
    if service == "s3":
        return 503, {"Content-Type": "application/xml"}, _SLOW_DOWN
    return error(chance.choice(_CODES[service]), _TOO_FAST)


def _tables_of(request: dict[str, Any]) -> list[str]:
    """The names of the tables that a request of DynamoDB is for."""
    of_items = [part["TableName"] for item in request.get("TransactItems", []) for part in item.values()]
    return [*of_items, *request.get("RequestItems", {}), *([request["TableName"]] if "TableName" in request else [])]


def _keys_of(request: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(table, key) for table, wanted in request["RequestItems"].items() for key in wanted["Keys"]]


async def _in_part(request: dict[str, Any], most: int, carry_out: CarryOut) -> Answer:
    """A BatchGetItem of its first `most` keys; the others are unprocessed."""
    keys = _keys_of(request)

    def only(chosen: list[tuple[str, Any]]) -> dict[str, Any]:
        tables = {table for table, _ in chosen}
        return {
            table: {**request["RequestItems"][table], "Keys": [key for each, key in chosen if each == table]}
            for table in tables
        }

    status, headers, content = await carry_out(json.dumps({**request, "RequestItems": only(keys[:most])}).encode())
    if status != 200:
        return status, headers, content
    answer = json.loads(content) | {"UnprocessedKeys": only(keys[most:])}
    return status, _without_checksum(headers), json.dumps(answer).encode()


async def _some_messages(request: dict[str, Any], chance: random.Random, carry_out: CarryOut) -> Answer:
    """A SendMessageBatch without one of its messages; a batch of one fails as a whole."""
    entries = request["Entries"]
    left = entries.pop(chance.randrange(len(entries)))
    if not entries:
        return error(_CODES["sqs"][0], _TOO_FAST)
    status, headers, content = await carry_out(json.dumps(request).encode())
    if status != 200:
        return status, headers, content
    answer = json.loads(content)
    failed = {"Id": left["Id"], "Code": _CODES["sqs"][0], "Message": _TOO_FAST, "SenderFault": False}
    return status, headers, json.dumps({**answer, "Failed": [*answer.get("Failed", []), failed]}).encode()


def _without_checksum(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "x-amz-crc32"}


@dataclass
class _Partition:
    units: float
    at: float

    def level(self, limit: float, now: float) -> float:
        """Units that it would still take; below zero after a large write."""
        return min(limit, self.units + (now - self.at) * limit)


_partitions: dict[tuple[str, str, str], _Partition] = {}
"""(table, index or empty, partition)."""
_MOST_PARTITIONS = 2_000


def _places(table: dict[str, Any], item: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The partitions that a write of this item concerns."""
    if not table["TableName"]:
        return []
    name, found = table["TableName"], []
    keys = [("", table["pk_name"])]
    for index in table.get("GlobalSecondaryIndexes") or []:
        hashed = next(key["AttributeName"] for key in index["KeySchema"] if key["KeyType"] == "HASH")
        keys.append((index["IndexName"], hashed))
    for index_name, attribute in keys:
        if attribute in item:
            found.append((name, index_name, json.dumps(item[attribute], sort_keys=True)))
    return found


def hot(parts: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[bool]:
    """Which of these writes (a table, and an item or its key) meet a partition that takes none now."""
    found = [_full(table, _stored(table, attributes) | attributes) for table, attributes in parts]
    if any(found):
        PLAN.count("partition_writes")
        metrics.throttled_by_dynamodb(
            [parts[place][0]["TableName"] for place, is_hot in enumerate(found) if is_hot], writes=True
        )
    return found


def _stored(table: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """The item as it is, which has the keys of indexes that an update does not name."""
    names = {table["pk_name"], table["sk_name"]} - {None}
    if not names or not names <= attributes.keys():
        return {}  # the request is not valid
    return ministack("services.dynamodb")._get_item_by_key(table, attributes) or {}


def _full(table: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether a partition of this item takes no write now."""
    limit, now = float(switches.cloud().partition_writes), time.monotonic()
    return bool(limit) and any(
        place in _partitions and _partitions[place].level(limit, now) <= 0 for place in _places(table, item)
    )


def _written(table: dict[str, Any], item: dict[str, Any]) -> None:
    """Count a write."""
    limit, now = float(switches.cloud().partition_writes), time.monotonic()
    if not limit:
        return
    if len(_partitions) > _MOST_PARTITIONS:
        for place in [place for place, each in _partitions.items() if each.level(limit, now) >= limit]:
            del _partitions[place]
    units = -(-len(json.dumps(item)) // _UNIT_BYTES)
    for place in _places(table, item):
        partition = _partitions.setdefault(place, _Partition(limit, now))
        partition.units, partition.at = partition.level(limit, now) - units, now


def _counted(stock: Any) -> Any:
    def set_item(table: dict[str, Any], partition: str, sort: str, item: dict[str, Any]) -> Any:
        _written(table, item)
        return stock(table, partition, sort, item)

    return set_item


def reset() -> None:
    """Another cloud begins."""
    _partitions.clear()


def apply() -> None:
    """Count the writes of each partition."""
    db = ministack("services.dynamodb")
    db._set_item = _counted(db._set_item)

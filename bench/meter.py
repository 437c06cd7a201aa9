"""What reaches the lab's AWS endpoint: it looks at each request on its way in, and at what it changed.

Functions and state machines all come in by this door, each with the credentials of its own role, so a request tells who
made it. What the lab does by itself (a poller that reads a queue or a stream) does not pass here.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from bench.units import Item, index_units, item_bytes, read_units, write_units
from lab.aws.ministack import ministack
from lab.aws.overlay import own_services

OUTSIDE = "outside"
"""Whoever is no function and no state machine: the bench itself, and the operator."""
_SINGLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_TRANSACTIONS = ("TransactWriteItems", "TransactGetItems")
_METERED = {*_SINGLE_WRITES, "TransactWriteItems", "BatchWriteItem", "GetItem", "Query", "Scan"}
"""What the local store's own meter knows; it does not count a BatchGetItem."""


@dataclass(frozen=True)
class ItemWrite:
    """`kind`: the word that its sort or partition key begins with. `by_index`: the units of each index that changes.

    `grown`: bytes that the table has more.
    """

    table: str
    kind: str
    units: int
    by_index: Mapping[str, int]
    grown: int
    is_new: bool

    @property
    def index_units(self) -> int:
        return sum(self.by_index.values())


@dataclass(frozen=True)
class Request:
    """`read_units`, and the units of `writes`: by `units`. `metered`: what the local store says of both together."""

    who: str
    service: str
    operation: str
    refused: bool = False
    writes: tuple[ItemWrite, ...] = ()
    items_read: int = 0
    read_units: float = 0.0
    metered: float = 0.0

    @property
    def is_write(self) -> bool:
        return bool(self.writes)


def write_units_of(requests: Iterable[Request]) -> int:
    """Tables and indexes."""
    return sum(write.units + write.index_units for request in requests for write in request.writes)


def units_by_kind(requests: Iterable[Request]) -> Counter[str]:
    """Write units by table and kind of item, each index apart."""
    units: Counter[str] = Counter()
    for request in requests:
        for write in request.writes:
            units[f"{write.table}: {write.kind}"] += write.units
            for index, more in write.by_index.items():
                units[f"{write.table}: index {index}"] += more
    return +units


@dataclass
class Meter:
    """Counts while it is attached. `requests` may be read at any time, and emptied."""

    requests: list[Request] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def attached(self) -> "Iterator[Meter]":
        handlers = ministack("app").SERVICE_HANDLERS
        stock = dict(handlers)
        for service, handler in stock.items():
            handlers[service] = self._watching(service, handler)
        try:
            yield self
        finally:
            handlers.update(stock)

    def of_the_platform(self) -> list[Request]:
        """What functions and state machines asked for."""
        with self._lock:
            return [request for request in self.requests if request.who != OUTSIDE]

    def of(self, who: str) -> list[Request]:
        with self._lock:
            return [request for request in self.requests if request.who == who]

    def _watching(self, service: str, stock: Any) -> Any:
        async def watched(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
            who, target = _who(headers), headers.get("x-amz-target", "").rpartition(".")[2]
            if service == "dynamodb":
                return await self.carried_out(who, target, stock, (method, path, headers, body, query))
            answer = await stock(method, path, headers, body, query)
            operation = target or _rest_operation(service, method, path, query)
            self._add(Request(who, service.removeprefix("own:"), operation, refused=int(answer[0]) >= 400))
            return answer

        return watched

    async def carried_out(self, who: str, operation: str, stock: Any, call: tuple[Any, ...]) -> Any:
        """A request to DynamoDB: with the items before and after, and with what the store's own meter says."""
        method, path, headers, body, query = call
        asked = json.loads(body or b"{}")
        transactional, keys = operation in _TRANSACTIONS, list(_written(operation, asked))
        before = [_image(*key) for key in keys]
        if operation in _METERED:
            body = json.dumps({**asked, "ReturnConsumedCapacity": "INDEXES"}).encode()
        answer = await stock(method, path, headers, body, query)
        after = [_image(*key) for key in keys]
        said, refused = json.loads(answer[2] or b"{}"), int(answer[0]) >= 400
        read = [] if refused else list(_read(operation, asked, said))
        self._add(
            Request(
                who,
                "dynamodb",
                operation,
                refused=refused,
                writes=tuple(
                    _write(table, key, old, new, transactional)
                    for (table, key), old, new in zip(keys, before, after, strict=True)
                ),
                items_read=sum(count for count, _ in read),
                read_units=sum(units for _, units in read),
                metered=_metered(said),
            )
        )
        return answer

    def _add(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)


def _who(headers: Mapping[str, str]) -> str:
    """The name of the function or state machine whose session signed this."""
    match = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
    session = ministack("services.sts")._sessions.get(match[1] if match else "")
    return str(session["Arn"]).rpartition("/")[2] if session else OUTSIDE


def _rest_operation(service: str, method: str, path: str, query: Any) -> str:
    named = own_services.operation(service.removeprefix("own:"), method, path, query or {})
    return named or f"{method} {re.sub(r'[0-9a-fA-F-]{20,}', '…', path)[:60]}"


def _written(operation: str, asked: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    """Table and key of each item that a request would write; of a Put the whole item."""
    if operation in _SINGLE_WRITES:
        yield asked["TableName"], asked.get("Item") or asked["Key"]
    for each in asked.get("TransactItems", ()) if operation == "TransactWriteItems" else ():
        ((_, what),) = each.items()
        yield what["TableName"], what.get("Item") or what["Key"]
    for table, writes in asked.get("RequestItems", {}).items() if operation == "BatchWriteItem" else ():
        for each in writes:
            ((_, what),) = each.items()
            yield table, what.get("Item") or what["Key"]


def _image(table: str, key: Item) -> Item | None:
    """The item as the store has it now."""
    store = ministack("services.dynamodb")
    item: Item | None = store._get_item_by_key(store._tables[table], key)
    return copy.deepcopy(item)


def _write(table: str, key: Item, before: Item | None, after: Item | None, transactional: bool) -> ItemWrite:
    about = ministack("services.dynamodb")._tables[table]
    own_key = [about["pk_name"], *([about["sk_name"]] if about["sk_name"] else [])]
    by_index: dict[str, int] = {}
    for index in about.get("GlobalSecondaryIndexes") or ():
        keys = [each["AttributeName"] for each in index["KeySchema"]]
        how = index.get("Projection", {})
        projected = [*keys, *own_key, *how.get("NonKeyAttributes", ())]
        units = index_units(keys, None if how.get("ProjectionType") == "ALL" else projected, before, after)
        if units:
            by_index[index["IndexName"]] = units
    sizes = [item_bytes(item) if item else 0 for item in (before, after)]
    return ItemWrite(
        _short(table),
        _kind(key, own_key),
        write_units(before, after, transactional=transactional),
        by_index,
        sizes[1] - sizes[0],
        before is None and after is not None,
    )


def _kind(key: Item, own_key: list[str]) -> str:
    """The sort key tells, by a word in capitals, or where it is only an id or a time, the partition key."""
    for name in reversed(own_key):
        text = str(next(iter(key[name].values()))).partition("#")[0]
        if text.isalpha() and (text.isupper() or name == own_key[0]):
            return text
    return "other"


def _short(table: str) -> str:
    """A table's logical id is what its physical name has between the stack's and what makes it unique."""
    return next((piece for piece in table.split("-") if piece.endswith("Table")), table)


def _read(operation: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """Items and units of each read; what is asked for and not there is charged too."""
    match operation:
        case "GetItem":
            yield 1, _item_read(said.get("Item"), consistent=bool(asked.get("ConsistentRead")))
        case "BatchGetItem":
            for table, what in asked["RequestItems"].items():
                found = said["Responses"].get(table, [])
                consistent = bool(what.get("ConsistentRead"))
                yield len(found), sum(_item_read(item, consistent=consistent) for item in found)
                missing = len(what["Keys"]) - len(found)
                yield missing, missing * _item_read(None, consistent=consistent)
        case "TransactGetItems":
            for each in said["Responses"]:
                yield 1, _item_read(each.get("Item"), transactional=True)
        case "Query" | "Scan":
            size = sum(item_bytes(item) for item in said.get("Items", ()))
            yield len(said.get("Items", ())), read_units(size, consistent=bool(asked.get("ConsistentRead")))


def _item_read(item: Item | None, **how: bool) -> float:
    return read_units(item_bytes(item) if item else 0, **how)


def _metered(said: Mapping[str, Any]) -> float:
    consumed = said.get("ConsumedCapacity", [])
    return sum(float(each["CapacityUnits"]) for each in (consumed if isinstance(consumed, list) else [consumed]))

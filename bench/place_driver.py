"""Place callbacks in a process of its own, one for each line that comes in, and say how long each took.

Run by `bench.place`. The first line is the order: what to put on the path, and either the event for our handler, or a
transaction and an execution for the one that does nothing else. Loading is part of the first placing, as in a cold
start.
"""

import json
import sys
from collections.abc import Callable
from random import randrange
from time import perf_counter
from typing import Any


def ours(order: dict[str, Any]) -> Callable[[], None]:
    handler = __import__("handler")  # on the path of the order, not on this one's

    def place() -> None:
        said = handler.handler(order["event"], None)
        assert said["statusCode"] == 200, said

    return place


def bare(order: dict[str, Any]) -> Callable[[], None]:
    """The same writes under another call id each time, and under other numbers of the slot and of the second."""
    import boto3

    table, flows = boto3.client("dynamodb"), boto3.client("stepfunctions")
    known = order["call_id"]

    def place() -> None:
        call_id = f"{randrange(10**9)}_{randrange(10**9)}_1_20261123090000"
        transaction = json.loads(order["transaction"].replace(known, call_id))
        for put in (write["Put"]["Item"] for write in transaction["TransactItems"] if "Put" in write):
            if "sk" in put:
                put["sk"]["S"] += f"#{call_id}"
        table.transact_write_items(**transaction)
        flows.start_execution(**json.loads(order["execution"].replace(known, call_id)))

    return place


def main() -> None:
    order = json.loads(sys.stdin.readline())
    sys.path[:0] = order["path"]
    place: Callable[[], None] | None = None
    for _ in sys.stdin:
        started = perf_counter()
        place = place or {"ours": ours, "bare": bare}[order["kind"]](order)
        place()
        sys.stdout.write(f"{(perf_counter() - started) * 1000:.3f}\n")
        sys.stdout.flush()


main()

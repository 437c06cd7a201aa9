"""`python -m bench.console`: requests to the store and CPU of the console's pages with 10,000 calls stored.

The calls and their lists are in moto's DynamoDB, with the product's own rows. Below botocore, each request is answered
by what moto answered to the same one before, so the CPU is that of the console and of botocore; the client of the
tests, which sends the HTTP requests in the same process, is in it too.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws
from moto.core.models import botocore_stubber
from starlette.testclient import TestClient

from bench.answers import Answer, header_text
from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.accounting.dynamo_call_lists import DynamoCallLists, DynamoUsages
from duologue.adapters.basics.aws import to_item
from duologue.adapters.calls.dynamo_histories import DynamoHistories
from duologue.adapters.notifying.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.rows.call_rows import ASKED, CALL, asked_row, call_row, delivery_key, delivery_row
from duologue.adapters.rows.list_rows import key, last_digits, lists_of, place
from duologue.domain.calls.call import Call
from duologue.operator.console.server import make_app
from tests.console.world import BASE, FAILED, NOT_ANSWERED, PORT, TALKED, World, acknowledged, numbered
from tests.fakes.seals import ROWS
from tests.journeys.tables import make_lists, make_tables

RESULTS = Path(__file__).with_name("console.md")
PAGES = {
    "first page of calls": "/calls",
    "by the last four digits": "/calls?text=0187",
    "that failed": "/calls?result=failed",
    "of an app": "/calls?app=app-1",
}
_RUNS = 30
_BATCH = 25


class Store:
    """DynamoDB below botocore: counts requests, and remembers answers."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self._answers: dict[tuple[str, bytes], tuple[int, Any, bytes]] = {}

    def client(self) -> Any:
        client: Any = boto3.client("dynamodb", "us-east-1")
        client.meta.events.unregister("before-send", botocore_stubber)  # it would answer every request as well
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, event_name: str, request: Any, **_: Any) -> Answer:
        operation = header_text(request.headers["X-Amz-Target"])
        self.requests[operation.rpartition(".")[2]] += 1
        asked = (operation, request.body)
        if asked not in self._answers:
            answer: Any = botocore_stubber(event_name, request)
            self._answers[asked] = answer.status_code, answer.headers, answer.content
        return Answer(*self._answers[asked])


def calls(world: World, count: int) -> Iterator[Call]:
    """Of the last ten days; one in a hundred has a number that ends in 0187."""
    ended = [world.place(*events, age=timedelta(days=11)) for events in (FAILED, TALKED, NOT_ANSWERED)]
    for number in range(count):
        call, age = ended[number % 3], timedelta(days=10) * (number + 1) / count
        leg = replace(call.caller, number=numbered(187 if number % 100 == 0 else 100 + number % 80))
        yield replace(call, id=world.id(age), accepted_at=world.clock.now() - age, caller=leg)


def store_calls(client: Any, table: str, lists: str, some: list[Call]) -> None:
    """As acceptance and end leave them, as far as lists are read."""
    items: list[tuple[str, Any]] = []
    for call in some:
        asked = asked_row(call) | {"ends": " ".join(_hashes(call))}
        for item, row in ((ASKED, asked), (CALL, call_row(call))):
            items.append((table, _item(call, item, row)))
        for sequence in (call.facts - 1, call.facts):  # its end and its CDR, which the SP has acknowledged
            told = delivery_row(acknowledged(call.accepted_at, sequence == call.facts))
            items.append((table, _item(call, delivery_key(sequence), told)))
        entry = to_item({"app": call.app, "reason": str(call.ending), "talked": call.callee.answered_at is not None})
        sort = place(asked["accepted_at"], call.id)
        items += [(lists, key(listed, sort) | entry) for listed in set(lists_of(asked))]
    for begin in range(0, len(items), _BATCH):
        requests: dict[str, list[Any]] = {}
        for name, put in items[begin : begin + _BATCH]:
            requests.setdefault(name, []).append({"PutRequest": {"Item": put}})
        client.batch_write_item(RequestItems=requests)


def _item(call: Call, item: str, row: dict[str, Any]) -> Any:
    return to_item(ROWS.closed(call.id, item, {"call": call.id, "item": item, **row}))


def _hashes(call: Call) -> set[str]:
    return {ROWS.hash_of(last_digits(leg.number)) for leg in (call.caller, call.callee)}


@contextmanager
def served(count: int) -> Iterator[tuple[TestClient, Store, Call]]:
    """The console over so many calls, and one of them."""
    with mock_aws():
        client, table, accounts = make_tables()
        lists, world, store = make_lists(client), World(), Store()
        secrets = KmsSecrets(boto3.client("kms", "us-east-1"))
        found = list(calls(world, count))
        store_calls(client, table, lists, found)
        counted = store.client()
        desk = replace(
            world.desk,
            lists=DynamoCallLists(counted, table, lists, ROWS),
            usages=DynamoUsages(counted, lists),
            log=DynamoNotificationLog(
                counted, table, accounts, DynamoAccountBook(counted, accounts, secrets), timedelta(days=90), ROWS
            ),
            show=replace(world.desk.show, traces=DynamoHistories(counted, table, ROWS)),
        )
        with TestClient(make_app(replace(world.pages, desk=desk), PORT), base_url=BASE) as browser:
            yield browser, store, found[count // 2]


def measured(browser: TestClient, store: Store, path: str) -> tuple[Counter[str], float]:
    """Requests of one page, and the milliseconds of CPU of the median run."""
    browser.get(path).raise_for_status()
    store.requests.clear()
    times = []
    for _ in range(_RUNS):
        begun = time.process_time()
        browser.get(path)
        times.append(1000 * (time.process_time() - begun))
    counts = Counter({name: count // _RUNS for name, count in store.requests.items()})
    return counts, sorted(times)[_RUNS // 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--into", type=Path, help="write the table into this file too")
    asked = parser.parse_args()
    lines = ["| Page | Requests to the store | CPU, ms |", "| --- | --- | --- |"]
    with served(asked.calls) as (browser, store, call):
        for name, path in (*PAGES.items(), ("one call", f"/calls/{call.id}")):
            requests, cpu = measured(browser, store, path)
            named = ", ".join(f"{count} {operation}" for operation, count in sorted(requests.items()))
            lines.append(f"| {name} | {named} | {cpu:.0f} |")
    table = "\n".join(lines)
    print(table)
    if asked.into:
        head = f"# The console's pages\n\n`python -m bench.console`, {asked.calls:,} calls stored; medians of {_RUNS}."
        text = "The CPU is that of the console, of botocore and of the test's HTTP client. Apps are known."
        asked.into.write_text(f"{head}\n{text}\n\n{table}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

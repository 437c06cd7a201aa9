"""What it takes to look for calls among many stored ones: requests to DynamoDB, and this process's CPU.

`python -m bench.reads 10000` writes bench/reads.md. The store is the local cloud's, called without HTTP; its own CPU is
taken off. The clients of CloudFormation, KMS and STS are stubs: what they say is asked for once in a process.
"""

import argparse
import base64
import contextlib
import hashlib
import io
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.spread import table
from bench.store_in_process import Handle, dynamodb, rows_of
from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.basics.aws import to_item
from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.adapters.calls.dynamo_people import listings
from duologue.adapters.rows.call_rows import ASKED, CALL, CDR, asked_row, call_row, cdr_row
from duologue.adapters.rows.sealed_rows import SealedRows
from duologue.domain.access.accounts import App, Sp
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.__main__ import main as operate
from tests.journeys.tables import SHAPES

OUT = Path(__file__).with_name("reads.md")
_ROUNDS = 11
_NOW = datetime.now(UTC)
_SHOWN = "+12025550100"
_COMMANDS = (
    "call list",
    "call list --result failed",
    "call list --open",
    "call list --app app-1 --result callee_failed",
    "call list --since {hour_ago}",
    "call list --display-number +12025550100 --result failed",
    "call find 0111",
    "call find +12025550111",
    "call find {call}",
    "call show {call}",
    "usage",
    "usage --app app-1 --days 30",
    "sp list",
    "app list",
)


class Store:
    """The local cloud's DynamoDB in this process. `spent`: its CPU, in seconds."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.spent = 0.0
        self.client = dynamodb(self._carry_out)
        for name, shape in SHAPES.items():
            self.client.create_table(TableName=name, **shape)

    async def _carry_out(self, operation: str, handle: Handle, arguments: tuple[Any, ...]) -> Any:
        began = time.process_time()
        self.requests[operation] += 1
        answer = await handle(*arguments)
        self.spent += time.process_time() - began
        return answer


def _clients(store: Store) -> Callable[[str], Any]:
    outputs = {name: name for name in SHAPES} | {"MemoriesKey": "key", "SecretsKey": "key", "DisplayNumbers": _SHOWN}
    outputs |= {
        "RecordingsBucket": "recordings",
        "CallbackFlow": "arn:aws:states:us-east-1:111122223333:stateMachine:flow",
    }
    described = {
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        "Parameters": [{"ParameterKey": "HostName", "ParameterValue": "ce1.example.com"}],
    }
    stubs = {
        "dynamodb": store.client,
        "cloudformation": SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [described]}),
        "kms": SimpleNamespace(
            generate_mac=lambda Message, **_: {"Mac": hashlib.sha256(Message).digest()},  # noqa: N803
            encrypt=lambda **_: {"CiphertextBlob": b"secret"},
        ),
        "sts": SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:aws:iam::111122223333:user/operator"}),
    }
    no_history: Any = SimpleNamespace(paginate=lambda **_: [{"events": []}])
    stubs["stepfunctions"] = SimpleNamespace(get_paginator=lambda _: no_history)
    return lambda service: stubs.get(service) or SimpleNamespace()


def _call(number: int) -> Call:
    """One of four was not answered by the callee; the newest ten are up."""
    accepted = _NOW - timedelta(seconds=20 * number + 5)
    legs = {
        Party.CALLER: f"+120255501{10 + number % 40}",
        Party.CALLEE: f"+120255501{50 + number % 50}",
    }
    caller, callee = (Leg(party, PhoneNumber(number), PhoneNumber(_SHOWN)) for party, number in legs.items())
    dialled, answered = accepted + timedelta(seconds=1), accepted + timedelta(seconds=3)
    caller = replace(caller, dialled_at=dialled, answered_at=answered)
    call = Call(
        id=f"{number}_2_3_{accepted:%Y%m%d%H%M%S}",
        sp="sp-1",
        app=f"app-{1 + number % 3}",
        caller=caller,
        callee=callee,
        accepted_at=accepted,
        ring_limit=timedelta(seconds=30),
        longest_talk=timedelta(minutes=30),
        network_call="network-call",
        facts=3,
        rates=(10_000, 10_000),
    )
    if number < 10:
        return call
    ended = accepted + timedelta(seconds=33)
    callee = replace(callee, dialled_at=answered, answered_at=None if number % 4 == 0 else answered, ended_at=ended)
    reason = EndReason.CALLEE_FAILED if number % 4 == 0 else EndReason.HUNG_UP
    return replace(call, caller=replace(caller, ended_at=ended), callee=callee, ending=reason, ended_at=ended)


def fill(store: Store, count: int, rows: SealedRows, kms: Any) -> str:
    """Store so many calls, listed and counted; the id of one that failed."""
    book = DynamoAccountBook(store.client, "AccountsTable", KmsSecrets(kms, "key"))
    book.add_sp(Sp("sp-1", "sp-1", "hash"))
    for number in (1, 2, 3):
        book.add_app(App(f"app-{number}", "sp-1", "secret", display_numbers=(_SHOWN,)))
    calls, listing = rows_of("CallsTable"), DynamoListing(store.client, "CallsTable", "ListsTable")
    for begin in range(0, count, 50):
        some = [_call(number) for number in range(begin, min(begin + 50, count))]
        for call in some:
            calls[call.id] = _items(call, rows)
        listing.add([call.id for call in some])
        listing.end([call.id for call in some])
    return _call(12).id


def _items(call: Call, rows: SealedRows) -> dict[str, dict[str, Any]]:
    listed = listings(call, rows)
    of_call = {CALL: call_row(call) | {"version": 1} | listed[CALL], ASKED: asked_row(call) | listed[ASKED]}
    if call.ended_at is not None:
        of_call[CDR] = cdr_row(cdr_of(call))
    expires = int((call.accepted_at + timedelta(days=90)).timestamp())
    keys = {"call": call.id, "expires_at": expires}
    return {item: _sent(rows.closed(call.id, item, row) | keys | {"item": item}) for item, row in of_call.items()}


def _sent(row: dict[str, Any]) -> dict[str, Any]:
    """As it goes over the wire, and as the store keeps it."""

    def sent(typed: dict[str, Any]) -> dict[str, Any]:
        return {"B": base64.b64encode(typed["B"]).decode()} if "B" in typed else typed

    return {name: sent(typed) for name, typed in to_item(row).items()}


def measure(count: int) -> list[tuple[str, Counter[str], float]]:
    """Of each read: its name, its requests, and the median of this process's CPU in milliseconds."""
    store = Store()
    clients = _clients(store)
    rows = SealedRows(Seal(KmsDataKeys(clients("kms"), "key")))
    call = fill(store, count, rows, clients("kms"))
    named = {"call": call, "hour_ago": (_NOW - timedelta(hours=1)).isoformat()}

    def command(words: str) -> Callable[[], None]:
        arguments = words.format(**named).split()

        def run() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                assert operate(arguments, clients) == 0, words

        return run

    return [(f"`duologue {words}`", *_cost(store, command(words))) for words in _COMMANDS]


def _cost(store: Store, read: Callable[[], None]) -> tuple[Counter[str], float]:
    read()
    cpu = []
    for _ in range(_ROUNDS):
        store.requests.clear()
        began, spent = time.process_time(), store.spent
        read()
        cpu.append(time.process_time() - began - (store.spent - spent))
    return Counter(store.requests), statistics.median(cpu) * 1000


def report(count: int, found: list[tuple[str, Counter[str], float]]) -> str:
    rows = [
        (name, str(requests.total()), ", ".join(f"{each} {n}" for each, n in sorted(requests.items())), f"{cpu:.0f} ms")
        for name, requests, cpu in found
    ]
    lines = [
        f"# Looking for calls among {count:,}",
        "",
        f"Written by `python -m bench.reads {count}`, {datetime.now(UTC):%Y-%m-%d}. Requests to DynamoDB of one",
        "command (at most 3 wanted), and CPU of its process, without the store's. The console's pages: console.md.",
        f"Medians of {_ROUNDS}; 2 cores, Python {sys.version.split()[0]}.",
        "",
        *table(("Command", "Requests", "of which", "CPU"), rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    wanted = parser.parse_args()
    said = report(wanted.count, measure(wanted.count))
    OUT.write_text(said, encoding="utf-8")
    print(said)

"""`python -m bench.return_calls`: what answering a return call asks of AWS, at 10 and at 10,000 call memories.

One lab, one pair: a callback, then the called party dials the display number again and again. The phone that is rung
stays unanswered for some seconds, so that what was asked before it rang is apart from what followed.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.meter import Meter, Request
from lab.lab import Lab
from lab.sp.account import open_account
from lab.sp.client import SpClient
from lab.sp.receiver import Receiver
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone
from tools.template import ROOT

RESULTS = Path(__file__).with_name("return_calls.md")
TARGET, DIALLER = "+12025550111", "+12025550122"
SIZES = (10, 10_000)
_RINGS_S, _TALKS_S, _PATIENCE_S = 4.0, 1.0, 60.0
_BATCH = 25
_OF_INTEREST = ("call_control", "outbox", "flow", "notify_sp")


class ReturnCallFailed(Exception):
    """A return call did not ring, or did not end."""


@dataclass(frozen=True)
class Answered:
    """One return call. `before_ring`: what call_control asked until the phone rang; `all_in_all`: all functions.

    `to_ring_ms`: from the dialler's call to the ring.
    """

    before_ring: tuple[Request, ...]
    all_in_all: tuple[Request, ...]
    to_ring_ms: float


def measure(calls: int, state_dir: Path) -> dict[int, list[Answered]]:
    """`calls` return calls at each size, the first of which finds a cold process. Raises ReturnCallFailed."""
    meter = Meter()
    with Lab(auth=True, state_dir=state_dir) as lab, meter.attached(), _sp(lab) as (client, receiver):
        # Memories of one display number are written here faster than their partition would take them.
        lab.cloud.switches = replace(lab.cloud.switches, partition_writes=0)
        display = lab.outputs["DisplayNumbers"].split(",")[-1]
        phones = lab.pstn.exchange.phones
        phones[TARGET], phones[DIALLER] = Phone(answers(after=0.5)), Phone(answers(after=0.5, talks=1.0))
        reply = client.place(
            callerNbr=TARGET,
            calleeNbr=DIALLER,
            displayCalleeNbr=display,
            callMemory="true",
            status_url=receiver.status_url,
            fee_url=receiver.fee_url,
        )
        if reply.status != 200 or not receiver.wait_for_fee(str(reply.body["sessionId"]), _PATIENCE_S):
            raise ReturnCallFailed(f"the callback: {reply.status} {reply.body}")
        phones[TARGET].behaviour = answers(after=_RINGS_S, talks=_TALKS_S)
        names = {lab.resources[_logical(folder)]: folder for folder in _OF_INTEREST}
        found: dict[int, list[Answered]] = {}
        for size in SIZES:
            _fill(lab, size)
            found[size] = [_call(lab, meter, names, display) for _ in range(calls)]
        return found


def _logical(folder: str) -> str:
    return "".join(part.title() for part in folder.split("_")) + "Function"


@contextmanager
def _sp(lab: Lab) -> Iterator[tuple[SpClient, Receiver]]:
    account = open_account(lab.cloud.environment, sp="bench", display_numbers=lab.outputs["DisplayNumbers"].split(","))
    receiver = Receiver(account.app_key, account.app_secret, lambda notification: 200)
    client = SpClient(lab.api_url, account)
    client.log_in()
    try:
        yield client, receiver
    finally:
        receiver.close()


def _fill(lab: Lab, size: int) -> None:
    """Copies of the one memory under other hashes of its display number, until there are `size`."""
    client, table = lab.client("dynamodb"), lab.outputs["AccountsTable"]
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(pk, :memory)",
        ExpressionAttributeValues={":memory": {"S": "MEMORY#"}},
    )
    memories = [item for page in pages for item in page["Items"]]
    copies = [{**memories[0], "sk": {"S": f"copy-{number:06d}"}} for number in range(len(memories), size)]
    for first in range(0, len(copies), _BATCH):
        puts: list[Any] = [{"PutRequest": {"Item": item}} for item in copies[first : first + _BATCH]]
        client.batch_write_item(RequestItems={table: puts})


def _call(lab: Lab, meter: Meter, names: dict[str, str], display: str) -> Answered:
    exchange = lab.pstn.exchange
    target = exchange.phones[TARGET]
    before = len(target.calls)
    meter.requests.clear()
    began = time.monotonic()
    exchange.call_in(DIALLER, display)
    _until(lambda: len(target.calls) > before, "the phone did not ring")
    rang = time.monotonic() - began
    asked = tuple(request for request in meter.of_the_platform() if names.get(request.who) == "call_control")
    call = target.calls[-1]
    _until(lambda: call.ended_at is not None, "the call did not end")
    _until_over(lab, meter)
    seen = tuple(request for request in meter.of_the_platform() if request.who in names)
    return Answered(asked, seen, rang * 1000)


def _until(is_so: Any, otherwise: str) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > ends:
            raise ReturnCallFailed(otherwise)
        time.sleep(0.01)


def _until_over(lab: Lab, meter: Meter) -> None:
    """Until nothing was asked for a while and no execution runs."""
    flows, machine = lab.client("stepfunctions"), lab.outputs["CallbackFlow"]
    seen, since = -1, time.monotonic()

    def at_rest() -> bool:
        nonlocal seen, since
        if len(meter.of_the_platform()) != seen:
            seen, since = len(meter.of_the_platform()), time.monotonic()
        running = flows.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        return time.monotonic() - since > 1.5 and not running

    _until(at_rest, "the lab does not come to rest")


def report(found: dict[int, list[Answered]]) -> str:
    lines = [
        "# What one return call costs",
        "",
        "Written by `python -m bench.return_calls`: one run, on the laptop's cloud and virtual telephones.",
        "Counts are the result; times belong to the machine. The first call at each size is named apart: its process",
        "may be new, asks the key service for the hash key once, and does not know yet whose settings it will need.",
        "The second read is of the lists of numbers that are not dialled: the first one says whom to ring.",
        "No request goes to Step Functions: the outbox starts the flow, and nobody waits for its transitions.",
        "",
        "## What call_control asks for before the phone rings",
        "",
        "| Memories | Call | Reads | Read units | Transactions | Write units | KMS | Step Functions | ms to the ring |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size, calls in found.items():
        for number, call in enumerate(calls, 1):
            lines.append(_row(size, "first" if number == 1 else str(number), call))
    last = found[SIZES[-1]][-1]
    kinds = Counter(f"{write.table}: {write.kind}" for request in last.before_ring for write in request.writes)
    lines += [
        "",
        f"The items of the transaction: {', '.join(sorted(kinds.elements()))}.",
        "",
        "## Requests of the whole call, answered and hung up, by all functions",
        "",
        "| Who asks | Requests |",
        "| --- | --- |",
    ]
    asked = Counter(f"{request.service} {request.operation}" for request in last.all_in_all)
    lines += [f"| {name} | {count} |" for name, count in sorted(asked.items())]
    return "\n".join([*lines, ""])


def _row(size: int, name: str, call: Answered) -> str:
    reads = [request for request in call.before_ring if request.operation == "BatchGetItem"]
    writes = [request for request in call.before_ring if request.operation == "TransactWriteItems"]
    kms = Counter(request.operation for request in call.before_ring if request.service == "kms")
    units = sum(request.read_units for request in reads)
    written = sum(write.units + write.index_units for request in writes for write in request.writes)
    keys = ", ".join(f"{operation} {count}" for operation, count in sorted(kms.items()))
    flows = sum(request.service == "states" for request in call.before_ring)
    figures = (len(reads), f"{units:g}", len(writes), written, keys, flows, f"{call.to_ring_ms:.0f}")
    return f"| {size:,} | {name} | {' | '.join(map(str, figures))} |"


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.return_calls", description="What one return call costs")
    parser.add_argument("--calls", type=int, default=3, help="at each size (default: %(default)s)")
    parser.add_argument("--state-dir", type=Path, default=ROOT / ".lab", help="working files (.lab)")
    asked = parser.parse_args()
    said = report(measure(asked.calls, asked.state_dir))
    print(said, flush=True)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.sweep`: how long the sweeper takes for 10,000 of each thing that it looks at, as after an outage.

The use cases, adapters and botocore are the product's; below botocore, each request waits as long as AWS is taken to
take and gets an answer made up here, so no network and no cloud is in the figures. The waits are assumptions, the rest
is this machine's.
"""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, cast

from botocore.session import get_session

from bench.answers import Answer, header_text
from duologue.adapters.accounting.dynamo_ended_calls import DynamoEndedCalls
from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.accounting.dynamo_open_calls import DynamoOpenCalls
from duologue.adapters.accounting.s3_cdr_archive import S3CdrArchive
from duologue.adapters.basics.aws import NORMAL, THREADS, to_item
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.kms_data_keys import Seal
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.basics.threads import Threads
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.calls.dynamo_histories import DynamoHistories
from duologue.adapters.calls.step_functions_flows import StepFunctionsFlows
from duologue.adapters.media.s3_recordings import S3Recordings
from duologue.adapters.notifying.dynamo_waiting import DynamoWaiting
from duologue.adapters.notifying.sqs_notices import SqsNotices
from duologue.adapters.rows.call_rows import (
    ASKED,
    CALL,
    CDR,
    SHARDS,
    asked_row,
    call_row,
    cdr_row,
    delivery_row,
    event_row,
    own_event_key,
    written_time,
)
from duologue.adapters.rows.sealed_rows import UnopenedRows
from duologue.call_control.events import NeverTakenUp
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.call_control.machine import decide
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call, NotifyTo
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.runtime.last_resort import isolate_failures
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.accounting.reconcile_calls import ReconcileCalls
from duologue.usecases.accounting.sweep_calls import SweepCalls
from duologue.usecases.notifying.queue_due import QueueDue
from duologue.wire.huawei.cdrs import HuaweiCdrs

RESULTS = Path(__file__).with_name("sweep.md")
_NOW = SystemClock().now()
_SECONDS = {
    "Query": 0.010,
    "BatchGetItem": 0.010,
    "GetItem": 0.010,
    "UpdateItem": 0.010,
    "PutItem": 0.010,
    "TransactWriteItems": 0.020,
    "SendTaskSuccess": 0.020,
    "SendMessageBatch": 0.010,
    "PutObject": 0.030,
    "end": 0.050,
}
"""What a request is taken to take. `end`: asking the network to end a call."""


class Stub:
    """AWS below botocore: `answers` by operation; counts requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.requests: Counter[str] = Counter()
        self._lock = Lock()

    def client(self, service: str) -> Any:
        session = get_session()
        session.set_credentials("none", "none")
        client = session.create_client(service, region_name="us-east-1", config=NORMAL)
        client.meta.events.register("before-send", self._send)
        return client

    def take(self, operation: str) -> None:
        with self._lock:
            self.requests[operation] += 1
        time.sleep(_SECONDS[operation])

    def end(self, _network_call: str) -> bool:
        """Of the network: it no longer knows the call."""
        self.take("end")
        return False

    def _send(self, request: Any, **_: Any) -> Any:
        operation = header_text(request.headers["X-Amz-Target"]).rpartition(".")[2]
        self.take(operation)
        body = json.loads(request.body)
        said = self.answers.get(operation, lambda _: {})(body)  # type: ignore[no-untyped-call]
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        if operation == "SendTaskSuccess" and said:
            return Answer(400, headers, json.dumps(said).encode())
        return Answer(200, headers, json.dumps(said).encode())


class _Bucket:
    """The client of S3, whose requests do not name their operation."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    def put_object(self, **_: Any) -> None:
        self._stub.take("PutObject")


class _Keys:
    def derived(self, purpose: bytes) -> bytes:
        return hashlib.sha256(purpose).digest()


def _call(call_id: str, *, taken_up: bool) -> Call:
    caller, callee, shown = PhoneNumber("+12025550111"), PhoneNumber("+12025550122"), PhoneNumber("+12025550100")
    accepted = _NOW - timedelta(hours=2)
    dialled = {"dialled_at": accepted, "network_id": "leg-1"} if taken_up else {}
    return Call(
        id=call_id,
        sp="sp-1",
        app="app-1",
        caller=Leg(Party.CALLER, caller, shown, **dialled),  # type: ignore[arg-type]
        callee=Leg(Party.CALLEE, callee, shown),
        accepted_at=accepted,
        ring_limit=timedelta(seconds=30),
        longest_talk=timedelta(minutes=30),
        notify=NotifyTo("https://sp.example.com/status", "https://sp.example.com/fee"),
        taken_up_at=accepted if taken_up else None,
        network_call="network-call-1" if taken_up else None,
        facts=1,
    )


def _items(call: Call) -> dict[str, dict[str, Any]]:
    of_call = {"call": call.id}
    event = event_row(call.app, 2, ()) | of_call | {"item": own_event_key(1)}
    open_ = {"version": 1, "open": "open#00", "close_by": written_time(_NOW)}
    token = {"token": f"token of {call.id}", "waits_for": "end", "rank": 1, "item": "TOKEN"} | of_call
    rows = {
        CALL: call_row(call) | of_call | open_ | {"item": CALL},
        ASKED: asked_row(call) | of_call | {"item": ASKED},
        "TOKEN": token,
        "EVENT": event,
    }
    if call.ended_at is not None:
        rows[CDR] = cdr_row(cdr_of(call)) | of_call | {"item": CDR}
    return {item: to_item(row) for item, row in rows.items()}


def _listing(kind: str, count: int, asked: dict[str, Any]) -> dict[str, Any]:
    """One answer has all of its part of the index, or all items of a call."""
    key = asked["ExpressionAttributeValues"].get(":open", {}).get("S", "")
    if not key.startswith(kind):
        call = decide(_call(asked["ExpressionAttributeValues"][":call"]["S"], taken_up=True), NeverTakenUp(_NOW)).call
        return {"Items": list(_items(call).values())}
    shard = int(key.partition("#")[2] or 0)
    ids = [_id(number) for number in range(shard, count, SHARDS)] if "#" in key else []
    item = "DELIVERY#000002" if kind == "due" else CALL
    return {
        "Items": [to_item({"open": key, "close_by": written_time(_NOW), "call": each, "item": item}) for each in ids]
    }


def _id(number: int) -> str:
    return f"1_2_{number}_20261123090000"


def _read(taken_up: bool, asked: dict[str, Any]) -> dict[str, Any]:
    [(table, wanted)] = asked["RequestItems"].items()
    if table == "lists":
        return {"Responses": {table: [key | to_item({"reason": "never_started"}) for key in wanted["Keys"]]}}
    call = _call(wanted["Keys"][0]["call"]["S"], taken_up=taken_up)
    rows = _items(call)
    return {"Responses": {table: [rows[item] for key in wanted["Keys"] if (item := key["item"]["S"]) in rows]}}


def _claimed(asked: dict[str, Any]) -> dict[str, Any]:
    if ":until" not in asked["ExpressionAttributeValues"]:
        return {}
    attempted = Attempt(_NOW, "https://sp.example.com/status", 500)
    waits = delivery_row(Delivery(DeliveryState.WAITING, _NOW, (attempted,), tries=1, due=_NOW, version=1))
    return {"Attributes": asked["Key"] | to_item(waits | {"source": "EVENT#n#1", "app": "app-1"})}


def measure(count: int) -> list[tuple[str, float, float, Counter[str]]]:
    """What was looked at; seconds; seconds of CPU; requests."""
    found = []
    for name, kind, taken_up in (
        ("overdue calls that no flow took up", "open", False),
        ("overdue calls that were dialled", "open", True),
        ("notifications that are due", "due", False),
        ("ended calls to be reconciled", "over", False),
    ):
        stub = Stub()
        stub.answers = {
            "Query": partial(_listing, kind, count),
            "BatchGetItem": partial(_read, taken_up),
            "UpdateItem": _claimed,
            "SendTaskSuccess": lambda _: {"__type": "TaskTimedOut", "message": "the wait is over"},
        }
        sweep = _sweep(stub, kind)
        began, cpu = time.perf_counter(), time.process_time()
        done = sweep()
        found.append((name, time.perf_counter() - began, time.process_time() - cpu, stub.requests))
        assert done == count, f"{done} {name}"
    return found


def _sweep(stub: Stub, kind: str) -> Callable[[], int]:
    dynamo, clock, threads = stub.client("dynamodb"), SystemClock(), Threads(THREADS)
    isolate = isolate_failures("sweep")
    calls = DynamoCalls(dynamo, "calls", "accounts", timedelta(days=90), UnopenedRows())
    flows = StepFunctionsFlows(stub.client("stepfunctions"), "")
    notices = SqsNotices(stub.client("sqs"), "https://sqs.example.com/1/first", "https://sqs.example.com/1/retry")
    if kind == "due":
        return lambda: QueueDue(DynamoWaiting(dynamo, "calls"), notices, clock, threads)(most=10**6).number
    if kind == "open":
        finalize = FinalizeCall(calls, stub, flows, clock, pause)  # type: ignore[arg-type]
        open_calls = DynamoOpenCalls(dynamo, "calls", "accounts")
        return lambda: SweepCalls(open_calls, finalize, clock, isolate, threads)(most=10**6).finalized
    ended, histories, nothing = (
        DynamoEndedCalls(dynamo, "calls"),
        DynamoHistories(dynamo, "calls", UnopenedRows()),
        cast("Any", None),
    )
    recordings = S3Recordings(nothing, "")  # no call was recorded
    listing = DynamoListing(dynamo, "calls", "lists")
    archive = S3CdrArchive(cast("Any", _Bucket(stub)), "recordings", Seal(_Keys()))
    reconcile = ReconcileCalls(
        ended,
        calls,
        histories,
        flows,
        notices,
        recordings,
        listing,
        archive,
        HuaweiCdrs("ce1.example.com"),
        clock,
        isolate,
        pause,
        threads,
    )
    return lambda: reconcile(most=10**6).calls


def report(count: int, found: list[tuple[str, float, float, Counter[str]]]) -> str:
    waits = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in _SECONDS.items())
    lines = [
        "# The sweeper after an outage",
        "",
        f"`python -m bench.sweep`, {datetime.now(UTC):%Y-%m-%d}: {count:,} of each, {THREADS} at a time, one process.",
        "Below botocore each request waits and is answered here. The waits are assumed (ms):",
        f"{waits}.",
        "",
        "| Looked at | s | CPU s | each, ms | requests of one |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, seconds, cpu, requests in found:
        each = ", ".join(
            f"{number / count:.2g} {operation}"
            for operation, number in sorted(requests.items())
            if number >= count / 100
        )
        lines.append(f"| {name} | {seconds:.0f} | {cpu:.0f} | {seconds / count * 1000:.1f} | {each} |")
    lines += [
        "",
        "The CPU is what limits it, which is why the function has one whole CPU (1,769 MB). A sweep finalizes",
        "calls for 16 to 46 s of its minute; the next one goes on.",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="of each; default: %(default)s")
    parser.add_argument("--into", type=Path, help=f"write the report there, such as {RESULTS.name}")
    asked = parser.parse_args(arguments)
    text = report(asked.count, measure(asked.count))
    sys.stdout.write(text)
    if asked.into is not None:
        asked.into.writeheader_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

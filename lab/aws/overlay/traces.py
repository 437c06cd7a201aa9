"""Which invocation a request comes from, and how often an event has invoked the same function.

AWS: each invocation has a trace header, which the SDK adds to the function's requests; SQS keeps it with a message
(`AWSTraceHeader`). Its Lineage counts the invocations of each function in a chain, and Lambda refuses the next one
after about 16: the invocation fails, so that the message returns to its queue and, after maxReceiveCount, goes to the
dead-letter queue; `RecursiveInvocationsDropped` is counted. A function with `RecursiveLoop: Allow` is not stopped.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
https://aws.amazon.com/blogs/compute/detecting-and-stopping-recursive-loops-in-aws-lambda-functions/

Not documented: the form of Lineage (here `<hash of the function>:<count>`, joined by `|`), and how a batch of several
messages counts (here: as its message with the highest count). Chains through SNS and S3 are not followed here, nor do
direct invocations count.

MiniStack: has no trace without active tracing, and counts only direct invocations, by a header that functions which run
in the lab's own process do not send.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack

Moment = Literal["before", "after"]
SENDER: ContextVar[str] = ContextVar("trace_of_the_request", default="")
"""The trace header of the request that is being carried out."""


@dataclass
class Invocation:
    """A running invocation.

    Attributes:
        header: of its requests.
        dies_at: the number of the request at which its process is killed, before or after that is carried out; 0:
            never. If it ends with fewer requests, its answer is lost.
    """

    function: str
    header: str
    worker: Any
    requests: int = 0
    dies_at: int = 0
    dies: Moment = "after"

    def kill(self) -> None:
        """End its process, and wait until it has: else one that is dying would be given the next invocation."""
        process = self.worker._proc
        if process is not None:
            process.kill()
            process.wait()


_live: dict[str, Invocation] = {}
"""By the Root of the trace."""


def begin(function: str, event: Any, worker: Any) -> Invocation:
    """An invocation begins: its trace continues that of its event."""
    lineage = counts(event)
    own = key(function)
    lineage[own] = lineage.get(own, 0) + 1
    root = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
    written = "|".join(f"{name}:{count}" for name, count in lineage.items())
    invocation = Invocation(function, f"Root={root};Parent={os.urandom(8).hex()};Sampled=0;Lineage={written}", worker)
    _live[root] = invocation
    return invocation


def end(invocation: Invocation) -> None:
    """It has ended; later requests with its header are nobody's."""
    _live.pop(_field(invocation.header, "Root"), None)


def of(headers: Mapping[str, str]) -> Invocation | None:
    """The running invocation that sent a request with these headers (names in lower case)."""
    return _live.get(_field(unquote(headers.get("x-amzn-trace-id", "")), "Root"))


def key(function: str) -> str:
    """A function's name in a Lineage."""
    return hashlib.sha256(function.encode()).hexdigest()[:8]


def counts(event: Any) -> dict[str, int]:
    """Invocations so far in the chain of an event, by function: the highest of all its messages."""
    found: dict[str, int] = {}
    records = event.get("Records") if isinstance(event, dict) else None
    for record in records if isinstance(records, list) else []:
        header = (record.get("attributes") or {}).get("AWSTraceHeader", "") if isinstance(record, dict) else ""
        for name, count in _read(_field(header, "Lineage")):
            found[name] = max(found.get(name, 0), count)
    return found


def _read(lineage: str) -> Iterable[tuple[str, int]]:
    for entry in lineage.split("|"):
        name, _, count = entry.partition(":")
        if count.isdecimal():
            yield name, int(count)


def _field(header: str, name: str) -> str:
    fields = (field.partition("=") for field in header.split(";"))
    return next((value for found, _, value in fields if found == name), "")


def _is_loop(function: dict[str, Any], config: dict[str, Any], event: Any) -> bool:
    """Whether Lambda would refuse this invocation."""
    most, name = switches.cloud().recursion_limit, config["FunctionName"]
    if not most or counts(event).get(key(name), 0) < most:
        return False
    recorded = ministack("services.lambda_svc")._functions.get(name) or function
    return (recorded.get("recursive_loop") or "Terminate") != "Allow"


def refused(function: dict[str, Any], config: dict[str, Any], event: Any) -> dict[str, Any] | None:
    """Lambda's refusal of an invocation that continues a loop, in MiniStack's format; None: it may run."""
    if not _is_loop(function, config, event):
        return None
    name = config["FunctionName"]
    PLAN.count("recursion_limit")
    dimensions = {"FunctionName": name}
    ministack("services.cloudwatch").record_metric("AWS/Lambda", "RecursiveInvocationsDropped", 1, "Count", dimensions)
    message = f"Lambda has detected your function {name} being invoked in a recursive loop and has stopped it"
    return {"error": True, "log": "", "body": {"errorType": "RecursiveInvocationException", "errorMessage": message}}


def _system_attributes(stock: Any) -> Any:
    """The attributes of a message that is being sent: the trace of the function that sends it."""

    def build(now: float, given: dict[str, Any]) -> dict[str, Any]:
        attributes: dict[str, Any] = stock(now, given)
        if SENDER.get():
            attributes.setdefault("AWSTraceHeader", SENDER.get())
        return attributes

    return build


def apply() -> None:
    """Keep the trace of its sender with a message."""
    sqs = ministack("services.sqs")
    sqs._build_send_sys_attrs = _system_attributes(sqs._build_send_sys_attrs)

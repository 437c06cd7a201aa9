"""One switch for each behaviour of AWS that its documentation leaves open, and for each fault that it allows.

A switch says what it changes and what is known. COVERAGE.md has the same table, which `python -m lab.aws.switches`
prints. An execution keeps the first three switches as they were when it started; the others count at once.

Faults by chance have a share, 0 to 1: of the requests or invocations of the product, never of what a test or an
operator requests. lab/aws/fault_plan.py decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_type_hints

from pstn.given_values import check

EarlyCompletion = Literal["kept", "at_once", "refused"]
RepeatedInvocation = Literal["none", "in_turn", "together"]
CrashName = Literal["error_type", "unknown"]
StreamOrder = Literal["as_written", "any"]
StreamBatches = Literal["all_there", "split"]
FifoBatches = Literal["one_group", "many_groups"]
FullBuckets = Literal["stay", "go"]
UnknownRoutes = Literal["parsed", "ignored"]


def _switch(default: Any, about: str, source: str) -> Any:
    return field(default=default, metadata={"about": about, "source": source})


@dataclass(frozen=True)
class CloudSwitches:
    """One possible behaviour of the cloud."""

    early_completion: EarlyCompletion = _switch(
        "kept",
        "SendTaskSuccess or SendTaskFailure while the call of a `.waitForTaskToken` task still runs (a Lambda function "
        "has not returned). kept: it counts once the call has returned, and is lost if the call fails; at_once: the "
        "task ends at once, whatever the call does; refused: the answer is TaskTimedOut and the token stays open",
        "the guides say that the task waits for its token after its call; they do not mention a completion that "
        "arrives earlier, nor an error for it. InvalidToken is for a string that is not a token, so TaskTimedOut "
        "(Provided task does not exist anymore) is the more likely error",
    )
    repeated_invocation: RepeatedInvocation = _switch(
        "none",
        "each `lambda:invoke` task invokes its function twice with the same payload, so with the same token: the "
        "second time after the first has returned, or concurrently. The outcome of the second counts",
        "it is not documented whether the SDK inside Step Functions retries Invoke after a lost response",
    )
    crash_name: CrashName = _switch(
        "error_type",
        "the error of a function that timed out or whose process ended. error_type: what Lambda's payload says "
        "(`Sandbox.Timedout`, `Runtime.ExitError`); unknown: `Lambda.Unknown`",
        "the Step Functions guide says Lambda.Unknown; recorded payloads of Lambda have an errorType",
    )
    transaction_ms: float = _switch(
        0.0,
        "how long a transaction holds its items before it is carried out. Another write of one of them meanwhile gets "
        "TransactionConflictException, another transaction TransactionCanceledException (TransactionConflict)",
        "DynamoDB guide, Transaction conflict handling: a request that meets an ongoing transaction on the same item "
        "is refused; how long one lasts is not documented",
    )
    throttled_requests: float = _switch(
        0.0,
        "the share of requests to DynamoDB, SQS, Step Functions, KMS and S3 that are refused as too fast; batches are "
        "carried out in part",
        "the services' error lists: any request may be throttled",
    )
    lost_answers: float = _switch(
        0.0,
        "the share of requests that are carried out and then answered with HTTP 500",
        "DynamoDB guide, Error handling: after an HTTP 5xx a write may have been carried out; SDKs repeat it",
    )
    partition_writes: int = _switch(
        1000,
        "units of writes (1 KB of an item) that a partition key of a table or an index takes in a second; above it "
        "ProvisionedThroughputExceeded. 0: any number",
        "DynamoDB guide, Partition keys: 1,000 write units a second for each partition",
    )
    account_concurrency: int = _switch(
        0,
        "how many invocations of all functions run at once; one more is refused (TooManyRequestsException; HTTP 500 "
        "behind the API). 0: what the machine bears",
        "Lambda quotas: 1,000 in an account, in a new one fewer; 10 is often reported",
    )
    killed_invocations: float = _switch(
        0.0,
        "the share of invocations, but those behind the API, whose process is killed: before or after one of its first "
        "8 requests, or with its answer after all of them",
        "Lambda guide, Runtime environment: an environment can end at any time; callers with retries repeat it",
    )
    killed_requests: float = _switch(
        0.0, "the same for invocations behind the API: its client gets HTTP 502", "as killed_invocations"
    )
    repeated_events: float = _switch(
        0.0,
        "the share of asynchronous invocations, and of batches of a standard queue, that come twice",
        "Lambda guide, Asynchronous invocation, and SQS guide, At-least-once delivery",
    )
    clock_skew_s: float = _switch(
        0.0,
        "by how many seconds the clock of each function's process is fast or slow",
        "Lambda guide, Runtime environment: clocks are synchronised; nothing is promised about how closely",
    )
    update_pause_s: float = _switch(
        0.0,
        "for how many seconds an updated function has its new code and its old layers",
        "CloudFormation calls UpdateFunctionCode, then UpdateFunctionConfiguration (aws/aws-cdk#8446, "
        "hashicorp/terraform-provider-aws#24572)",
    )
    full_buckets: FullBuckets = _switch(
        "stay",
        "a bucket that has objects when its stack is deleted: DELETE_FAILED, or it is deleted with them",
        "S3 guide, Deleting a bucket: BucketNotEmpty; CloudFormation does not empty buckets",
    )
    authorization_of_unknown_routes: UnknownRoutes = _switch(
        "parsed",
        "a request for an unknown route with an Authorization header. parsed: it is read as a signature, so the answer "
        "is DEFAULT_4XX (IncompleteSignatureException), not MISSING_AUTHENTICATION_TOKEN; ignored: as without it",
        "not documented; observed (amazon-archives/aws-cognito-angular-quickstart#50, HumanCellAtlas/data-store#328)",
    )
    header_bytes: int = _switch(
        10_240,
        "the longest request line and header values of the API together; above it HTTP 431. 0: 64 KB",
        "API Gateway quotas: 10,240 bytes; the status is not documented",
    )
    stream_order: StreamOrder = _switch(
        "as_written",
        "in which order a stream has the changes of different items in one transaction: that of its list, or any",
        "DynamoDB guide, Streams: in order for each item; that others swap has been observed "
        "(MiguelAlho/DynamoDb_TransactWriteItem_OutOfOrder)",
    )
    stream_batches: StreamBatches = _switch(
        "all_there",
        "what a stream gives a function at once: all records that are there, up to BatchSize, or any number of them",
        "Lambda guide, DynamoDB streams: a batch has up to BatchSize records; where it is cut is not documented",
    )
    fifo_batches: FifoBatches = _switch(
        "many_groups",
        "whether a batch of a FIFO queue has messages of one group, or of any groups that have none in flight",
        "SQS guide, FIFO delivery logic: a receive may return messages of several groups, and tries to return as many "
        "as possible of one (aws-powertools/powertools-lambda-typescript#2561)",
    )
    recursion_limit: int = _switch(
        16,
        "how often an event that a function sends to SQS may invoke the same function again; the next invocation is "
        "refused, so that its message reaches the dead-letter queue. 0: any number of times",
        "Lambda guide, Recursive loop detection: approximately 16 times, unless the function has RecursiveLoop Allow",
    )
    fault_seed: int = _switch(1, "the seed of everything that happens by chance", "the lab's own")
    fault_run: int = _switch(
        2,
        "how often in a row a fault may strike at one site (an operation of one function)",
        "the lab's own: AWS promises no bound",
    )
    fault_limit: int = _switch(0, "how many faults by chance the cloud has in all; 0: any number", "the lab's own")


_cloud = CloudSwitches()
CRUEL: dict[str, Any] = {
    "transaction_ms": 10.0,
    "throttled_requests": 0.05,
    "lost_answers": 0.03,
    "account_concurrency": 10,
    "killed_invocations": 0.05,
    "repeated_events": 0.2,
    "clock_skew_s": 1.0,
    "fault_run": 1,
    "stream_order": "any",
    "stream_batches": "split",
}
"""Every switch at its worst that the product must stand: what the tests play, and `make up ARGS=--cruel`."""
_EXECUTION: ContextVar[CloudSwitches | None] = ContextVar("switches_of_the_execution", default=None)


def use(switches: CloudSwitches) -> None:
    """Set the switches for executions that start from now on."""
    global _cloud
    _cloud = switches


def cloud() -> CloudSwitches:
    """The cloud's switches now."""
    return _cloud


def keep(switches: CloudSwitches | None = None) -> None:
    """Fix the switches of the execution in this context: these, or else the ones it already has, or the cloud's."""
    _EXECUTION.set(switches or current())


def current() -> CloudSwitches:
    """The running execution's switches; outside an execution, the cloud's."""
    return _EXECUTION.get() or _cloud


def changed(switches: CloudSwitches, given: Mapping[str, Any]) -> CloudSwitches:
    """The switches with these values, for example from JSON.

    Raises:
        ValueError: there is no such switch, or it cannot have this value.
    """
    check(CloudSwitches, given, "switch of the cloud")
    return replace(switches, **given)


def read(text: str) -> tuple[str, Any]:
    """A switch and its value from NAME=VALUE. Raises: ValueError."""
    name, _, value = text.partition("=")
    wanted = get_type_hints(CloudSwitches).get(name, str)
    given: Any = value
    if wanted in (int, float):
        with suppress(ValueError):
            given = wanted(value)
    changed(CloudSwitches(), {name: given})
    return name, given


def shown(switches: CloudSwitches) -> dict[str, Any]:
    """As JSON."""
    return asdict(switches)


def table() -> str:
    """The switches as a Markdown table, in the order of the class."""
    rows = ["| Switch | Default | What it changes | What is known |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{each.name}` | {each.default} | {each.metadata['about']} | {each.metadata['source']} |"
        for each in fields(CloudSwitches)
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())

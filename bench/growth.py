"""`python -m bench.growth`: what callbacks cost where many are stored or under way; writes `bench/growth.md`.

What the tables, queues and quotas allow is arithmetic, from the write units of `bench/results.md`.
"""

# ruff: noqa: E501 - rows of Markdown tables

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.whole_calls import Cost, World
from tests.contention import Crowd

RESULTS = Path(__file__).with_name("growth.md")
_AT_ONCE = [(1, 10), (10, 10), (50, 20), (100, 1000), (500, 500), (500, 1000)]
_STORED = (10, 1_000, 100_000)
_AT_A_TIME = ((1, 1), (50, 1), (500, 1), (50, 50), (500, 50))
"""Callbacks at the same moment, and of how many apps."""
_PAPER = """
## On paper: callbacks a second

Each row: what AWS (or the template) allows, divided by what one callback takes. The counts of one callback are those of
[results.md](results.md): 64 write units (56 of them in the calls table and its indexes), 7 EVENT records, 8 notifications (7 if the network
does not report that the callee rings), at most 7 sends of them, 3 transitions, 1 StartExecution, 4.4 SendTaskSuccess. All quotas are those of us-east-1, read on 2026-11-28; they are an account's defaults, and
those of a new account are lower.

### Keys of tables and indexes

A partition takes 1,000 write units a second
([partition keys](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html)).

| Where | Units per callback | Partition keys | Ends at | Then |
| --- | --- | --- | --- | --- |
| slots of one app (`SLOTS#`) | 4 | 1 of 32 | 250 of one app; 1,250 of five apps or more in different shards | DynamoDB splits a hot key by its sort keys, and numbers are taken at random |
| calls per second of one app (`SECOND#`) | 2 | 1 a second | 500 of one app | a limit above it makes no sense |
| index `open-calls`, open calls (`open#`) | 2 | 8 | 4,000 | `SHARDS` ([how](../docs/decisions/0039-the-count-of-shards-is-a-constant.md)) |
| index `open-calls`, ended calls (`over#`) | 2 | 8 | 4,000 | `SHARDS` ([how](../docs/decisions/0039-the-count-of-shards-is-a-constant.md)) |
| index `by-app` of one app | 8 | 8 | 1,000 of one app; of two apps 2,000 | `SHARDS` ([how](../docs/decisions/0039-the-count-of-shards-is-a-constant.md)) |
| index `by-app` of one person | 1 as caller, 1 as callee | one for each person | no end | – |
| items of a call | some 40 | one for each call | no end | – |

So no key of a table or index ends below 1,250 callbacks a second of several apps.

### Queues, stream, functions, state machine, network

| What | Allowed | One callback takes | Ends at | Then |
| --- | --- | --- | --- | --- |
| network, active calls [1] | 10; a bridged call counts as 2 | 2 for as long as it lasts | 5 talks at a time: 0.06 with 80 s each | quota of active calls |
| network, calls created [1] | 1 a second | 1 | 1 | quota of CreateSipMediaApplicationCall |
| network, calls updated [1] | 5 a second | 1; with a stop or a last minute 2 | 2.5 to 5 | quota of UpdateSipMediaApplicationCall |
| API, the platform's own limit | `RequestsPerSecond` 20 | 1 | 20 | `RequestsPerSecond` |
| API Gateway [2] | 10,000 requests a second | 1 | 10,000 | quota of the region |
| `notify_sp`, first attempts | `NotifyConcurrency` 100 | 8 × 0.25 s = 2.0 s | 50 | `NotifyConcurrency`, up to 1,000 |
| `notify_sp`, retries | `RetryConcurrency` 20 | of an SP that hangs, 8 × 9 s until its circuit opens | no limit for calls: retries are late | `RetryConcurrency` |
| `call_control` [3] | the account's 1,000 invocations | 8 × 0.1 s = 0.8 s | 1,250 alone | `CallControlReserved`, concurrency quota |
| `flow` [3] | the same | 3 × 0.15 s = 0.45 s | 2,200 alone | concurrency quota |
| `outbox` [3] | the same | 7 × 0.1 s = 0.7 s, fewer in batches | 1,400 alone | concurrency quota |
| `callback_api` [3] | the same | 1 × 0.15 s | 6,600 alone | concurrency quota |
| all functions together [3] | 1,000 invocations | 4.1 s | 240 | concurrency quota |
| … of a new account | 10 invocations | 4.1 s | 2.4 | concurrency quota, before anything else |
| Step Functions, SendTaskSuccess [4] | 500 a second, 3,000 at once | 4.4 | 113 | quota of SendTaskSuccess |
| Step Functions, StartExecution [4] | 300 a second, 1,300 at once | 1 | 300 | quota of StartExecution |
| Step Functions, transitions [4] | 1,500 a second, 5,000 at once | 3 | 500 | quota of StateTransition |
| Step Functions, open executions [4] | 1,000,000 | 1 for as long as it lasts | 12,500 with 80 s each | quota of open executions |
| calls table, at once [5] | 4,000 write units a second when it is new | 56 | 71; twice what it had before, after 30 minutes | warm throughput of the table |
| calls table [5] | 40,000 write units a second | 56 | 710 | quota of write units of a table |
| stream, one shard of outbox [6] | its partition's 1,000 write units | 56, of which 7 EVENT records | 18 a partition, so 125 records a second | DynamoDB splits; a shard takes 2,500 records: 10 batches of 25 at a time, 0.1 s each |
| FIFO queue [7] | 70,000 requests a second of each kind | 7 sends, 8 receives, 8 deletes | 8,700 | regions have quotas of their own |
| FIFO queue, one group [7] | 300 requests a second of each kind | one group for each call | no end | – |
| FIFO queue, in flight [7] | 120,000 messages; and its function's concurrency | 8 × 0.25 s | as `notify_sp` | as `notify_sp` |
| standard queue [7] | no limit of requests | 0 to 2 of each notification that failed | no end | – |
| standard queue, in flight [7] | 120,000 messages | those in work, at most `RetryConcurrency` | no end | – |

The durations are assumptions: 0.2 s for an SP's answer, and about twice what `make bench` measures of a warm function without the distance to
AWS's services. "Alone": if no other function took any concurrency.

In this order it ends: the network's quotas; `RequestsPerSecond`; `NotifyConcurrency`; a new table's first half hour; SendTaskSuccess; the
account's concurrency. Everything else lasts for 300 callbacks a second or more.

1. https://docs.aws.amazon.com/general/latest/gr/chime-sdk.html
2. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
3. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
4. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html; the rates are those of
   https://github.com/awsdocs/aws-step-functions-developer-guide/blob/main/doc_source/limits-overview.md, for us-east-1, us-west-2 and
   eu-west-1. AWS says that it may raise them at any time.
5. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html and
   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
6. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html (`ParallelizationFactor`, `BatchSize`); 0.1 s is an assumption
7. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""


def main() -> int:
    """The exit status."""
    lines = [
        "# Growth",
        "",
        "Written by `make bench-growth`. A transaction holds its items for 10 or 20 ms and refuses another one that meets them;",
        "time is simulated, so the figures are the same on every machine.",
        "",
        "## Requests of one app at the same moment",
        "",
        "| Requests | Limit | Held (ms) | Accepted | At the limit | Told to try again | Transactions | Conflicts | Queries | Most tries | Slowest (s) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for requests, limit in _AT_ONCE:
        for held_ms in (10, 20):
            crowd = Crowd(held_ms, limit=limit)
            for _ in range(requests):
                crowd.place(0)
            crowd.run()
            seen, verdicts = crowd.tables.seen, crowd.verdicts
            row = [requests, limit, held_ms, verdicts["accepted"], verdicts["LimitReached"]]
            row += [verdicts["OutsideUnavailable"], seen["transactions"], seen["TransactionConflict"], seen["queries"]]
            lines.append("| " + " | ".join(map(str, [*row, max(crowd.tries), f"{max(crowd.took):.2f}"])) + " |")
    said = "\n".join([*lines, *_whole_calls()]) + "\n" + _PAPER
    print(said, flush=True)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


def _whole_calls() -> Iterator[str]:
    """Each callback rings both parties, who talk for 20 s; all its notifications are acknowledged."""
    yield "\n## One whole callback\n"
    yield "The product's use cases and adapters, the deployed flow and the network in one process, on the local cloud's store, each of whose"
    yield "requests is metered (`bench/units.py`). All items of the stored calls are there. Invocations run one after another, so a refused"
    yield "write is a number of a slot that was taken.\n"
    yield "| Stored calls | At the same moment | Apps | Requests to DynamoDB | … that write | Items written | Write units | … of an index | Read units | Refused |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    world = World()
    for stored in _STORED:
        world.store_calls(stored)
        yield _row(stored, 1, 1, world.play(1))
    for together, apps in _AT_A_TIME:
        world = World(apps)
        world.store_calls(_STORED[1])
        yield _row(_STORED[1], together, apps, world.play(together))


def _row(stored: int, together: int, apps: int, cost: Cost) -> str:
    figures = (
        cost.requests,
        cost.writes,
        cost.items,
        cost.write_units,
        cost.index_units,
        cost.read_units,
        cost.refused,
    )
    return "| " + " | ".join([f"{stored:,}", str(together), str(apps), *(f"{each:.4g}" for each in figures)]) + " |"


if __name__ == "__main__":
    sys.exit(main())

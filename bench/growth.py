"""`python -m bench.growth`: what many calls of one app at once cost, on a clock that jumps; writes `bench/growth.md`.

What the tables, queues and quotas allow is arithmetic, from the write units of `bench/results.md`.
"""

# ruff: noqa: E501 - rows of Markdown tables

import sys
from pathlib import Path

from tests.contention import Crowd

RESULTS = Path(__file__).with_name("growth.md")
_AT_ONCE = [(1, 10), (10, 10), (50, 20), (100, 1000), (500, 500), (500, 1000)]
_PAPER = """
## On paper: callbacks a second

A partition of a table or index takes 1,000 write units a second
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html, 2026-11-28).

| Where | Units per callback | Partition keys | Ends at | Then |
| --- | --- | --- | --- | --- |
| slots of one app (`SLOTS#`) | 4 | 1 of 32 | 250 of one app; 1,250 of five apps or more in different shards | DynamoDB splits a hot key by its sort keys, and numbers are taken at random |
| calls per second of one app (`SECOND#`) | 2 | 1 a second | 500 of one app | a limit above it makes no sense |
| index `open-calls`, open calls (`open#`) | 2 | 8 | 4,000 | `SHARDS` |
| index `open-calls`, ended calls (`over#`) | 2 | 8 | 4,000 | `SHARDS` |
| index `by-app` of one app | 8 | 8 | 1,000 of one app; of two apps 2,000 | `SHARDS` |
| items of a call | some 40 | one for each call | no end | – |

So no key of a table or index ends below 1,250 callbacks a second of several apps. The quotas of the account are lower and are
raised on request; see docs/operations.md.
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
    said = "\n".join(lines) + "\n" + _PAPER
    print(said, flush=True)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

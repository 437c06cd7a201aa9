"""`python -m bench.delivery`: how soon an SP hears of an event, while other SPs' servers hang, fail or are slow.

The product's delivery on a clock that jumps, with the queues' rules (tests/queues.py). The machine plays no part in the
figures; what AWS takes is assumed, and printed.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from duologue.call_control.facts import CdrWritten
from duologue.domain.access.accounts import App
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from tests.fakes.calls import FakeCalls
from tests.queues import STEPS, TALKS, DeliveryWorld, play

RESULTS = Path(__file__).with_name("delivery.md")
HEALTHY = "healthy"
ANSWERS_S, STORE_S, STREAM_S = 0.2, 0.03, 0.3
_HANGS: tuple[float, Reply] = (9.0, Reply(None, note="too slow"))
_TAKES: tuple[float, Reply] = (ANSWERS_S, Reply(200))
Behaviour = Callable[[], tuple[float, Reply]]


@dataclass(frozen=True)
class Case:
    """`others`: how many other SPs there are, who have two calls of three; `behave`: each of their answers."""

    name: str
    behave: Behaviour = lambda: _TAKES
    others: int = 1
    calls_a_second: int = 1
    invocations: int = 100


CASES = (
    Case("all SPs answer"),
    Case("another SP hangs on every request", lambda: _HANGS),
    Case("another SP answers 503", lambda: (ANSWERS_S, Reply(503))),
    Case("another SP answers after 5 s", lambda: (5.0, Reply(200))),
    Case("80 other SPs hang", lambda: _HANGS, others=80),
    Case("5 callbacks a second, all SPs answer", calls_a_second=5),
    Case("5 callbacks a second, another SP hangs", lambda: _HANGS, calls_a_second=5),
    Case("5 callbacks a second, 80 others hang", lambda: _HANGS, others=80, calls_a_second=5),
    Case("the same, NotifyConcurrency 500", lambda: _HANGS, others=80, calls_a_second=5, invocations=500),
)


@dataclass(frozen=True)
class Figures:
    """Of the healthy SP, in seconds: to the first attempt of all its notifications, and of its CDRs from the end."""

    events: Sequence[float]
    cdrs: Sequence[float]
    busiest: int
    behind: Sequence[float]
    """How long first attempts, of any SP, waited because all invocations were busy; without those that were put off."""
    to_others: int
    """Requests to the other SPs."""


def measure(case: Case, seconds: int) -> Figures:
    def server(request: WebhookRequest) -> tuple[float, Reply]:
        return _TAKES if f"//{HEALTHY}." in request.url else case.behave()

    world = DeliveryWorld(
        FakeCalls(), server, invocations=case.invocations, store_seconds=STORE_S, stream_seconds=STREAM_S
    )
    for number in range(seconds * case.calls_a_second):
        key = HEALTHY if number % 3 == 0 else f"other-{number % case.others}"
        host = f"https://{key}.example.com"
        app = App(key, "sp-1", "secret-1", status_url=f"{host}/status", fee_url=f"{host}/fee")
        play(world, f"{number}_2_3_20261123090000", app, number / case.calls_a_second)
    world.sweep_every_minute()
    world.clock.run_for(seconds + TALKS + 60)
    of_healthy = {call_id for call_id, row in world.calls.rows.items() if row.call.app == HEALTHY}
    return Figures(
        world.delays(HEALTHY),
        world.delays(HEALTHY, CdrWritten),
        world.first.busiest,
        [each.behind.total_seconds() for each in world.first.received if each.behind and not each.notice.version],
        sum(name.rpartition("-")[0] not in of_healthy for _, name in world.posts),
    )


def report(found: dict[Case, Figures], seconds: int) -> str:
    best = _p95(found[CASES[0]].events)
    rows = [
        f"| {case.name} | {_p50(each.events):.2f} | {_p95(each.events):.2f} | {_p95(each.events) / best:.2f} "
        f"| {_p50(each.cdrs):.2f} | {_p95(each.cdrs):.2f} | {_waited(each.behind)} | {each.busiest} "
        f"| {each.to_others} |"
        for case, each in found.items()
    ]
    return "\n".join(
        [
            "# How soon an SP hears of an event",
            "",
            f"Written by `python -m bench.delivery`: the product's delivery on a clock that jumps, {seconds} s of",
            "callbacks. One a second is the network's quota. Each has "
            f"{len(STEPS) + 2} notifications; a third of the callbacks is",
            "the healthy SP's, whose figures these are. Requests that hang take 9 s, as long as the platform waits.",
            "",
            "| Assumed | s |",
            "| --- | --- |",
            f"| from a commit to its message in the queue (stream, outbox) | 0 to {STREAM_S} |",
            f"| reads and writes of one invocation | {STORE_S} |",
            f"| the answer of a healthy SP | {ANSWERS_S} |",
            "",
            "| Case | event to first attempt, p50 (s) | p95 | p95 to that of the first row (target: at most 1.10) "
            "| hang-up to CDR, p50 (s) | p95 | First attempts that waited for an invocation | Invocations at once "
            "| Requests to the others |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "The CDR waits for the answer to `disconnect`, which is sent before it. At the quota no first attempt",
            "waits for an invocation, whatever the other SPs do. A larger quota needs a larger `NotifyConcurrency`:",
            "100 for each call a second are enough even if every other SP hangs and none has an open circuit yet.",
            "First attempts that were put off are not counted: the sweeper queues them together, and each is in an",
            f"invocation for {STORE_S} s, for which others may wait.",
            "",
        ]
    )


def _waited(seconds: Sequence[float]) -> str:
    return f"{len(seconds)}, at most {max(seconds):.2f} s" if seconds else "0"


def _p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="of callbacks (default: %(default)s)")
    asked = parser.parse_args()
    said = report({case: measure(case, asked.seconds) for case in CASES}, asked.seconds)
    print(said)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

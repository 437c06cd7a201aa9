"""`python -m bench.memory`: by how much a lab's memory grows from callback to callback.

The lab is that of `make up ARGS=--virtual`. Several callbacks go on at a time, of phones that answer at once and talk
for half a second. The figure is that of the process with the cloud and the network, which keeps what is kept; those of
the functions are beside it: their number grows with how many run at a time. The target is printed, not judged;
`--seconds` ends it early, `--into` names a file for the result.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.processes import memory_mb
from bench.spread import table
from lab.aws.ministack import ministack
from lab.aws.overlay.cold_partitions import ColdPartition
from lab.lab import Lab
from lab.sp.account import open_account
from lab.sp.client import SpClient
from lab.sp.receiver import Receiver
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone

AT_ONCE = 4
PAIRS = [(f"+120255501{10 + each}", f"+120255501{30 + each}") for each in range(AT_ONCE)]
PATIENCE_S, AGAIN_S, TALKS_S = 90.0, 0.5, 0.5
A_MINUTE = 100
"""Callbacks at the most, since what a FIFO queue remembers for five minutes would depend on how fast the machine is."""
MOST_MB = 20.0
"""Of the lab itself, from 100 callbacks to 1,000."""


def grow(lab: Lab, marks: list[int], seconds: float) -> Iterator[tuple[int, float, float, int]]:
    """After so many callbacks each: how many; the memory of this process, and of all (MB); how many those are."""
    account = open_account(lab.cloud.environment, sp="bench", display_numbers=lab.outputs["DisplayNumbers"].split(","))
    client, ends = SpClient(lab.api_url, account), time.monotonic() + seconds
    client.log_in()
    for pair in PAIRS:
        for number, talks in zip(pair, (None, TALKS_S), strict=True):
            lab.pstn.exchange.phones[number] = Phone(answers(after=0.0, talks=talks))
    done, began = 0, time.monotonic()
    for mark in marks:
        while done < mark and time.monotonic() < ends:
            time.sleep(max(0.0, began + 60 * done / A_MINUTE - time.monotonic()))
            receiver = Receiver(
                account.app_key, account.app_secret
            )  # one for each handful, since it keeps what it receives
            with ThreadPoolExecutor(AT_ONCE) as pool:
                done += sum(pool.map(partial(_callback, client, receiver), PAIRS))
            receiver.close()
        gc.collect()
        yield done, _own_mb(), *memory_mb(os.getpid())


def _own_mb() -> float:
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return int(rollup.split("\nPss:")[1].split()[0]) / 1024


def _callback(client: SpClient, receiver: Receiver, pair: tuple[str, str]) -> int:
    """1: it was played; 0: there was no room."""
    caller, callee = pair
    reply = client.place(callerNbr=caller, calleeNbr=callee, status_url=receiver.status_url, fee_url=receiver.fee_url)
    if reply.status != 200:
        time.sleep(AGAIN_S)
        return 0
    return int(receiver.wait_for_fee(str(reply.body["sessionId"]), PATIENCE_S))


_REPORT = """# What a lab keeps in memory

Written by `make bench-memory`: one run. The figures do not depend on what else the machine does, but vary by some MB
with when Python collects its garbage.

{table}

Target: from 100 callbacks to 1,000 at most {most:g} MB{missed}.

Of it, {size:.1f} MB are {items} items of tables, compressed ({each:.0f} bytes each): tables keep everything until it is
deleted or expires. All else is bounded by count: the latest 100 calls of the network and 5,000 of its events, 100
ended executions, 3,000 stream records of each table, 300 to 600 log events of each execution environment
([what is kept of the past](../lab/aws/COVERAGE.md)). A FIFO queue knows its messages for five minutes, as on AWS, so
what that takes depends on how many calls there are in that time: here at most {a_minute} a minute.
"""


def _report(grown: list[tuple[int, float, float, int]]) -> str:
    first, last = grown[0], grown[-1]
    rows = [
        (str(done), f"{own:.0f}", f"{own - first[1]:+.1f}", f"{everything:.0f}", str(processes))
        for done, own, everything, processes in grown
    ]
    items, size = _compressed()
    return _REPORT.format(
        table="\n".join(
            table(("Callbacks", "The lab (MB)", "More than first", "With its functions (MB)", "Processes"), rows)
        ),
        most=MOST_MB,
        missed="" if last[1] - first[1] <= MOST_MB else ": missed",
        size=size / 1e6,
        a_minute=A_MINUTE,
        items=items,
        each=size / max(1, items),
    )


def _compressed() -> tuple[int, int]:
    """Items of tables that are kept compressed, and their bytes."""
    tables = ministack("services.dynamodb")._tables._data.values()
    packed = [
        each.packed() for found in tables for each in list(found["items"].values()) if isinstance(each, ColdPartition)
    ]
    return sum(items for items, _ in packed), sum(size for _, size in packed)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--callbacks", type=int, nargs="*", default=[100, 200, 400, 700, 1000], help="when to look")
    parser.add_argument("--seconds", type=float, default=1800.0, help="at most (default: %(default)s)")
    parser.add_argument("--into", type=Path, help="a file for the result")
    asked = parser.parse_args()
    grown = []
    with Lab(auth=True, state_dir=Path(tempfile.mkdtemp(prefix="bench-memory-"))) as lab:
        for figures in grow(lab, asked.callbacks, asked.seconds):
            done, own, everything, processes = figures
            print(f"after {done} callbacks: {own:.0f} MB, {everything:.0f} MB in {processes} processes", flush=True)
            grown.append(figures)
        said = _report(grown)
    print(said)
    if asked.into:
        asked.into.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

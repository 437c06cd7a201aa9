"""`python -m bench.memory`: by how much a lab's memory grows from callback to callback.

The lab is that of `make up ARGS=--virtual`. Several callbacks go on at a time, of phones that answer at once and talk
for half a second. The figure is that of the process with the cloud and the network, which keeps what is kept; those of
the functions are beside it: their number grows with how many run at a time. Nothing is judged; `--seconds` ends it
early.
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
from lab.lab import Lab
from lab.sp.account import open_account
from lab.sp.client import SpClient
from lab.sp.receiver import Receiver
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone

AT_ONCE = 4
PAIRS = [(f"+120255501{10 + each}", f"+120255501{30 + each}") for each in range(AT_ONCE)]
PATIENCE_S, AGAIN_S, TALKS_S = 90.0, 0.5, 0.5


def grow(lab: Lab, marks: list[int], seconds: float) -> Iterator[tuple[int, float, float, int]]:
    """After so many callbacks each: how many; the memory of this process, and of all (MB); how many those are."""
    account = open_account(lab.cloud.environment, sp="bench", display_numbers=lab.outputs["DisplayNumbers"].split(","))
    client, ends = SpClient(lab.api_url, account), time.monotonic() + seconds
    client.log_in()
    for pair in PAIRS:
        for number, talks in zip(pair, (None, TALKS_S), strict=True):
            lab.pstn.exchange.phones[number] = Phone(answers(after=0.0, talks=talks))
    done = 0
    for mark in marks:
        while done < mark and time.monotonic() < ends:
            receiver = Receiver(account.app_secret)  # one for each handful, since it keeps what it receives
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


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--callbacks", type=int, nargs="*", default=[100, 1000], help="default: 100 1000")
    parser.add_argument("--seconds", type=float, default=1800.0, help="at most (default: %(default)s)")
    asked = parser.parse_args()
    with Lab(auth=True, state_dir=Path(tempfile.mkdtemp(prefix="bench-memory-"))) as lab:
        before = None
        for done, own, everything, processes in grow(lab, asked.callbacks, asked.seconds):
            grown = "" if before is None else f" ({own - before:+.1f} MB)"
            print(
                f"after {done} callbacks: {own:.0f} MB{grown}, {everything:.0f} MB in {processes} processes", flush=True
            )
            before = own
    return 0


if __name__ == "__main__":
    sys.exit(main())

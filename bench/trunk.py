"""`python -m bench.trunk`: what the deaths of nodes and edges cost, over trunks of the stand-in telephone company.

Debian as root. Ends 1 if something was left of a killed process's calls, the SP was not told of one, a following call
did not work, or a drain cut a call; at once if two callbacks of a set-up end before all are up. No figure of time is
judged but the two limits of `lab.cases.trunk_kills`.
`bench.nodes` measures what they carry.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.spread import table
from lab.cases.trunk_kills import KINDS, LEGS_S, PAIRS, SLOTS_S, Death, Drain, die, drain, telephones
from lab.cases.trunk_site import ACME, site
from lab.telco.requirements import missing
from lab.telco.telco import Telco

CALLS = 4
DRAINED = 8


def killed(times: int, keep: Callable[[list[Death], list[Drain]], None]) -> tuple[list[Death], list[Drain]]:
    """Each kind so often, and as many drains. `keep` has what there is after each round."""
    deaths, drains = list[Death](), list[Drain]()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Telco(Path(folder), [ACME]) as telco,
        site(telco) as running,
        telephones(running),
    ):
        for at in range(times):
            for kind in KINDS:
                first = (at * len(KINDS) + KINDS.index(kind)) * (CALLS + 1) % (len(PAIRS) - CALLS)
                deaths.append(die(running, kind, PAIRS[first : first + CALLS + 1]))
                print(deaths[-1], flush=True)
            drains.append(drain(running, PAIRS[:DRAINED]))
            print(f"drained: {drains[-1]}", flush=True)
            keep(deaths, drains)
    return deaths, drains


def report(deaths: list[Death], drains: list[Drain]) -> str:
    return "\n".join(
        [
            "# What dies, and what it costs",
            "",
            "Written by `make bench-trunk`: one run, with nodes, edges, the telephone company and its telephones on",
            "one machine, which its times belong to.",
            "",
            f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
            f"load {os.getloadavg()[0]:.1f} when the run ended.",
            "",
            *_deaths(deaths),
            "",
            f"With {CALLS} callbacks up over two nodes and two edges; seconds are medians, with the longest in",
            "brackets. A supervisor starts all but a node again after a second. Lost: the calls that were cut, and of",
            "their recordings what came after the last part. Placed again: callbacks that ended before all were up; a",
            "second one of the same set-up ends the run.",
            "",
            f"Drains: {len(drains)}, of a node with {_spread([float(each.calls) for each in drains])} calls: "
            f"{sum(each.cut for each in drains)} calls were cut, {sum(each.again for each in drains)} placed again.",
            "",
        ]
    )


def _deaths(deaths: list[Death]) -> list[str]:
    head = (
        "Died",
        "Times",
        "Callbacks hit",
        "Cut",
        "SP told (s)",
        "Last leg up (s)",
        "Last slot held (s)",
        "Next call (s)",
        "Left",
        "Placed again",
    )
    rows = []
    for kind in KINDS:
        of_kind = [death for death in deaths if death.kind == kind]
        rows.append(
            (
                kind,
                str(len(of_kind)),
                str(sum(death.hit for death in of_kind)),
                str(sum(death.cut for death in of_kind)),
                _spread([death.told_s[1] for death in of_kind if death.told_s]),
                _spread([death.silent_s for death in of_kind if death.silent_s is not None]),
                _spread([death.free_s for death in of_kind if death.free_s is not None]),
                _spread([death.next_s for death in of_kind if death.next_s is not None]),
                str(sum(len(death.left) for death in of_kind)),
                str(sum(death.again for death in of_kind)),
            )
        )
    return table(head, rows)


def _spread(values: list[float]) -> str:
    return f"{median(values):.1f} ({max(values):.1f})" if values else "–"


def good(death: Death) -> bool:
    in_time = (death.silent_s or 0) < LEGS_S and (death.free_s or 0) < SLOTS_S
    survived = death.kind == "Kamailio"
    return in_time and not death.left and death.next_s is not None and death.cut == (0 if survived else death.hit)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.trunk", description="What deaths of nodes and edges cost")
    parser.add_argument(
        "--times", type=int, default=20, help="kill each kind of process so often (default: %(default)s)"
    )
    parser.add_argument("--into", type=Path, help="write the figures here too, after each round")
    asked = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1

    def keep(deaths: list[Death], drains: list[Drain]) -> None:
        if asked.into:
            asked.into.write_text(report(deaths, drains), encoding="utf-8")

    deaths, drains = killed(asked.times, keep)
    print(report(deaths, drains), flush=True)
    return 0 if all(map(good, deaths)) and not any(each.cut for each in drains) else 1


if __name__ == "__main__":
    sys.exit(main())

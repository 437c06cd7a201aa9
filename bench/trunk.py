"""`python -m bench.trunk`: calls over trunks of the stand-in telephone company: what deaths cost, what is carried.

Debian as root. Ends 1 if something was left of a killed process's calls, a following call did not work, a drain cut a
call, or a callback was stuck; no figure of time is judged but the two limits of `lab.cases.trunk_kills`.
"""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench import trunk_load
from bench.spread import table
from bench.trunk_load import Load
from lab.cases.trunk_kills import KINDS, LEGS_S, PAIRS, SLOTS_S, Death, die, drain, telephones
from lab.cases.trunk_site import ACME, site
from lab.telco.requirements import missing
from lab.telco.telco import Telco

CALLS = 4
DRAINED = 8


def killed(times: int) -> tuple[list[Death], list[tuple[int, int]]]:
    """Each kind so often, and as many drains."""
    deaths, drains = [], []
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
    return deaths, drains


def carried(direct: list[int], through_edge: list[int], seconds: float, stream: int) -> list[Load]:
    loads = []
    for edge, counts in ((False, direct), (True, through_edge)):
        for count in [*counts, *([0] if edge and stream else [])]:
            with (
                tempfile.TemporaryDirectory(prefix="bench-") as folder,
                Telco(Path(folder), [ACME]) as telco,
                trunk_load.bench(telco, edge=edge) as made,
            ):
                loads.append(trunk_load.at_once(made, count, seconds) if count else trunk_load.stream(made, stream))
                print(loads[-1], flush=True)
    return loads


def report(deaths: list[Death], drains: list[tuple[int, int]], loads: list[Load]) -> str:
    lines = [
        "# Calls over SIP trunks",
        "",
        "Written by `make bench-trunk`: one run, with nodes, edges, the telephone company and its telephones on one",
        "machine, which its times belong to.",
        "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} when the run ended.",
        "",
    ]
    if deaths:
        lines += ["## What dies, and what it costs", "", *_deaths(deaths), ""]
        lines += [
            f"With {CALLS} callbacks up over two nodes and two edges; seconds are medians, with the longest.",
            "A supervisor starts all but a node again after a second. Lost: the calls that were cut, and of their",
            "recordings what came after the last part.",
            "",
            f"Drains: {len(drains)}, of a node with {_spread([float(calls) for calls, _ in drains])} calls: "
            f"{sum(cut for _, cut in drains)} calls were cut.",
            "",
        ]
    if at_once := [load for load in loads if not load.memory_mb]:
        lines += ["## Bridged callbacks at once", "", *_at_once(at_once), ""]
    for load in loads:
        if load.memory_mb:
            lines += [
                f"## {load.calls} callbacks, {trunk_load.PER_SECOND} a second, through an edge",
                "",
                f"Done: {load.done}; stuck: {load.stuck}. CPU of a callback: "
                + ", ".join(f"{name} {1000 * cpu / load.calls:.0f} ms" for name, cpu in load.cpu.items())
                + f". Memory of the stations: {' → '.join(f'{each:.0f}' for each in load.memory_mb)} MB.",
                "",
            ]
            if load.invite_s:
                one, two = (1000 * each for each in load.invite_s)
                lines += [
                    f"Medians: {one:.0f} ms from the request to INVITE at the caller's telephone, {two:.0f} ms from"
                    " the caller's answer to INVITE at the callee's.",
                    "",
                ]
    return "\n".join(lines)


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
            )
        )
    return table(head, rows)


def _at_once(loads: list[Load]) -> list[str]:
    head = ("Callbacks", "Way", "Done", "Stuck", "Gaps", "Stations", "Edge", "Exchange")
    rows = []
    for load in loads:
        parts = (load.cpu.get(name, 0.0) / load.seconds / load.calls for name in ("stations", "edge", "exchange"))
        shares = [f"{100 * part:.2f} %" for part in parts]
        way, gaps = ("edge" if load.edge else "direct"), f"{100 * load.gaps / max(1, load.windows):.2f} %"
        rows.append((str(load.calls), way, str(load.done), str(load.stuck), gaps, *shares))
    return [
        *table(head, rows),
        "",
        "CPU: of a core, for each callback. Gaps: of 100 ms without the other's pure voice.",
    ]


def _spread(values: list[float]) -> str:
    return f"{median(values):.1f} ({max(values):.1f})" if values else "–"


def good(death: Death) -> bool:
    in_time = (death.silent_s or 0) < LEGS_S and (death.free_s or 0) < SLOTS_S
    return in_time and not death.left and death.next_s is not None and death.cut <= death.hit


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.trunk", description="Calls over SIP trunks")
    parser.add_argument(
        "--times", type=int, default=20, help="kill each kind of process so often (default: %(default)s)"
    )
    parser.add_argument("--direct", type=int, nargs="*", default=[60, 120], help="callbacks at once without an edge")
    parser.add_argument("--edge", type=int, nargs="*", default=[40, 80], help="callbacks at once through an edge")
    parser.add_argument("--seconds", type=float, default=10.0, help="of talk (default: %(default)s)")
    parser.add_argument("--stream", type=int, default=300, help="callbacks one after the other (default: %(default)s)")
    parser.add_argument("--into", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    deaths, drains = killed(asked.times) if asked.times else ([], [])
    loads = carried(asked.direct, asked.edge, asked.seconds, asked.stream)
    said = report(deaths, drains, loads)
    print(said, flush=True)
    if asked.into:
        asked.into.write_text(said, encoding="utf-8")
    whole = all(load.done == load.calls and not load.stuck for load in loads)
    return 0 if whole and all(map(good, deaths)) and not any(cut for _, cut in drains) else 1


if __name__ == "__main__":
    sys.exit(main())

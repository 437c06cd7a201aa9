"""What runs of a node and an edge showed, as one text for the terminal and for `nodes.md`."""

import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.gaps import Gaps
from bench.rtp_phone import Heard
from bench.sip_report import delay_rows
from bench.spread import table

ROLES = ("stations", "node", "Kamailio", "rtpengine")
"""Of the processes that carry calls, as `NodeFigures.cpu` names them."""


@dataclass
class NodeFigures:
    """What one run showed. `way`: how the trunk is dialled. `cpu`: seconds by role. `load`: when it began."""

    way: str
    calls: int
    load: float = 0.0
    joined: int = 0
    stuck: int = 0
    """Calls that the node still has after the end of all."""
    not_joined: Counter[str] = field(default_factory=Counter)
    """How often a callback was not joined after these events."""
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    gaps: Gaps = field(default_factory=Gaps)
    memory_mb: list[float] = field(default_factory=list)
    """Resident, of the node with its stations: before, half-way, after the last was placed, after the end."""

    def share(self, role: str) -> float:
        """Percent of a core."""
        return 100 * self.cpu.get(role, 0.0) / self.seconds if self.seconds else 0.0


def report(runs: list[NodeFigures], streams: list[NodeFigures], delays: Sequence[tuple[str, Heard]]) -> str:
    parts = [_head(runs + streams), *_at_once(runs), _streams(streams), _delays(delays), _faults(runs + streams)]
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(runs: list[NodeFigures]) -> list[str]:
    cores, loads = os.cpu_count() or 1, [run.load for run in runs] or [0.0]
    lines = [
        "# What a node and an edge carry",
        "",
        f"Written by `make bench-nodes` on {time.strftime('%Y-%m-%d', time.gmtime())}: one run on {cores} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, with the node, the edge and "
        f"the telephones (SIPp) on them. The load (1 min) was {loads[0]:.1f} when the first run began and "
        f"{max(loads):.1f} at most.",
    ]
    if loads[0] > cores / 2:
        lines.append(
            "**Other work ran on this machine meanwhile**: gaps, delays and the number at which it breaks are its, too."
        )
    return [*lines, ""]


def _at_once(runs: list[NodeFigures]) -> list[list[str]]:
    parts = []
    for way in dict.fromkeys(run.way for run in runs):
        mine = [run for run in runs if run.way == way]
        roles = [role for role in ROLES if any(role in run.cpu for run in mine)]
        head = ("Callbacks", "Joined", "Load", *roles, "A callback", "Telephones", "p99.9", "> 40 ms", "Worst", "Lost")
        rows = []
        for run in mine:
            shares = [run.share(role) for role in roles]
            heard = run.gaps
            rows.append(
                (
                    str(run.calls),
                    str(run.joined),
                    f"{run.load:.1f}",
                    *(f"{share:.0f}%" for share in shares),
                    f"{sum(shares) / run.joined:.2f}%" if run.joined else "",
                    f"{run.share('telephones'):.0f}%",
                    f"{heard.p999_ms:.0f} ms",
                    f"{heard.late:,} of {heard.packets:,}",
                    f"{heard.worst_ms:.0f} ms",
                    str(heard.lost),
                )
            )
        bad = next((run for run in mine if broken(run)), None)
        beside = mine[-1].share("telephone company")
        company = f" The trunk's own Kamailio and rtpengine used {beside:.0f}% besides." if beside else ""
        end = f"It breaks at {bad.calls} callbacks: {broken(bad)}." if bad else "It does not break up to there."
        text = (
            f"{mine[0].seconds:.0f} s with all of them up. CPU is of one core; gaps are of the RTP to the telephones."
            f"{company}"
        )
        parts.append([f"## Bridged callbacks at once, dialled {way}", "", text, "", *table(head, rows), "", end, ""])
    return parts


def broken(run: NodeFigures) -> str | None:
    """Why the machine did not carry so many; None: it did."""
    if run.joined < run.calls:
        return f"{run.calls - run.joined} were not joined"
    due = round(2 * run.calls * run.seconds * 50)
    if run.gaps.packets < 0.98 * due:
        return f"{run.gaps.packets:,} of {due:,} packets were sent to the telephones"
    if run.gaps.lost > run.gaps.packets / 1000:
        return f"{run.gaps.lost:,} packets were lost on their way to the telephones"
    return None


def _streams(streams: list[NodeFigures]) -> list[str]:
    lines = []
    for run in streams:
        each = {role: 1000 * run.cpu.get(role, 0.0) / run.calls for role in ROLES}
        lines += [
            f"## {run.calls} callbacks, ten a second, {run.way}, one second of talk each",
            "",
            f"{run.joined} joined in {run.seconds:.0f} s; {run.stuck} stuck. Load {run.load:.1f}.",
            f"CPU of a callback: {', '.join(f'{role} {ms:.0f} ms' for role, ms in each.items())}.",
            "Memory of the node with its stations before, half-way, after the last was placed, and at the end: "
            f"{' → '.join(f'{megabytes:.0f}' for megabytes in run.memory_mb)} MB.",
            "",
        ]
    return lines


def _delays(delays: Sequence[tuple[str, Heard]]) -> list[str]:
    text = "Between two telephones that number each 20 ms of their audio, in the only call, both ways together."
    return ["## Delay of the other party's voice", "", text, "", *delay_rows("Dialled", delays), ""] if delays else []


def _faults(runs: list[NodeFigures]) -> list[str]:
    lost = sum((run.not_joined for run in runs), Counter[str]())
    found = [f"* {count} not joined: {why}" for why, count in lost.most_common(10)]
    found += [f"* {run.stuck} of {run.calls} stuck, {run.way}" for run in runs if run.stuck]
    return ["## What went wrong", "", *found, ""] if found else []

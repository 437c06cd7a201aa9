"""What runs of the SIP line showed, as one text for the terminal and for `sip.md`."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.rtp_phone import Heard
from bench.spread import table


@dataclass
class Figures:
    """What one run showed. CPU seconds are those while all calls were up."""

    calls: int
    done: int = 0
    not_done: Counter[str] = field(default_factory=Counter)
    """How often a callback was not done for this reason."""
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    ticks: int = 0
    late: int = 0
    worst: float = 0.0
    memory_mb: list[float] = field(default_factory=list)
    """Resident, of the network's station: before, half-way, after."""
    windows: int = 0
    gaps: int = 0
    """Windows of the ten seconds in which the tone was interrupted, on any phone or in any recording."""
    wrong: list[str] = field(default_factory=list)


def report(
    runs: list[Figures], stream: Figures | None, per_second: int, delays: Sequence[tuple[str, Heard]] = ()
) -> str:
    """`runs`: so many callbacks at once; `stream`: one after the other; `delays`: beside what, and how late."""
    parts = [_head(), _delays(delays), _at_once(runs), _one_by_one(stream, per_second), _faults(runs, stream)]
    return "\n".join(line for part in parts for line in part) + "\n"


def _head() -> list[str]:
    return [
        "# What the SIP line carries",
        "",
        "Written by `make bench-sip`: one run, with all of it on one machine, which its times belong to;",
        "where nothing else runs, all callbacks are done, no sound is wrong and no leg is stuck.",
        "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} when the run ended.",
        "",
    ]


def _delays(delays: Sequence[tuple[str, Heard]]) -> list[str]:
    if not delays:
        return []
    return [
        "## Delay of the other party's voice",
        "",
        "Between two telephones that number each 20 ms of their audio, through the line, both ways together.",
        "",
        *delay_rows("Beside", delays),
        "",
    ]


def delay_rows(first: str, delays: Sequence[tuple[str, Heard]]) -> list[str]:
    """A table. `first`: the heading of its first column."""
    head = (first, "Frames", "Median", "99 % within", "Latest", "Silence", "Frames lost")
    rows = []
    for what, heard in delays:
        times = [f"{heard.share(part):.0f} ms" for part in (0.5, 0.99, 1.0)]
        rows.append((what, str(len(heard.delays_ms)), *times, f"{heard.silent_ms:.0f} ms", str(heard.missing)))
    return table(head, rows)


def _at_once(runs: list[Figures]) -> list[str]:
    if not runs:
        return []
    lines = [
        "## Bridged and recorded callbacks at once",
        "",
        "CPU is that of one core while all calls were up; a tick is 20 ms of sound of every leg.",
        "",
        "| Callbacks | Done | For | Network's CPU | for each callback | Telephones' CPU | Exchange's CPU |"
        " Ticks over 20 ms late | Farthest behind | 100 ms with a gap | Wrong sounds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for run in runs:
        cpu = {name: value / run.seconds for name, value in run.cpu.items()}
        lines.append(
            f"| {run.calls} | {run.done} | {run.seconds:.1f} s | {cpu['network']:.0%} |"
            f" {cpu['network'] / run.calls:.2%} | {cpu['phones']:.0%} | {cpu['exchange']:.0%} |"
            f" {run.late} of {run.ticks} | {1000 * run.worst:.0f} ms | {run.gaps} of {run.windows} | {len(run.wrong)} |"
        )
    return [*lines, ""]


def _one_by_one(stream: Figures | None, per_second: int) -> list[str]:
    if stream is None:
        return []
    memory = " → ".join(f"{megabytes:.0f}" for megabytes in stream.memory_mb)
    return [
        f"## {stream.calls} callbacks, {per_second} a second, one second of talk each",
        "",
        f"{stream.done} done in {stream.seconds:.0f} s; {len(stream.wrong)} legs stuck.",
        f"Memory of the network before, half-way and after: {memory} MB.",
        "",
    ]


def _faults(runs: list[Figures], stream: Figures | None) -> list[str]:
    """Why callbacks were not done, by how often; then what was wrong, the first of it."""
    all_runs = [*runs, *([stream] if stream else [])]
    lost = sum((run.not_done for run in all_runs), Counter[str]())
    found = [f"* {count} not done: {why}" for why, count in lost.most_common()]
    found += [f"* {fault}" for run in all_runs for fault in run.wrong[:20]]
    return ["## What went wrong", "", *found, ""] if found else []

"""What a process and all its descendants cost: CPU and memory, read from Linux's /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """One process. `born`: in ticks since the machine started; tells it from a later one with the same id.

    `seconds`: its own CPU, and that of the children that it has waited for.
    """

    pid: int
    parent: int
    born: int
    seconds: float


def parse_stat(text: str, ticks_per_second: int) -> Stat:
    """A line of /proc/<pid>/stat; the program's name, in brackets, may hold anything."""
    pid = int(text.partition(" ")[0])
    fields = text.rpartition(")")[2].split()
    return Stat(pid, int(fields[1]), int(fields[19]), sum(map(int, fields[11:15])) / ticks_per_second)


def family(everybody: dict[int, Stat], root: int) -> list[Stat]:
    """A process and its descendants."""
    found = [everybody[root]] if root in everybody else []
    for member in found:
        found += [stat for stat in everybody.values() if stat.parent == member.pid]
    return found


def tree(root: int) -> list[Stat]:
    """A process and its descendants as they are now."""
    ticks, everybody = os.sysconf("SC_CLK_TCK"), {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                stat = parse_stat((entry / "stat").read_text(), ticks)
            except OSError:  # it ended meanwhile
                continue
            everybody[stat.pid] = stat
    return family(everybody, root)


def cpu_seconds(root: int) -> float:
    """What the tree has used since it began."""
    return sum(stat.seconds for stat in tree(root))


def memory_mb(root: int) -> tuple[float, int]:
    """The tree's proportional set size, and how many processes it is."""
    sizes = []
    for stat in tree(root):
        try:
            rollup = (_PROC / str(stat.pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        sizes.append(int(rollup.split("\nPss:")[1].split()[0]) / 1024)
    return sum(sizes), len(sizes)

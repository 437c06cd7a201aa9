"""What the callbacks on both checkouts showed, as one text for the terminal and for `compare.md`."""

import os
import platform
from dataclasses import dataclass, field

from bench.compare.checkouts import Checkout
from bench.spread import ratio, ratio_range, spread, table


@dataclass
class Figures:
    """Of one checkout; each list has one value a callback. Times are milliseconds, CPU is milliseconds of one core."""

    answer: list[float] = field(default_factory=list)
    to_caller: list[float] = field(default_factory=list)
    to_callee: list[float] = field(default_factory=list)
    to_bye: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    idle_cpu: float = 0.0
    """Share of one core."""
    memory_mb: float = 0.0
    processes: int = 0


_ROWS = (
    ("HTTP request → HTTP answer", "answer", None),
    ("HTTP request → INVITE at the caller", "to_caller", 0.85),
    ("Caller's 200 → INVITE at the callee", "to_callee", 0.85),
    ("Caller's BYE → BYE at the callee", "to_bye", None),
    ("CPU of a callback, all processes", "cpu", 0.75),
)
"""What, where it stands in `Figures`, and the most that it may be of the base's."""


def report(
    base: Checkout,
    head: Checkout,
    base_figures: Figures,
    head_figures: Figures,
    load: float,
    *,
    written_by: str,
    judged: bool = True,
) -> str:
    """`load`: when the run began. `written_by`: the command. `judged`: whether the targets apply."""
    callbacks = len(head_figures.answer)
    rows = [row if judged else row[:4] for row in _rows(base_figures, head_figures)]
    lines = [
        f"# {head.name.capitalize()} beside {base.name}, over SIP",
        "",
        f"Written by `{written_by}`: {callbacks} callbacks on each, in turn, in one run. Both",
        "laboratories run with SIP and `post_dial_delay` 0; the telephones answer at once and talk for a second.",
        "Medians, with the range in brackets; beside a ratio of medians, where it lies in 95 of 100 resamples of the",
        "callbacks. CPU is of all processes of a laboratory, from the request to a second after the CDR."
        + (" The targets\nare for a machine that does nothing else." if judged else ""),
        "",
        f"{base.name} is {base.commit}, {head.name} is {head.commit}. {os.cpu_count()} cores, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, load {load:.1f} when the run began.",
        "",
        *table(("What", base.name, head.name, "Ratio", "Target")[: 5 if judged else 4], rows),
        "",
    ]
    return "\n".join(lines)


def _rows(base: Figures, head: Figures) -> list[tuple[str, ...]]:
    rows = [
        (
            what,
            spread(getattr(base, name), "ms"),
            spread(getattr(head, name), "ms"),
            _ratio(getattr(head, name), getattr(base, name)),
            f"at most {most:.2f}" if most else "",
        )
        for what, name, most in _ROWS
    ]
    idle = (f"{100 * each.idle_cpu:.1f} % of a core" for each in (base, head))
    memory = (f"{each.memory_mb:.0f} MB, {each.processes} processes" for each in (base, head))
    return [
        *rows,
        ("CPU when idle", *idle, f"{head.idle_cpu / base.idle_cpu:.2f}" if base.idle_cpu else "", ""),
        ("Memory when idle (PSS)", *memory, f"{head.memory_mb / base.memory_mb:.2f}", ""),
    ]


def _ratio(head: list[float], base: list[float]) -> str:
    low, high = ratio_range(head, base)
    return f"{ratio(head, base):.2f} ({low:.2f}–{high:.2f})"

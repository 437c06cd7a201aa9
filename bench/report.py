"""The figures as tables: one text for the terminal and for `results.md`."""

import os
import platform
from statistics import median

from bench.callbacks import MOST_TRANSITIONS, Costs
from bench.cold_starts import BARE, Start
from bench.place import Placing
from bench.spread import table


def report(costs: Costs, placing: Placing, starts: list[Start]) -> str:
    return "\n".join([*_head(), *_per_callback(costs), *_states(costs), *_placing(placing), *_cold(starts)])


def _head() -> list[str]:
    return [
        "# What one callback costs",
        "",
        "Written by `make bench`: one run, on the laptop's cloud and telephone network.",
        "Counts and ratios are the result; times belong to the machine.",
        "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} when the run ended.",
        "",
    ]


def _per_callback(costs: Costs) -> list[str]:
    writes = costs.writes
    rows = [("State transitions", f"{costs.transitions} (at most {MOST_TRANSITIONS})")]
    rows += [
        (f"Invocations of {_folder(name)}", _each(count, costs)) for name, count in sorted(costs.invocations.items())
    ]
    rows += [("Invocations together", _each(costs.invocations.total(), costs))]
    rows += [(f"{kind} requests", _each(count, costs)) for kind, count in sorted(writes.requests.items())]
    rows += [
        ("Items written in transactions", _each(writes.items["TransactWriteItems"], costs)),
        ("Items written together", _each(writes.items.total(), costs)),
        *((f"{kind} refused, lost races", _each(count, costs)) for kind, count in sorted(writes.refused.items())),
        ("Caller's answer to callee's dial", f"{_ms(median(each.total_seconds() for each in costs.to_dial))} (median)"),
    ]
    return [
        f"## Per callback, both answer and one hangs up ({costs.callbacks} played, after one to warm up)",
        "",
        *table(("What", "Count"), rows),
        "",
    ]


def _states(costs: Costs) -> list[str]:
    ways = sorted({" → ".join(states) for states in costs.states})
    return ["The states entered: " + "; or: ".join(ways) + ".", ""]


def _placing(placing: Placing) -> list[str]:
    rows = [
        (when, *(_ms(median(times[kind]) / 1000) for kind in ("ours", "bare")), f"{placing.ratio(times):.2f}")
        for when, times in (("warm", placing.warm), ("the first of a process, loading included", placing.cold))
    ]
    return [
        "## Placing a callback, against the same transaction and StartExecution alone "
        f"(median of {len(placing.warm['ours'])} warm and {len(placing.cold['ours'])} first ones, in turn)",
        "",
        *table(("Request", "Time here", "Bare", "Ratio"), rows),
        "",
    ]


def _cold(starts: list[Start]) -> list[str]:
    bare = next(start for start in starts if start.function == BARE)
    rows = [
        (start.function, f"{start.typical:.0f} ms", f"{start.typical / bare.typical:.2f}")
        for start in sorted(starts, key=lambda start: start.typical)
    ]
    rounds = len(bare.rounds)
    return [
        f"## Cold starts: import the handler and make its clients (median of {rounds} interleaved rounds)",
        "",
        *table(("Function", "Time here", f"Against {BARE}"), rows),
        "",
    ]


def _each(count: int, costs: Costs) -> str:
    return f"{count / costs.callbacks:g}"


def _folder(logical_id: str) -> str:
    name = logical_id.removesuffix("Function")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"

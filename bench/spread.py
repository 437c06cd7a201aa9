"""Figures of several runs in words: the median, and from where to where they lie."""

from collections.abc import Sequence
from random import Random
from statistics import median

_RESAMPLES = 2000


def spread(values: Sequence[float], unit: str = "", digits: int = 0) -> str:
    """For example "29 ms (24–41)"."""
    space = f" {unit}" if unit else ""
    shown = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return "{}{} ({}–{})".format(next(shown), space, *shown)


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """Of the medians."""
    return median(values) / median(base)


def ratio_range(values: Sequence[float], base: Sequence[float]) -> tuple[float, float]:
    """Where that ratio lies in 95 of 100 resamples of both (bootstrap): how much of it may be chance."""
    draw = Random(1).choices
    drawn = (ratio(draw(values, k=len(values)), draw(base, k=len(base))) for _ in range(_RESAMPLES))
    found = sorted(drawn)
    return found[_RESAMPLES // 40], found[-1 - _RESAMPLES // 40]


def round_ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Of each round; both were taken in the same rounds, one after the other."""
    return [value / other for value, other in zip(values, base, strict=True)]


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A Markdown table that can be read as it stands."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def written(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [written(head), written(["-" * width for width in widths]), *map(written, rows)]

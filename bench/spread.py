"""Figures of several runs in words: the median, and from where to where they lie."""

from collections.abc import Sequence
from statistics import median


def spread(values: Sequence[float], unit: str = "", digits: int = 0) -> str:
    """For example "29 ms (24–41)"."""
    space = f" {unit}" if unit else ""
    shown = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return "{}{} ({}–{})".format(next(shown), space, *shown)


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """Of the medians."""
    return median(values) / median(base)


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

"""What a command says, in a terminal: tables for lists, a line for each other value. Elsewhere it is JSON."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

_EMPTY = "none"
_IDS = {"call", "app_key", "id"}
"""Columns that are copied into the next command: never folded."""
_LEAST_FOLDED = 8
"""Characters that columns which are folded must have, on average; with fewer, a row is printed as lines."""
_LEFT_OUT = {"app_key", "phase", "ended"}
"""Columns for which a terminal has no room beside `result`, which says the same, and `sp`. JSON has them."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d*(?:Z|\+00:00)")


def as_json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, indent=2)


def print_said(said: Mapping[str, Any], *, json_wanted: bool) -> None:
    """JSON if it is wanted, or if nobody reads it: a pipe, a file. Raises BrokenPipeError."""
    if json_wanted or not sys.stdout.isatty() or not _print_tables(said):
        print(as_json(said), flush=True)


def _print_tables(said: Mapping[str, Any]) -> bool:
    """False: `rich` is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    console = Console(highlight=False)
    for name, text in _lines(said):
        console.print(Text.assemble((f"{name}: ", "dim"), text))
    for name, rows in _tables(said):
        title = name.replace("_", " ")
        if not rows:
            console.print(Text(f"{name}: {_EMPTY}", "dim"))
            continue
        table = Table(title=title, title_justify="left", box=None, header_style="bold")
        cells = [dict(_lines(row, nested=True)) for row in rows]
        columns = list(dict.fromkeys(chain.from_iterable(cells)))
        if "result" in columns:
            columns = [each for each in columns if each not in _LEFT_OUT]
        for column in columns:
            table.add_column(column.replace("_", " "), overflow="fold", no_wrap=column in _IDS)
        for row in cells:
            table.add_row(*(Text(row.get(column, "")) for column in columns))
        if _fits(cells, columns, console.width):
            console.print(table)
            continue
        console.print(Text(title, "italic"))
        for row in cells:
            lines = [Text.assemble((f"  {column}: ", "dim"), row[column]) for column in columns if column in row]
            console.print(*lines, "", sep="\n")
    return True


def _fits(cells: Sequence[Mapping[str, str]], columns: Sequence[str], width: int) -> bool:
    """Whether the columns that are folded have enough room beside those that are not."""
    widest = {each: max(len(each), *(len(row.get(each, "")) for row in cells)) for each in columns}
    folded = [each for each in columns if each not in _IDS]
    room = width - sum(widest[each] for each in columns if each in _IDS) - 2 * len(columns)
    return room >= min(sum(widest[each] for each in folded), _LEAST_FOLDED * len(folded))


def _tables(said: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from _tables(value, f"{prefix}{name} ")
        elif _is_table(value):
            yield f"{prefix}{name}", value


def _is_table(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(row, Mapping) for row in value)


def _lines(said: Mapping[str, Any], prefix: str = "", *, nested: bool = False) -> Iterator[tuple[str, str]]:
    """`nested`: also lists of mappings, which are tables otherwise."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from _lines(value, f"{prefix}{name} ", nested=nested)
        elif _is_table(value) and not nested:
            continue
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(map(_text, value))
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_text(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    at = _TIME.fullmatch(str(value))
    return f"{at[1]} {at[2]}Z" if at else harmless(str(value))


def harmless(text: str) -> str:
    """Without what a terminal would carry out: others wrote it, such as the server of an SP."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)

"""What a command says, in a terminal: tables for lists, a line for each other value. Elsewhere it is JSON."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_EMPTY = "none"


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
    lists = {name: value for name, value in said.items() if _is_table(value)}
    for name, text in _lines({name: value for name, value in said.items() if name not in lists}):
        console.print(Text.assemble((f"{name}: ", "dim"), text))
    for name, rows in lists.items():
        names = list(dict.fromkeys(column for row in rows for column, _ in _lines(row)))
        table = Table(title=name.replace("_", " "), title_justify="left", box=None, header_style="bold")
        for column in names:
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            cells = dict(_lines(row))
            table.add_row(*(Text(cells.get(column, "")) for column in names))
        console.print(table if rows else Text(f"{name}: {_EMPTY}", "dim"))
    return True


def _is_table(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(row, Mapping) for row in value)


def _lines(said: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from _lines(value, f"{prefix}{name} ")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(map(_text, value))
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_text(each)}" for name, each in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else harmless(str(value))


def harmless(text: str) -> str:
    """Without what a terminal would carry out: others wrote it, such as the server of an SP."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)

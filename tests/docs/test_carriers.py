"""The page for those who add a carrier names what its ports have, all of it."""

import re
from types import FunctionType
from typing import get_args

import pytest

from duologue.call_control.actions import Action
from duologue.call_control.events import CallEvent
from duologue.domain.errors import DialError
from duologue.usecases.ports.network import Network
from lab.cases.on_sip import DIFFERENCES, LEFT_OUT
from tests.architecture.tree import ROOT

_PAGE = (ROOT / "docs" / "carriers.md").read_text(encoding="utf-8")


def _listed(heading: str) -> list[str]:
    """The words in the first column of the table whose heading this is."""
    table = _PAGE.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        (
            "Request",
            [name for name, value in vars(Network).items() if isinstance(value, FunctionType) and name[0] != "_"],
        ),
        ("Error", [error.__name__ for error in DialError.__subclasses__()]),
        ("Event", [event.__name__ for event in get_args(CallEvent)]),
        ("Action", [action.__name__ for action in get_args(Action)]),
    ],
)
def test_a_table_lists_what_there_is_and_no_more(heading: str, names: list[str]):
    assert sorted(_listed(heading)) == sorted(names)


@pytest.mark.parametrize(
    ("heading", "rows"),
    [("What | With `Carrier: sip`", DIFFERENCES), ("Case | Why", {f"`{name}`": why for name, why in LEFT_OUT.items()})],
)
def test_what_differs_with_carrier_sip_is_what_the_lab_says(heading: str, rows: dict[str, str]):
    table = _PAGE.partition(f"\n| {heading}")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [f"| {name} | {text} |" for name, text in rows.items()]


def test_its_files_exist():
    """A name in <…> stands for a carrier's own."""
    paths = re.findall(r"`((?:tests|usecases|call_control)/[\w/]+\.py)`", _PAGE)
    assert len(paths) >= 5
    assert [
        path for path in paths if not any((ROOT / root / path).is_file() for root in (".", "layers/core/duologue"))
    ] == []

"""COVERAGE.md says what the code does: each operation, event, action and switch has its row."""

from pathlib import Path

import pytest

from pstn import switches
from pstn.actions import TABLE
from pstn.api import OPERATIONS
from pstn.events import EVENT_TYPES
from pstn.reply import IMITATED, KNOWN_ONLY

TEXT = (Path(switches.__file__).parent / "COVERAGE.md").read_text()


def rows(heading: str) -> set[str]:
    """The names in the first column of a section's table."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return {name.strip(" `") for cell in first[2:] for name in cell.split(",")}


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Operations of chime-sdk-voice", {*OPERATIONS, "any other"}),
        ("Events", set(EVENT_TYPES)),
        ("Actions", IMITATED | KNOWN_ONLY),
    ],
)
def test_every_row_and_no_other(heading: str, names: set[str]):
    assert rows(heading) == names


def test_the_table_of_switches_is_the_code_s():
    assert TEXT.rstrip().endswith(switches.table())


def test_every_imitated_action_can_be_played():
    assert set(TABLE) == IMITATED

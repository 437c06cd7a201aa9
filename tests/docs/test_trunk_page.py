"""docs/trunk.md: its tables have every row of the trunk file, with its default, and every code of the fail-over."""

import re
import textwrap
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lab.cli.over_trunk import CEILINGS, CONCURRENT_CALLS
from pstn.trunks.failover import REFUSED_US, TRY_NEXT
from pstn.trunks.profiles import PROFILES
from pstn.trunks.trunk_file import Trunk, TrunkFile, read

PAGE = (Path(__file__).parents[2] / "docs" / "trunk.md").read_text(encoding="utf-8")
AS_THEY_ARE = ("hosts", "numbers.outbound", "numbers.inbound")


def table(after: str) -> dict[str, str]:
    """Row → default, of the first table behind this text."""
    lines = PAGE[PAGE.index(after) :].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("| Row"))
    found: dict[str, str] = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows, *_, default = (cell.strip() for cell in line.strip("|").split("|"))
        found |= dict.fromkeys(re.findall(r"`([a-z0-9_.]+)`", rows), default)
    return found


def rows_of(model: type[BaseModel], within: str = "") -> dict[str, object]:
    """Dotted row → default, of this model and those in it. PydanticUndefined: it must be written."""
    found: dict[str, object] = {}
    for name, field in model.model_fields.items():
        row = f"{within}{field.alias or name}"
        part = next((each for each in _types(field.annotation) if issubclass(each, BaseModel)), None)
        if part and model is Trunk and name != "hosts":
            found |= rows_of(part, f"{row}.")
        else:
            found[row] = field.get_default()
    return found


def _types(annotation: object) -> list[type]:
    return [each for each in (annotation, *getattr(annotation, "__args__", ())) if isinstance(each, type)]


@pytest.mark.parametrize(("after", "model"), [("## The rows", TrunkFile), ("Of each trunk:", Trunk)])
def test_every_row_is_there_with_its_default_and_no_other(after, model):
    written, known = table(after), rows_of(model)
    assert set(written) == set(known)
    for row, default in known.items():
        if default is PydanticUndefined:
            assert written[row] == "required", row
        elif isinstance(default, bool):
            assert written[row] == str(default).lower(), row
        elif isinstance(default, int | float | str):
            assert written[row] == str(default), row
        elif isinstance(default, tuple) and default:
            assert written[row] == ", ".join(default), row


@pytest.mark.parametrize("document", ["README.md", "docs/trunk.md"])
def test_the_file_that_a_newcomer_copies_is_one(document, tmp_path):
    text = (Path(__file__).parents[2] / document).read_text(encoding="utf-8")
    [file] = [block for block in re.findall(r"^ *```yaml\n(.*?)^ *```$", text, re.M | re.S) if "trunks:" in block]
    (tmp_path / "trunks.yaml").write_text(textwrap.dedent(file))
    [trunk] = read(tmp_path / "trunks.yaml", {"TRUNK_SECRET": "correct horse"}).trunks  # nothing real
    assert (trunk.transport, trunk.srtp, trunk.registration is not None) == ("tls", "mandatory", True)


def test_the_codes_ceilings_and_profiles_are_those_of_the_code():
    assert f"| {', '.join(map(str, TRY_NEXT))}, nothing at all" in PAGE
    assert f"| {', '.join(map(str, REFUSED_US))} |" in PAGE
    calls, minutes, longest, one = CEILINGS.values()
    said = " ".join(PAGE.split())
    assert (
        f"{CONCURRENT_CALLS} calls at once, {calls} calls and {minutes} minutes a day, {longest} minutes a call" in said
    )
    assert f"{one} calls a day to one number" in said
    assert set(re.findall(r"`([a-z-]+)`", said[said.index("(`pstn/trunks/profiles.py`:") :].partition(")")[0])) == set(
        PROFILES
    )

"""What must not be in the repository, and what its front page promises."""

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, text_of, tracked

_TEXTS = [path for path in tracked() if text_of(path) is not None]

# Written in pieces, so that this file does not find itself.
_REGISTRIES = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "python" + "hosted",
            "registry" + r"\.npmjs",
            "--(extra-)?index" + "-url [^-]",
            "artif" + "actory",
        ]
    )
)
_MACHINE_PATHS = re.compile(
    r"(?<![\w.$}])/(" + "|".join(["ro" + "ot", "wo" + "rk", "home/" + r"\w", "Us" + "ers"]) + ")/"
)
_UNFINISHED = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "X" + "XX"]))
# Numbers that ring nobody: +1 202 555 0100 to 0199 are kept for fiction.
_E164 = re.compile(r"(?<![\w+])\+[1-9]\d{9,14}(?!\d)")
_FICTIONAL = re.compile(r"\+120255501\d\d")


def _found(pattern: re.Pattern[str], paths: Iterable[Path]) -> dict[str, list[str]]:
    """What `pattern` finds, by file."""
    matches = {str(path): [match[0] for match in pattern.finditer(_readable(path))] for path in paths}
    return {path: found for path, found in matches.items() if found}


def _readable(path: Path) -> str:
    """The text of a file; of a sample of a request also its body, which is in Base64."""
    text = text_of(path) or ""
    if path.parts[0] != "events" or '"isBase64Encoded": true' not in text:
        return text
    return text + base64.b64decode(json.loads(text)["body"]).decode()


def test_no_registry_is_named():
    assert _found(_REGISTRIES, _TEXTS) == {}


def test_no_place_of_one_machine_is_named():
    assert _found(_MACHINE_PATHS, _TEXTS) == {}


def test_nothing_is_left_unfinished():
    assert _found(_UNFINISHED, [path for path in _TEXTS if path.suffix in {".py", ".yaml", ""}]) == {}


_SAMPLES = [path for path in _TEXTS if path.parts[0] in {"events", "pstn", "lab", "docs", "README.md", "functions"}]


def test_samples_name_fictional_numbers_only():
    named = _found(_E164, _SAMPLES)
    assert {path: real for path, numbers in named.items() if (real := set(numbers) - _fictional(numbers))} == {}
    assert "events/callback_api/callback_placed.json" in named, "whose numbers are in its body"


def _fictional(numbers: Iterable[str]) -> set[str]:
    return {number for number in numbers if _FICTIONAL.fullmatch(number)}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_commands_of_the_front_page_exist(page: str):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", (ROOT / page).read_text(encoding="utf-8")))
    assert named
    assert named <= targets


def test_the_first_change_of_the_front_page_can_be_made():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    steps = page[page.index("## A first change") : page.index("## Where things go")]
    [sentence] = re.findall(r'"The caller\'s (.+?)"', steps)
    files = [(ROOT / path).read_text(encoding="utf-8") for path in re.findall(r"`(\S+\.py)`", steps)]
    assert [sentence in text for text in files] == [True, True]

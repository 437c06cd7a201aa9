"""docs/coming-from-the-original.md says of the product what is true: codes, paths, fields, options and parameters."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from duologue.operator.__main__ import parser
from tools.code_tables import PAGE as API_PAGE
from tools.openapi.document import PAGE as OPENAPI
from tools.template import ROOT, read_template

PAGE = (ROOT / "docs" / "coming-from-the-original.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
_CODE = re.compile(r"\b(1\d{6}|[78]\d{3})(?: to (1\d{6}|[78]\d{3}))?\b")


def codes(text: str) -> set[int]:
    """Result and state codes; `7001 to 7005` are five."""
    found = ((int(first), int(last or first)) for first, last in _CODE.findall(text))
    return {code for first, last in found for code in range(first, last + 1)}


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


@pytest.fixture(scope="module")
def sent() -> set[int]:
    """All codes of the tables in docs/api.md, which a test holds against the code."""
    return {int(code) for code in re.findall(r"^\| (\d+) \|", API_PAGE.read_text(encoding="utf-8"), re.MULTILINE)}


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
    return document


def test_every_code_is_sent_or_listed_as_never_sent(sent):
    never = codes(SECTIONS["Codes that are never sent"])
    here = {cell for _, _, cell in rows("Different")} | {SECTIONS["Before the first call"], SECTIONS["Not here"]}
    mentioned = set().union(*map(codes, here))
    assert len(never) > 30
    assert never & sent == set()
    assert mentioned - sent == set()
    assert codes(PAGE) <= sent | never


def test_the_paths_that_are_served(openapi):
    served = {tuple(each.split()) for each in named(SECTIONS["Served"])}
    declared = {(method.upper(), path) for path, methods in openapi["paths"].items() for method in methods}
    assert served <= declared
    ours = ("/duologue/", "/r/")
    assert {path for _, path in declared if not path.startswith(ours)} == {path for _, path in served}


def test_what_is_not_here(openapi):
    absent = {name for first, _ in rows("Not here") for name in named(first)}
    absent -= {"calleeMedia", "?ver=1.0"}  # the first is here, without what the row says of it
    paths = {name for name in absent if name.startswith("/")}
    assert len(paths) >= 5
    assert paths.isdisjoint(openapi["paths"])
    words = set(_words(openapi))
    assert {"calleeMedia", "stateCode", "disconnect"} <= words, "it finds what is there"
    assert (absent - paths).isdisjoint(words)


def _words(part: Any) -> Iterator[str]:
    """Every field's name and every value that a field may have."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield str(name)
            yield from _words(value)
    elif isinstance(part, list):
        for each in part:
            yield from _words(each)
    elif isinstance(part, str):
        yield part


def test_the_options_and_parameters_that_it_advises():
    advised = named(PAGE)
    options = {word for each in advised for word in each.split() if word.startswith("--")}
    assert options <= set(_options(parser()))
    assert len(options) >= 8
    parameters = {each for each in named(SECTIONS["Before the first call"]) if re.fullmatch(r"[A-Z][A-Za-z]{2,}", each)}
    assert parameters
    assert parameters <= read_template()["Parameters"].keys()


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _options(each)

"""Modules of tens of lines, each with its law or its map at its head, in packages that say what they hold."""

import ast
from pathlib import Path
from statistics import median

import pytest

from tests.architecture.tree import ROOT, modules

_PRODUCT = modules("layers/core/duologue", "functions")
_ALL = [*_PRODUCT, *modules("lab", "tools", "bench")]

_CEILING = 300
_MEDIAN_AT_MOST = 80  # about 60 is the aim

# Longer ones, with the reason why they are not two.
_LONGER: dict[str, str] = {
    "layers/core/duologue/call_control/machine.py": "whatever decides what happens next in a call is in this one file",
}

_EMPTY_WORDS = {"manager", "service", "utils", "util", "helpers", "helper", "data", "info", "common", "misc"}


def _lines(path: Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def test_the_products_modules_are_small():
    assert median(_lines(path) for path in _PRODUCT) <= _MEDIAN_AT_MOST


@pytest.mark.parametrize("path", _ALL, ids=str)
def test_a_module_is_no_longer_than_one_can_hold(path: Path):
    assert _lines(path) <= _CEILING or str(path) in _LONGER


def test_every_exception_is_still_needed():
    assert [name for name in _LONGER if _lines(Path(name)) <= _CEILING] == []


@pytest.mark.parametrize("path", _ALL, ids=str)
def test_a_module_says_its_law_or_its_map(path: Path):
    assert ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", _PRODUCT, ids=str)
def test_names_say_something(path: Path):
    """No Manager, Service, utils, helpers, data or info, neither as a module nor as the end of a class's name."""
    assert path.stem not in _EMPTY_WORDS
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert [name for name in classes if name.lower().endswith(tuple(_EMPTY_WORDS - {"common", "misc"}))] == []

"""Modules with their law or their map at the head, in packages that say what they hold."""

import ast
from pathlib import Path

from tests.architecture.tree import ROOT, modules

_PRODUCT = modules("layers/core/duologue", "functions")
_ALL = [*_PRODUCT, *modules("pstn", "lab", "tools", "bench")]

_EMPTY_WORDS = {"manager", "service", "utils", "util", "helpers", "helper", "data", "info", "common", "misc"}


def _parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def test_a_module_says_its_law_or_its_map():
    assert [str(path) for path in _ALL if not ast.get_docstring(_parsed(path))] == []


def test_names_say_something():
    """No Manager, Service, utils, helpers, data or info, neither as a module nor as the end of a class's name."""
    endings = tuple(_EMPTY_WORDS - {"common", "misc"})
    named = [
        f"{path}: {node.name}"
        for path in _PRODUCT
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.ClassDef)
    ]
    assert [name for name in named if name.lower().endswith(endings)] == []
    assert [str(path) for path in _PRODUCT if path.stem in _EMPTY_WORDS] == []

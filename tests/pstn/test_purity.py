"""The engine is pure: what it is made of imports nothing that could see or change the outside."""

import ast
from pathlib import Path

import pytest

import pstn

ROOT = Path(pstn.__file__).parent
ENGINE = ["engine", "call", "action_list", "invocations", "reply", "events", "legs", "messages", "switches"]
FILES = [ROOT / f"{name}.py" for name in ENGINE] + sorted((ROOT / "actions").glob("*.py"))
ALLOWED = {"abc", "collections", "dataclasses", "datetime", "enum", "json", "re", "typing"}
INSIDE = {f"pstn.{name}" for name in ENGINE} | {"pstn", "pstn.actions"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_module_of_the_engine_imports_only_values(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            inside = name in INSIDE or name.startswith("pstn.actions.")
            assert inside or name.split(".")[0] in ALLOWED, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_module_of_the_engine_does_not_read_the_clock(path: Path):
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert not calls & {"utcnow", "today", "monotonic"}
    assert ".now()" not in path.read_text()

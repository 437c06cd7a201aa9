"""The package as others install it: the wheel holds the product alone, and needs what it says and nothing else."""

import ast
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import distribution, packages_distributions
from operator import methodcaller
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.architecture.source import code
from tests.architecture.tree import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """What is in it, unpacked."""
    into: Path = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(into)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = into.glob("*.whl")
    with zipfile.ZipFile(built) as packed:
        packed.extractall(into / "unpacked")
    return into / "unpacked"


@pytest.fixture(scope="module")
def about(wheel: Path) -> Path:
    [folder] = wheel.glob("*.dist-info")
    return folder


@pytest.fixture(scope="module")
def environment(wheel: Path, about: Path, tmp_path_factory) -> list[str]:
    """The wheel, and beside it only what it asks for, with what that asks for."""
    site: Path = tmp_path_factory.mktemp("site")
    for name in _with_theirs(_required(about)):
        for top in {file.parts[0] for file in distribution(name).files or ()} - {".."}:
            if not (site / top).exists():  # two distributions may share a folder of caches
                (site / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return [str(wheel), str(site)]


def _required(about: Path) -> list[Requirement]:
    """Without extras."""
    return [each for each in _lines(about) if each.marker is None or each.marker.evaluate({"extra": ""})]


def _lines(about: Path) -> list[Requirement]:
    lines = (about / "METADATA").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    return [Requirement(line.partition(": ")[2]) for line in lines if line.startswith("Requires-Dist: ")]


def _with_theirs(requirements: list[Requirement]) -> set[str]:
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        each = waiting.pop()
        about = distribution(each.name)
        assert each.specifier.contains(about.version), f"{each} is not what the tests run with"
        if each.name not in found:
            found.add(each.name)
            theirs = [Requirement(line) for line in about.requires or ()]
            waiting += [one for one in theirs if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def _run(environment: list[str], program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """By a Python that has its standard library, and what is named."""
    first = f"import sys; sys.path += {environment!r}; sys.argv = ['duologue', *sys.argv[1:]]\n"
    command = [sys.executable, "-I", "-S", "-c", first + program, *arguments]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(command, env=kept | variables, capture_output=True, text=True, check=False)


def test_it_claims_one_name(wheel: Path, about: Path):
    assert {path.name for path in wheel.iterdir()} == {"duologue", about.name}


def test_it_says_under_which_licence(about: Path):
    said = (about / "METADATA").read_text(encoding="utf-8")
    assert "\nLicense-Expression: Apache-2.0\n" in said
    assert "Apache License" in (about / "licenses" / "LICENSE").read_text(encoding="utf-8")
    assert "\n# Duologue\n" in said, "the first page"


def test_it_asks_for_what_is_imported_and_nothing_else(about: Path):
    optional = {name: _needed(methodcaller("startswith", begins)) for name, begins in _EXTRAS.items()}
    always = _needed(lambda module: not module.startswith(tuple(_EXTRAS.values())))
    assert {each.name for each in _required(about)} == always | (
        {"audioop-lts"} if sys.version_info >= (3, 13) else set()
    )
    theirs = {"anyio", "markupsafe"}  # starlette's and jinja2's own requirements
    for extra, needed in optional.items():
        asked = {each.name for each in _lines(about) if each.marker and each.marker.evaluate({"extra": extra})}
        assert asked - {each.name for each in _required(about)} == needed - always - theirs, extra


_EXTRAS = {"console": "duologue.operator.console.", "tables": "duologue.operator.printed"}
"""What the modules of these commands need besides: they do without, or say what is missing."""


def _needed(is_meant: Callable[[str], bool]) -> set[str]:
    """The distributions that these modules import."""
    imported = {name.partition(".")[0] for name in _imported(is_meant)} - sys.stdlib_module_names - {"duologue"}
    providers = packages_distributions()
    own_halves = {"pydantic-core"}
    return {providers[name][0].lower().replace("_", "-") for name in imported} - own_halves


def _imported(is_meant: Callable[[str], bool]) -> Iterator[str]:
    """What modules import when they run: what only a type checker imports is not needed."""
    for name, module in code().items():
        if name.startswith("duologue") and is_meant(name):
            for node in _run_statements(module.tree):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield str(node.module)


def _run_statements(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _run_statements(child)


def test_every_module_of_it_can_be_imported(environment: list[str]):
    program = """
import importlib, pkgutil, duologue
for module in pkgutil.walk_packages(duologue.__path__, 'duologue.'):
    if not module.name.endswith('__main__') and not module.name.startswith('duologue.operator.console.'):
        importlib.import_module(module.name)
"""
    done = _run(environment, program)
    assert done.returncode == 0, done.stderr


def _command(about: Path) -> str:
    said = (about / "entry_points.txt").read_text(encoding="utf-8")
    assert "duologue = duologue.operator.__main__:main" in said
    return "from duologue.operator.__main__ import main; sys.exit(main())"


def test_its_command_says_what_it_can(environment: list[str], about: Path):
    done = _run(environment, _command(about), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: duologue ")


def test_its_command_says_what_it_lacks(environment: list[str], about: Path):
    done = _run(environment, _command(about), "sp", "add", "acme", "--username", "acme")
    assert (done.returncode, done.stderr) == (1, "duologue: no AWS region: set AWS_DEFAULT_REGION or AWS_PROFILE\n")


def test_its_console_says_what_it_lacks(environment: list[str]):
    program = """
from argparse import Namespace
from duologue.operator.console import _console
_console(Namespace(port=0), None)
"""
    done = _run(environment, program)
    assert "which is not installed: pip install starlette jinja2 uvicorn" in done.stderr

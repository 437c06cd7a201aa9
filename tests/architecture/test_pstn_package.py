"""The distribution `duologue-pstn` asks for what pstn imports; what is locked for it is what is tested."""

import ast
import re
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from tests.architecture.tree import ROOT, modules, tracked

PSTN = ROOT / "pstn"
_PROJECT = tomllib.loads((PSTN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_ASKED = {Requirement(each).name for each in _PROJECT["dependencies"]}
# The lines that lock a package, with its version.
_LOCKED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def test_it_has_the_platform_s_version():
    of_platform = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (_PROJECT["version"], _PROJECT["requires-python"]) == (
        of_platform["version"],
        of_platform["requires-python"],
    )


def test_it_asks_for_what_is_imported_and_nothing_else():
    imported = {
        name.partition(".")[0]
        for path in modules("pstn/")
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        for name in _named(node)
    }
    providers = packages_distributions()
    others = {name for name in imported if name not in sys.stdlib_module_names | {"pstn", "audioop"}}
    assert {providers[name][0].lower().replace("_", "-") for name in others} | {"audioop-lts"} == _ASKED


def _named(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            return [str(node.module)]
    return []


def test_what_is_locked_for_it_is_complete_and_what_is_tested():
    locked = dict(_LOCKED.findall((ROOT / "requirements/pstn.txt").read_text(encoding="utf-8")))
    tested: dict[str, str] = {}
    for name in ("dev", "sip"):
        tested |= _LOCKED.findall((ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8"))
    assert {name: version for name, version in locked.items() if tested.get(name) != version} == {}
    assert locked.keys() >= _ASKED


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    into = tmp_path_factory.mktemp("wheel")
    [built] = WheelBuilder(str(PSTN)).build(directory=str(into), versions=["standard"])
    return zipfile.ZipFile(built)


def test_its_wheel_has_every_module_and_the_licence(wheel: zipfile.ZipFile):
    """And what modules read beside themselves, such as a template."""
    names = set(wheel.namelist())
    packed = {str(path) for path in tracked() if path.parts[0] == "pstn" and _belongs(path)}
    assert {name for name in names if ".dist-info/" not in name} == packed | {"pstn/LICENSE"}
    [command] = [name for name in names if name.endswith("entry_points.txt")]
    assert "duologue-pstn = pstn.__main__:main" in wheel.read(command).decode()


def _belongs(path: Path) -> bool:
    return path.suffix != ".md" and path.name != "pyproject.toml" and path.parts[1] != "debian"


def test_make_install_gives_its_command():
    assert distribution("duologue-pstn").version == _PROJECT["version"]

"""Each contract of import-linter and each ban of ruff catches a deliberate break.

A contract that names a package which was renamed, or a ban that an exception has swallowed, passes for ever.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, tracked

_CORE = "layers/core/duologue"

# contract id → (a module to add the line to, the line)
_BREAKS = {
    "layers": (f"{_CORE}/domain/calls/call.py", "import duologue.usecases.ports"),
    "subjects": (f"{_CORE}/domain/calls/leg.py", "import duologue.domain.accounting.usage"),
    "wires": (f"{_CORE}/wire/chime/__init__.py", "import duologue.wire.huawei"),
    "carrier-behind-its-port": (f"{_CORE}/runtime/wiring/flow.py", "import duologue.adapters.carriers.chime_network"),
    "usecases-know-no-wire": (f"{_CORE}/usecases/calls/place_callback.py", "import duologue.wire.huawei"),
    "no-cloud-below-adapters": (f"{_CORE}/usecases/calls/place_callback.py", "import boto3"),
    "pure-core": (f"{_CORE}/domain/calls/call.py", "import pydantic"),
    "product-below-functions": (f"{_CORE}/runtime/__init__.py", "import functions.sweep.handler"),
    "functions-know-no-lab": ("functions/sweep/handler.py", "import lab"),
    "handlers-are-independent": ("functions/sweep/handler.py", "import functions.outbox.handler"),
    "pstn-imports-nothing-of-ours": ("pstn/lines/sip/line.py", "import lab.phones.scripted"),
    "lab-imports-nothing-of-the-product": ("lab/__init__.py", "import duologue.domain.calls.call"),
    "lab-layers": ("lab/website/backend.py", "import lab.lab"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources and the settings, to be broken."""
    for path in tracked():
        if str(path).startswith((_CORE, "functions/", "pstn/", "lab/")) and path.suffix == ".py":
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, tmp_path / path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _verdicts(copy: Path, *contracts: str) -> tuple[int, str]:
    """import-linter's exit code and report for `contracts` (all of them if none is named)."""
    named = [argument for contract in contracts for argument in ("--contract", contract)]
    program = (
        "import sys; sys.path[:0] = ['layers/core', '.'];"
        "from importlinter.cli import lint_imports_command as lint; lint()"
    )
    command = [sys.executable, "-P", "-c", program, "--no-cache", "--config", "pyproject.toml", *named]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_every_contract_has_its_break():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]} == set(_BREAKS)


@pytest.mark.parametrize("contract", _BREAKS)
def test_a_contract_catches_its_break(contract: str, copy: Path):
    module, line = _BREAKS[contract]
    source = (copy / module).read_text(encoding="utf-8")
    (copy / module).write_text(f"{source}\n\n{line}\n", encoding="utf-8")
    verdict, report = _verdicts(copy, contract)
    assert verdict == 1, report
    assert "BROKEN" in report


def test_a_carrier_is_imported_where_it_is_meant_to_be_and_nowhere_else(copy: Path):
    strangers = {
        "functions/call_control/handler.py": "duologue.wire.chime.answer",
        f"{_CORE}/adapters/calls/dynamo_calls.py": "duologue.adapters.carriers.chime_line",
        f"{_CORE}/runtime/carriers/__init__.py": "duologue.adapters.carriers.chime_network",
        f"{_CORE}/runtime/wiring/calls.py": "duologue.runtime.carriers.chime",
    }
    for module, imported in strangers.items():
        source = (copy / module).read_text(encoding="utf-8")
        (copy / module).write_text(f"{source}\n\nimport {imported}\n", encoding="utf-8")
    verdict, report = _verdicts(copy, "carrier-behind-its-port")
    assert verdict == 1, report
    for module, imported in strangers.items():
        importer = module.removeprefix("layers/core/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert f"{importer} -> {imported}" in report


def test_each_adapter_of_a_carrier_is_behind_the_port():
    assert {path.parent.name for path in (ROOT / _CORE / "adapters").rglob("chime_*.py")} == {"carriers"}


@pytest.mark.parametrize(
    "package", [f"{_CORE}/helpers", f"{_CORE}/domain/helpers", f"{_CORE}/wire/carrier", "lab/helpers"]
)
def test_a_new_package_must_be_given_its_place(package: str, copy: Path):
    (copy / package).mkdir()
    (copy / package / "__init__.py").write_text('"""Homeless."""\n', encoding="utf-8")
    verdict, report = _verdicts(copy, "layers", "subjects", "wires", "lab-layers")
    assert verdict == 1, report


@pytest.mark.parametrize(
    ("module", "code", "rule"),
    [
        ("usecases/x.py", "import boto3\n\nboto3.client('s3')\n", "TID251"),
        ("usecases/x.py", "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n", "TID251"),
        ("call_control/x.py", "import uuid\n\nNEW = uuid.uuid4()\n", "TID251"),
        ("domain/x.py", "from .call import Call\n\nCall\n", "TID252"),
        ("domain/x.py", "class Call:\n    displayNbr: str\n", "N815"),
        ("usecases/x.py", "try:\n    print()\nexcept Exception:\n    pass\n", "BLE001"),
    ],
)
def test_ruff_catches_what_the_design_forbids(module: str, code: str, rule: str):
    assert rule in _complaints(f"{_CORE}/{module}", code)


@pytest.mark.parametrize(
    ("module", "code", "rule"),
    [
        ("adapters/x.py", "import boto3\n\nboto3.client('s3')\n", "TID251"),
        ("wire/huawei/x.py", "class Call:\n    displayNbr: str\n", "N815"),
    ],
)
def test_ruff_allows_it_where_it_belongs(module: str, code: str, rule: str):
    assert rule not in _complaints(f"{_CORE}/{module}", code)


def _complaints(path: str, code: str) -> str:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--output-format",
        "concise",
        "--stdin-filename",
        path,
        "-",
    ]
    return subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True, check=False).stdout

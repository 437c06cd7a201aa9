"""The built layers carry bytecode that Lambda uses as it is, and nothing that it need not carry."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.e2e.build.output import LAYERS, build_output, lambda_python, runtime_packages

# Imports every module below the given folders, and prints the sources that Python had to compile for it.
_COMPILED = """
import importlib, importlib.machinery, json, pkgutil, sys
compiled = []
def source_to_code(self, data, path, *, _optimize=-1, real=importlib.machinery.SourceFileLoader.source_to_code):
    compiled.append(str(path))
    return real(self, data, path, _optimize=_optimize)
importlib.machinery.SourceFileLoader.source_to_code = source_to_code
runtime, *layers = sys.argv[1:]
sys.path[:0] = [*layers, runtime]
import duologue
for module in pkgutil.walk_packages(duologue.__path__, "duologue."):
    if "__main__" not in module.name:
        importlib.import_module(module.name)
print(json.dumps([path for path in compiled if path.startswith(tuple(layers))]))
"""


@pytest.fixture(scope="module")
def unzipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers as Lambda unpacks them: zipped and unzipped, so that every file's time is a new one."""
    target = tmp_path_factory.mktemp("opt")
    for layer in LAYERS:
        archive = shutil.make_archive(str(target / layer), "zip", build_output() / layer)
        shutil.unpack_archive(archive, target / layer)
    return target


def _compiled_again(layers: Path) -> list[str]:
    """The sources below `layers` that a new process of Lambda's Python compiles when it imports all of our package."""
    path = [runtime_packages(), *(layers / layer / "python" for layer in LAYERS)]
    done = subprocess.run(
        [lambda_python(), "-I", "-B", "-c", _COMPILED, *path],
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    compiled: list[str] = json.loads(done.stdout)
    return compiled


def test_nothing_is_compiled_again(unzipped: Path):
    assert _compiled_again(unzipped) == []


def test_bytecode_that_trusts_times_would_be(unzipped: Path, tmp_path: Path):
    """The control: with Python's default the same layers, zipped and unzipped, compile all that is imported."""
    for layer in LAYERS:
        source = tmp_path / "timestamps" / layer
        shutil.copytree(unzipped / layer, source)
        subprocess.run(
            [lambda_python(), "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "timestamp", source],
            check=True,
        )
        archive = shutil.make_archive(str(tmp_path / layer), "zip", source)
        shutil.unpack_archive(archive, tmp_path / "again" / layer)
    assert len(_compiled_again(tmp_path / "again")) > 50


@pytest.mark.parametrize("layer", LAYERS)
def test_every_source_has_lambdas_bytecode(layer: str):
    """PEP 552: the second word of the header is 1 for a hash that is not checked."""
    folder = build_output() / layer
    sources = list(folder.rglob("*.py"))
    assert sources
    for source in sources:
        bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert struct.unpack("<4xI", bytecode.read_bytes()[:8]) == (1,), bytecode


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_carries_only_what_lambda_needs(layer: str):
    spare = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "py.typed", "Makefile", "requirements.txt")
    folder = build_output() / layer
    assert [path for path in folder.rglob("*") if path.name in spare or path.name in ("tests", "bin")] == []
    assert {path.name for path in folder.iterdir()} == {"python"}


def test_native_code_is_for_lambda():
    native = list((build_output() / "DependenciesLayer").rglob("*.so"))
    assert native
    for_lambda = ("cpython-313-x86_64-linux-gnu", ".abi3.")  # its own, or for any Python 3
    assert [path.name for path in native if not any(kind in path.name for kind in for_lambda)] == []


def test_a_stack_trace_says_where_lambda_has_the_file():
    bytecode = next((build_output() / "CoreLayer").rglob("run_flow.cpython-313.pyc")).read_bytes()
    assert b"/opt/python/duologue/usecases/run_flow.py" in bytecode

"""The built layers carry bytecode that Lambda uses as it is, and nothing that it need not carry."""

import struct

import pytest

from tests.e2e.build.output import LAYERS, build_output


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
    assert b"/opt/python/duologue/usecases/calls/run_flow.py" in bytecode

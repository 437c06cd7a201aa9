"""One folder per function, one resource per folder, samples for each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, tracked
from tools.template import functions, read_template

_FUNCTIONS = functions(read_template())
_FOLDERS = sorted({path.parts[1] for path in tracked() if path.parts[0] == "functions" and len(path.parts) > 2})
_SAMPLES = [path for path in tracked() if path.parts[0] == "events" and path.suffix == ".json"]

# Not on the import path of a function for which a person waits while it starts: pydantic and the X-Ray SDK cost 0.2 and
# 0.1–0.3 s of it. Of powertools they have logs and metrics (docs/decisions/0011-powertools.md); callback_api also its
# event data classes, and only requests that place no callback load the state machine.
_SLOW = ("pydantic", "aws_xray_sdk", "aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.parser")
_SLOW_ON_THE_LINE = (*_SLOW, "aws_lambda_powertools.utilities.batch", "aws_lambda_powertools.utilities.data_classes")
# Ports are for types alone, a receipt is written at the end, and few processes answer a call to a display number.
_NOT_ON_THE_LINE = (
    *_SLOW_ON_THE_LINE,
    "duologue.domain.access.accounts",
    "duologue.domain.accounting.acceptance_limits",
    "duologue.domain.accounting.receipt",
    "duologue.usecases.memory.answer_inbound_call",
    *(f"duologue.usecases.ports.{name}" for name in ("calls", "flows", "memories", "network", "outside")),
)
_NOT_LOADED = {
    "call_control": _NOT_ON_THE_LINE,
    "flow": _NOT_ON_THE_LINE,
    "callback_api": (*_SLOW, "duologue.call_control.machine", "duologue.runtime.wiring.other_requests"),
}


def test_every_folder_has_its_resource_and_the_reverse():
    assert sorted(function.folder for function in _FUNCTIONS) == _FOLDERS


def test_the_logical_id_says_the_folder():
    """callback_api is CallbackApiFunction, so that either can be found by the other."""
    named = {function.folder: function.logical_id for function in _FUNCTIONS}
    assert named == {folder: folder.title().replace("_", "") + "Function" for folder in named}


@pytest.mark.parametrize("folder", _FOLDERS)
def test_a_folder_holds_its_handler_only(folder: str):
    held = sorted(path.name for path in tracked() if path.parts[:2] == ("functions", folder))
    assert held == ["__init__.py", "handler.py"]


@pytest.mark.parametrize("folder", _FOLDERS)
def test_a_handler_imports_nothing_from_its_own_folder(folder: str):
    """On Lambda it is `handler`, in tests `functions.x.handler`; neither name may matter."""
    assert "functions" not in (ROOT / "functions" / folder / "handler.py").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_function_has_samples(folder: str):
    assert [path for path in _SAMPLES if path.parts[1] == folder]


@pytest.mark.parametrize("sample", _SAMPLES, ids=str)
def test_a_sample_is_a_json_object_of_a_function(sample: Path):
    assert len(sample.parts) == 3
    assert sample.parts[1] in _FOLDERS
    assert isinstance(json.loads((ROOT / sample).read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize(("folder", "slow"), _NOT_LOADED.items())
def test_a_function_that_a_person_waits_for_starts_without_what_is_slow(folder: str, slow: tuple[str, ...]):
    program = f"import functions.{folder}.handler, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert [name for name in loaded if name.startswith(slow)] == []

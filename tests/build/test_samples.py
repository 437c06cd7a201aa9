"""The built handlers answer their samples, with the built layers, under Lambda's own Python, against the lab."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lab.lab import Lab
from tests.build.output import (
    FUNCTIONS,
    LAYERS,
    SAMPLES,
    account_of,
    build_output,
    check_reply,
    environments,
    event_for,
    lambda_python,
    runtime_packages,
    sample_id,
)


@pytest.fixture(scope="module")
def answers(lab: Lab) -> Any:
    """folder → {sample → its answer}; each function's samples run in one process, as they would in a warm Lambda."""
    variables = environments(lab)

    @cache
    def of(folder: str) -> dict[Path, dict[str, Any]]:
        samples = [sample for sample in SAMPLES if sample.parent.name == folder]
        logical_id = FUNCTIONS[folder].logical_id
        built = build_output()
        # Lambda's own order: the function, the layers, then what the runtime brings.
        path = [built / logical_id, *(built / layer / "python" for layer in LAYERS), runtime_packages()]
        order = {"path": [str(part) for part in path], "events": [event_for(sample, lab) for sample in samples]}
        done = subprocess.run(
            [lambda_python(), "-I", "-B", Path(__file__).with_name("driver.py")],
            input=json.dumps(order),
            env={
                "PATH": os.environ["PATH"],
                "AWS_ENDPOINT_URL": lab.aws_url,
                **account_of(lab),
                **variables[logical_id],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(zip(samples, json.loads(done.stdout), strict=True))

    return of


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_id)
def test_a_built_handler_answers_its_sample(sample: Path, answers: Any, lab: Lab):
    answer = answers(sample.parent.name)[sample]
    assert "error" not in answer, answer["error"]
    check_reply(sample, answer["reply"], lab)


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_every_built_function_was_run(folder: str, answers: Any):
    assert answers(folder)

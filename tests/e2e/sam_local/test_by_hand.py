"""`make invoke` and `make start-api` where a container engine answers."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli.env_file import env_file
from lab.lab import Lab
from tests.by_hand.needs import SAMPLES
from tests.e2e.build.output import api_fields, sampled_app_key
from tests.e2e.sam_local import base_image
from tests.e2e.sam_local.engine import Engine
from tests.e2e.sam_local.sam import SamLocal, await_answer, free_port
from tests.e2e.up.processes import ROOT

_IMAGE = ("--invoke-image", base_image.NAME, "--skip-pull-image")
_LIMIT_S = 240


@pytest.fixture
def state_dir(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """With the `.lab/env` of a lab whose app is that of the samples."""
    said = {name: value for sample in SAMPLES for name, value in _known(sample) if value}
    account = {"APP_SECRET": said["app_secret"], "SP_USERNAME": said["username"], "SP_PASSWORD": said["password"]}
    values = {"API": lab.api_url, "APP_KEY": sampled_app_key(), **account, **lab.environment}
    with env_file(tmp_path, values):
        yield tmp_path


def _known(sample: Path) -> list[tuple[str, str]]:
    return [each for fields in api_fields(sample) for each in fields.items()]


def environment(engine: Engine) -> dict[str, str]:
    return {name: value for name, value in engine.environment().items() if not name.startswith("AWS_")}


@pytest.mark.usefixtures("sam_local")  # it makes the image
def test_a_sample_in_a_container(engine: Engine, state_dir: Path):
    words = ("invoke", "callback_api", "callback_looked_up", "--state-dir", str(state_dir), *_IMAGE)
    done = subprocess.run(
        [sys.executable, "-m", "tests.by_hand", *words],
        cwd=ROOT,
        env=environment(engine),
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Running in a container" in done.stderr
    reply = json.loads(done.stdout.strip().splitlines()[-1])
    assert (reply["statusCode"], "phase" in json.loads(reply["body"])) == (200, True), (
        "of the call, which goes on meanwhile"
    )


def test_the_api_in_containers(engine: Engine, sam_local: SamLocal, state_dir: Path):
    port = free_port()
    words = ("start-api", "--port", str(port), "--state-dir", str(state_dir), *_IMAGE)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.by_hand", *words], cwd=ROOT, env=environment(engine), start_new_session=True
    )
    try:
        await_answer(port, process, sam_local)
        url = f"http://127.0.0.1:{port}/duologue/v1/notification-urls?app_key={sampled_app_key()}&access_token=wrong"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=_LIMIT_S)
        assert json.loads(refused.value.read())["resultcode"] == "1010004"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)

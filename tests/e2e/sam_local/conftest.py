"""The running lab, an engine of our own with the stand-in image, and `sam local` between them."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab import Lab
from tests.by_hand.forwarder import forwarded
from tests.by_hand.needs import SAMPLES
from tests.e2e.build.output import account_of, environments, lambda_python, runtime_packages
from tests.e2e.build.world import make_true
from tests.e2e.sam_local import base_image
from tests.e2e.sam_local.engine import Engine, EngineUnavailable, require_debian_packages, running_engine
from tests.e2e.sam_local.sam import SamLocal, started


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """A folder with a short path: a socket's has at most 107 characters."""
    made = Path(tempfile.mkdtemp(prefix="dlg-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="package")
def engine(folder: Path) -> Iterator[Engine]:
    """A container engine for this run, or a skip that says why there is none."""
    try:
        require_debian_packages()
        with running_engine(folder) as running:
            yield running
    except EngineUnavailable as reason:
        pytest.skip(f"sam local needs a container engine: {reason}")


@pytest.fixture(scope="package")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab with a state folder of its own; none is started where there is no engine."""
    with Lab(state_dir=tmp_path_factory.mktemp("lab")) as running:
        make_true(running, SAMPLES)
        yield running


@pytest.fixture(scope="package")
def sam_local(engine: Engine, lab: Lab, folder: Path) -> Iterator[SamLocal]:
    """SAM CLI with every function of the build output, each with its environment as deployed in the lab."""
    with forwarded(engine.bridge_address, lab.aws_url) as forwarder:
        host = f"{engine.bridge_address}:{forwarder}"
        base_image.build(engine, folder, lambda_python(), runtime_packages(), {"AWS_ENDPOINT_URL": f"http://{host}"})
        variables = folder / "variables.json"
        variables.write_text(json.dumps(environments(lab, host)), encoding="utf-8")
        environment = {
            **engine.environment(),
            **account_of(lab),
            # SAM CLI asks STS who it is, and waits for seconds if nobody answers.
            "AWS_ENDPOINT_URL_STS": lab.aws_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
        }
        with started(environment, image=base_image.NAME, variables=variables, folder=folder, lab_host=host) as running:
            yield running

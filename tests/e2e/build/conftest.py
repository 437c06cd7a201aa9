"""One lab for all runs of built functions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab import Lab
from tests.by_hand.needs import SAMPLES
from tests.e2e.build.world import make_true


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab, with a state folder of its own, in which the samples' SP exists."""
    state: Path = tmp_path_factory.mktemp("lab")
    with Lab(state_dir=state) as running:
        make_true(running, SAMPLES)
        yield running

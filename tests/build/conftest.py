"""One lab for all runs of built functions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab, with a state folder of its own."""
    state: Path = tmp_path_factory.mktemp("lab")
    with Lab(state_dir=state) as running:
        yield running

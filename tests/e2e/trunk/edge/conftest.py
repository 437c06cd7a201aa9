import pytest

from tests.e2e.trunk.edge.running import new_net


@pytest.fixture
def net() -> str:
    return new_net()

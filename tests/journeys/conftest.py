"""The one journey on the real adapters has a DynamoDB of its own, in memory."""

from collections.abc import Iterator

import pytest
from moto import mock_aws


@pytest.fixture
def dynamodb() -> Iterator[None]:
    with mock_aws():
        yield

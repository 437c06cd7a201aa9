"""Every journey has its own DynamoDB, in memory."""

from collections.abc import Iterator

import pytest
from moto import mock_aws


@pytest.fixture(autouse=True)
def dynamodb() -> Iterator[None]:
    with mock_aws():
        yield

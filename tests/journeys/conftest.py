"""The one journey on the real adapters has a DynamoDB of its own, in memory; all are searched for telephone numbers."""

import logging
from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.journeys.line import WRITTEN, Line
from tests.telephone_numbers import telephone_numbers_in


@pytest.fixture
def dynamodb() -> Iterator[None]:
    with mock_aws():
        yield


class _Lines(logging.Handler):
    """Every record of the product as it would be written, before numbers are masked in it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [self.format(record), str(record.__dict__)]


@pytest.fixture(params=["chime", "sip"])
def both_carriers(request, monkeypatch) -> None:
    """Each journey of a module that uses it, over either carrier."""
    monkeypatch.setattr(Line, "carrier", request.param)


@pytest.fixture(autouse=True)
def no_telephone_number_is_written() -> Iterator[None]:
    """Whatever became of the calls: none in an execution, a message, a line of the log or the key of an object."""
    WRITTEN.clear()
    lines, product = _Lines(), logging.getLogger("duologue")
    product.addHandler(lines)
    product.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        product.setLevel(logging.NOTSET)
        product.removeHandler(lines)
    assert telephone_numbers_in(WRITTEN + lines.texts) == []

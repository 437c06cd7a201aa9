"""No request of a stranger is answered with 5xx, with the inside of the platform, or in another format."""

import logging
from collections.abc import Iterator

import pytest

from tests.hostile.__main__ import run, table
from tests.hostile.verdict import Answer, faults

_JSON = {"content-type": "application/json;charset=UTF-8"}
_REFUSED = b'{"resultcode":"1010002","resultdesc":"Parameter error."}'


@pytest.fixture
def no_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("no_log")
def test_hundreds_of_them():
    """`make hostile` sends more. Both what needs credentials was met, and what is behind it."""
    counts, wrong = run(300, seed=1)
    print(table(counts))
    assert wrong == []
    codes = {code for _, code in counts}
    assert codes >= {"0", "1010002", "1010003", "1010004", "1010006"}


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        (Answer(500, _JSON, _REFUSED), "GET"),
        (Answer(403, _JSON, b'{"resultcode":"1010002","resultdesc":"InvalidField: body"}'), "GET"),
        (Answer(403, _JSON, b'{"resultcode":"1010002","resultdesc":"Traceback (most recent call last)"}'), "GET"),
        (Answer(403, _JSON, b'{"resultcode":"1010002","resultdesc":"duologue.domain.errors"}'), "GET"),
        (Answer(403, _JSON, b'{"resultcode":"1010002","resultdesc":"' + b"x" * 129 + b'"}'), "GET"),
        (Answer(404, _JSON, b'{"message":"Not Found"}'), "GET"),
        (Answer(200, _JSON, _REFUSED), "GET"),
        (Answer(200, _JSON, b"<html>"), "GET"),
        (Answer(302, _JSON, b""), "GET"),
        (Answer(403, _JSON, _REFUSED), "HEAD"),
        (Answer(403, _JSON | {"x-injected": "1"}, _REFUSED), "GET"),
    ],
)
def test_a_wrong_answer_is_found(answer: Answer, method: str):
    assert [*faults(Answer(403, _JSON, _REFUSED), "GET")] == []
    assert [*faults(answer, method)]

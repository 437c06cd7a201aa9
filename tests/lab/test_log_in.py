"""When an SP of the lab repeats its log-in."""

import logging

import pytest

from lab.sp.client import Reply
from lab.sp.service_provider import log_in_patiently

DONE = Reply(200, {"resultcode": "0"})
BUSY = Reply(500, {"resultcode": "1010001", "resultdesc": "Service busy, try later."})
GATEWAY = Reply(500, {"resultcode": "1010001", "resultdesc": "Internal error. Try again later."})
FAULT = Reply(500, {"resultcode": "1010001", "resultdesc": "Internal error."})
LOCKED = Reply(403, {"resultcode": "1020176", "resultdesc": "Authentication failed too often, try later."})
BROKEN = Reply(502, {})


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([DONE], 1),
        ([BUSY, GATEWAY, DONE], 3),
        ([BUSY, BUSY, BUSY], 3),
        ([BUSY, FAULT], 2),
        ([FAULT], 1),
        ([LOCKED], 1),
        ([BROKEN], 1),
    ],
)
def test_a_log_in_is_repeated_only_while_the_platform_says_later_and_that_is_logged(answers, asked, caplog):
    left, pauses = list(answers), list[float]()
    with caplog.at_level(logging.WARNING):
        reply = log_in_patiently(lambda: left.pop(0), pauses.append)
    assert (reply, left) == (answers[-1], [])
    assert (len(pauses), len(caplog.messages)) == (asked - 1, asked - 1)
    assert all(pause > 0 for pause in pauses)

"""The account's quotas, on: one call created a second, ten active calls of which a callback in talk is two."""

from dataclasses import replace

import pytest

from lab.cases.catalogue import LAB, named
from lab.cases.checks import check
from lab.cases.player import PAIRS
from pstn.lines.behaviours import answers
from pstn.switches import Quotas
from tests.e2e.waiting import until

TALK = replace(named("talked"), callee=answers(1.0), seconds=300.0)
SHORT = replace(named("talked"), seconds=300.0)


@pytest.fixture
def limited(quiet, lab):
    lab.pstn.exchange.switches = replace(LAB, quotas=Quotas(on=True))
    yield quiet
    lab.pstn.exchange.switches = LAB


def test_five_callbacks_at_once_complete_and_a_sixth_waits_its_turn(limited, lab, talking, leave, record_property):
    """The five talk until the sixth has been refused."""

    def refused() -> int:
        return sum(
            event.kind == "refused" and event.detail["code"] == "ResourceLimitExceeded"
            for event in lab.pstn.network_events.since(0)
        )

    talks = limited.at_once([TALK] * 5)
    until(lambda: talking() == 10)
    before = refused()
    [sixth] = limited.at_once([SHORT])
    until(lambda: refused() > before)
    leave(pair.callee for pair in PAIRS)
    played = [each.result(300) for each in talks]
    assert [check(each) for each in played] == [[]] * 5
    last = sixth.result(300)
    if last.disconnect["stateCode"] == 0:
        assert check(last) == []
    else:
        assert (last.disconnect["stateCode"], last.cdr["ulFailReason"]) == (7109, 522)
        assert last.steps == ["disconnect", "fee"]
        assert last.left_over == []
    record_property("sixth", last.disconnect["stateCode"])

"""The account's quotas, on: one call created a second, ten active calls of which a callback in talk is two."""

from dataclasses import replace

import pytest

from lab.cases.catalogue import LAB, named
from lab.cases.checks import check
from pstn.lines.behaviours import answers
from pstn.switches import Quotas

TALK = replace(named("talked"), callee=answers(1.0, talks=12.0), seconds=90.0)
SHORT = replace(named("talked"), seconds=90.0)


@pytest.fixture
def limited(quiet, lab):
    lab.pstn.exchange.switches = replace(LAB, quotas=Quotas(on=True))
    yield quiet
    lab.pstn.exchange.switches = LAB


def test_five_callbacks_at_once_complete_and_a_sixth_waits_its_turn(limited, lab, record_property):
    talks = limited.at_once([TALK] * 5)
    assert limited.sp.receiver.wait_until(lambda: lab.pstn.exchange.active_calls() == 10, 60)
    [sixth] = limited.at_once([SHORT])
    played = [each.result(120) for each in talks]
    assert [check(each) for each in played] == [[]] * 5
    last = sixth.result(120)
    refusals = (
        event for event in lab.pstn.network_events.since(0) if event.kind == "refused" and event.at >= last.asked_at
    )
    assert "ResourceLimitExceeded" in {event.detail["code"] for event in refusals}, "it did not fit at first"
    if last.disconnect["stateCode"] == 0:
        assert check(last) == []
    else:
        assert (last.disconnect["stateCode"], last.cdr["ulFailReason"]) == (7109, 522)
        assert last.steps == ["disconnect", "fee"]
        assert last.left_over == []
    record_property("sixth", last.disconnect["stateCode"])

"""Every case of the table, as an SP and two people live it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.prompt_keys import key_of
from duologue.call_control.prompts import Prompt
from duologue.domain.errors import UnknownCall
from pstn.lines import AudioFile
from pstn.lines.behaviours import answers, busy, invalid, never_answers, rejects
from pstn.switches import Switches
from tests.journeys.line import CALLEE, CALLER, OWN, Line

pytestmark = pytest.mark.usefixtures("both_carriers")
WHOLE = ["callout", "alerting", "answer", "callout", "answer", "disconnect", "fee"]
UNREACHED_CALLER = ["callout", "alerting", "disconnect", "fee"]
UNREACHED_CALLEE = ["callout", "alerting", "answer", "callout", "disconnect", "fee"]


def codes(line):
    fee = line.fee
    return (
        line.disconnect["stateCode"],
        fee["ulFailReason"],
        fee["sipStatusCode"],
        fee.get("callOutUnaswRsn", 0) or fee.get("fwdUnaswRsn", 0),
    )


def refuses_with(sip_code):
    return replace(rejects(3.0), sip_code=sip_code)


@pytest.mark.parametrize("leaver", ["caller", "callee"])
def test_they_talk(leaver):
    talks = {leaver: 40.0}
    line = Line(answers(2, talks=talks.get("caller")), answers(3, talks=talks.get("callee")))
    call = line.place(user_data="order-17")
    line.run()
    assert line.told_to_sp == WHOLE
    assert codes(line) == (0, 0, 0, 0)
    assert line.exchange.phones[CALLER].saw == OWN[0]
    assert line.exchange.phones[CALLEE].saw == OWN[1]
    assert line.heard_by(CALLER) == [Prompt.WAITING]
    assert line.heard_by(CALLEE) == []
    assert abs(line.cdr(call).talk - timedelta(seconds=40)) < timedelta(seconds=1)
    assert line.disconnect["userData"] == "order-17"
    line.check_all_over(call)


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        (busy(), (8108, 518, 486, 17)),
        (never_answers(), (8107, 514, 480, 19)),
        (rejects(), (8109, 518, 603, 21)),
        (invalid(), (8106, 518, 404, 1)),
    ],
    ids=["busy", "never answers", "rejects", "invalid"],
)
def test_the_caller_is_not_reached(phone, expected):
    line = Line(phone, answers())
    call = line.place()
    line.run()
    assert codes(line) == expected
    assert [told for told in line.told_to_sp if told != "alerting"] == ["callout", "disconnect", "fee"]
    assert line.exchange.phones[CALLEE].calls == []
    line.check_all_over(call)


@pytest.mark.parametrize(
    ("phone", "detail", "expected", "heard"),
    [
        (busy(), False, (8103, 518, 0, 0), Prompt.CALLEE_UNAVAILABLE),
        (rejects(), False, (8103, 518, 0, 0), Prompt.CALLEE_UNAVAILABLE),
        (never_answers(), False, (8101, 514, 0, 19), Prompt.CALLEE_UNAVAILABLE),
        (busy(), True, (8102, 518, 486, 17), Prompt.CALLEE_BUSY),
        (refuses_with(600), True, (8102, 518, 600, 17), Prompt.CALLEE_BUSY),
        (refuses_with(480), True, (8101, 514, 480, 19), Prompt.CALLEE_NO_ANSWER),
        (refuses_with(408), True, (8101, 514, 408, 19), Prompt.CALLEE_NO_ANSWER),
        (never_answers(), True, (8101, 514, 0, 19), Prompt.CALLEE_UNAVAILABLE),
        (rejects(), True, (8103, 518, 603, 21), Prompt.CALLEE_UNAVAILABLE),
        (invalid(), True, (8100, 518, 404, 1), Prompt.CALLEE_UNAVAILABLE),
    ],
)
def test_the_callee_is_not_reached(phone, detail, expected, heard):
    """The caller hears that nobody comes, and why if the network says so; nothing is billed as talk."""
    line = Line(answers(3), phone, switches=Switches(bridge_failure_detail=detail))
    call = line.place()
    line.run()
    assert line.told_to_sp == UNREACHED_CALLEE
    assert codes(line) == expected
    assert line.heard_by(CALLER)[-1] is heard
    assert line.cdr(call).talk == timedelta(0)
    line.check_all_over(call)


MISSING = [{prompt} for prompt in Prompt] + [set(Prompt)]


@pytest.mark.parametrize("missing", MISSING, ids=lambda missing: " and ".join(sorted(missing))[:40])
def test_a_prompt_that_is_not_in_its_bucket_is_silence_and_the_call_goes_on(missing):
    line = Line(answers(2), answers(3))
    line.exchange.audio = lambda bucket, key: None if key in map(key_of, missing) else AudioFile(1.0)
    call = line.place(longest_talk=timedelta(minutes=2), wants_prompt_before_callee=True, wants_record=True)
    line.run()
    assert codes(line) == (8010, 516, 0, 16)
    assert timedelta(seconds=118) < line.cdr(call).talk < timedelta(seconds=123)
    assert line.heard_by(CALLER) == [prompt for prompt in HEARD if prompt not in missing]
    assert (line.fee["recordFlag"] == 1) == (Prompt.RECORDING_NOTICE not in missing)
    line.check_all_over(call)


HEARD = (Prompt.BEFORE_CALLEE, Prompt.WAITING, Prompt.RECORDING_NOTICE, Prompt.LAST_MINUTE)


@pytest.mark.parametrize("phone", [busy(), refuses_with(480), rejects()])
def test_a_parting_prompt_that_is_not_in_its_bucket_hangs_up_all_the_same(phone):
    line = Line(answers(3), phone, switches=Switches(bridge_failure_detail=True))
    line.exchange.audio = lambda bucket, key: None if "callee-" in key else AudioFile(1.0)
    call = line.place()
    line.run()
    assert line.told_to_sp == UNREACHED_CALLEE
    line.check_all_over(call)


def test_the_caller_hangs_up_while_the_callee_rings():
    line = Line(answers(2, patience=4.0), never_answers())
    call = line.place()
    line.run()
    assert line.told_to_sp == UNREACHED_CALLEE
    assert codes(line) == (8009, 530, 0, 0)
    line.check_all_over(call)


@pytest.mark.parametrize("seconds", [0.0, 0.005, 1.0, 2.5, 8.0, 30.0], ids=lambda s: f"after {s} s")
def test_the_sp_stops_it(seconds):
    """Before the dial, while the caller rings, while the callee rings, in talk."""
    line = Line(answers(2), answers(10))
    call = line.place()
    line.stop_after(call, seconds)
    line.run()
    assert codes(line) == (8017, 516, 0, 16)
    line.check_all_over(call)
    with pytest.raises(UnknownCall):
        line.stop(call)


def test_the_longest_call_is_reached():
    line = Line(answers(2), answers(2))
    call = line.place(longest_talk=timedelta(minutes=1))
    line.run()
    assert line.told_to_sp == WHOLE
    assert codes(line) == (8010, 516, 0, 16)
    assert timedelta(seconds=59) < line.cdr(call).talk < timedelta(seconds=62)
    line.check_all_over(call)

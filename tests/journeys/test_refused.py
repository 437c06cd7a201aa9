"""The network refuses to dial: for want of room, which may pass, or for good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.prompts import Prompt
from duologue.domain.calls.outcome import Party
from duologue.operator.call_words import sentence, short
from duologue.wire.huawei.histories import history_of
from pstn.lines.behaviours import answers, rejects
from pstn.switches import CREATE_REFUSALS, Quotas, Switches
from tests.journeys.line import CALLEE, CALLER, OWN, START, Line

pytestmark = pytest.mark.usefixtures("both_carriers")
FULL = Quotas(on=True, active_calls=0)
NO_ROOM = "ResourceLimitExceededException"


def refusals(line):
    """When the network refused to dial, from the start of the journey."""
    return [event.at - START for event in line.network_events if event.kind == "refused"]


def check_end(line, call, state, fail_reason, error):
    """The SP is told the same in the event, the CDR and the look-up."""
    line.check_all_over(call)
    ending = history_of(line.calls.history(call), "ce1.example.com")["ending"]
    assert (line.disconnect["stateCode"], line.fee["ulFailReason"], line.fee["networkError"]) == (
        state,
        fail_reason,
        error,
    )
    assert (ending["stateCode"], ending["ulFailReason"], ending["networkError"]) == (state, fail_reason, error)


REFUSALS = {
    "BadRequest": "BadRequestException",
    "Forbidden": "ForbiddenException",
    "AccessDenied": "AccessDeniedException",
    "Unauthorized": "UnauthorizedClientException",
}


@pytest.mark.parametrize("code", CREATE_REFUSALS)
@pytest.mark.parametrize("about", ["", f"{CALLER}:", f"{OWN[0]}:"], ids=["every call", "the number", "what it shows"])
def test_a_dial_that_is_refused_for_good_ends_the_call_within_seconds(code, about):
    line = Line(answers(2), answers(3), switches=Switches(refused_creates=frozenset({f"{about}{code}"})))
    call = line.place()
    line.run()
    check_end(line, call, 8000, 100, REFUSALS[code])
    assert line.told_to_sp == ["disconnect", "fee"], "a leg's callout is told when its dial was accepted"
    assert "callOutStartTime" not in line.fee
    assert line.told_at["fee"] < timedelta(seconds=5)
    assert len(refusals(line)) == 1, "not tried again"
    assert line.exchange.phones[CALLER].calls == []


def test_a_display_number_that_is_no_longer_the_accounts_is_refused_at_once():
    line = Line(answers(2), answers(3))
    lapse(line, OWN[0])
    call = line.place()
    line.run()
    check_end(line, call, 8000, 100, "BadRequestException")
    assert line.told_at["fee"] < timedelta(seconds=5)


def test_a_dial_without_room_is_tried_for_half_a_minute():
    line = Line(answers(2), answers(3), switches=Switches(quotas=FULL))
    call = line.place()
    line.run()
    check_end(line, call, 7109, 522, NO_ROOM)
    assert line.told_to_sp == ["disconnect", "fee"]
    assert "callOutStartTime" not in line.fee
    tried = refusals(line)
    assert len(tried) == 8
    assert timedelta(seconds=30) < tried[-1] < timedelta(seconds=45), "with the longest pauses that the jitter leaves"


def test_room_that_is_there_after_a_while_is_taken():
    line = Line(answers(2), answers(3, talks=10.0), switches=Switches(quotas=FULL))
    call = line.place()
    line.clock.call_later(12, lambda: make_room(line))
    line.run()
    line.check_all_over(call)
    assert (line.disconnect["stateCode"], len(line.exchange.phones[CALLER].calls)) == (0, 1)
    assert refusals(line)
    assert "networkError" not in line.fee


@pytest.mark.parametrize("seconds", [1.0, 6.0, 20.0])
def test_a_stop_while_there_is_no_room_is_seen_by_the_next_attempt(seconds):
    """Nothing is dialled any more (R8), though there would be room."""
    line = Line(answers(2), answers(3), switches=Switches(quotas=FULL))
    call = line.place()
    line.stop_after(call, seconds)
    line.clock.call_later(seconds, lambda: make_room(line))
    line.run()
    line.check_all_over(call)
    assert line.exchange.phones[CALLER].calls == []
    assert (line.disconnect["stateCode"], line.fee["ulFailReason"]) == (8017, 516)
    assert line.told_at["fee"] < timedelta(seconds=seconds + 10), "the longest pause between two attempts is 8 s"


def lapse(line, number):
    del line.exchange.account.numbers[number]


def make_room(line):
    line.exchange.switches = replace(line.exchange.switches, quotas=Quotas())


@pytest.mark.parametrize(
    ("good", "state", "fail_reason", "error"),
    [(True, 8000, 100, "InvalidActionParameter"), (False, 7109, 522, "SystemException")],
    ids=["for good", "for want of room"],
)
def test_a_callee_whose_dial_is_refused_is_not_in_the_cdr(good, state, fail_reason, error):
    """Its `callout` was told when the network was asked (docs/decisions/0008); its phone never rang."""
    quotas = Quotas() if good else Quotas(on=True, active_calls=1)
    line = Line(answers(2), answers(3), switches=Switches(quotas=quotas))
    call = line.place()
    if good:
        line.clock.call_later(1, lambda: lapse(line, OWN[1]))
    line.run()
    check_end(line, call, state, fail_reason, error)
    assert line.exchange.phones[CALLEE].calls == []
    assert line.heard_by(CALLER)[-1] is Prompt.CALLEE_UNAVAILABLE
    assert line.told_to_sp == ["callout", "alerting", "answer", "callout", "disconnect", "fee"]
    assert line.told_at["fee"] < timedelta(seconds=15)
    assert "callOutStartTime" in line.fee
    assert "fwdStartTime" not in line.fee


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, "CredentialsRefused", "The trunk refused our credentials (SIP 401)"),
        (407, "CredentialsRefused", "The trunk refused our credentials (SIP 407)"),
        (403, "Forbidden", "The trunk refused our credentials, or does not allow this call (SIP 403)"),
    ],
)
@pytest.mark.parametrize("party", Party)
def test_a_trunk_that_refuses_a_leg_is_told_from_a_person_who_does(party, status, error, words):
    """To the SP as that leg's failure with its status and a code, to the operator in words, within two seconds."""
    refuses = replace(rejects(0.1), sip_code=status, rings=False)
    phones = (refuses, answers(3)) if party is Party.CALLER else (answers(2), refuses)
    line = Line(*phones, switches=Switches(bridge_failure_detail=True))
    call = line.place()
    line.run()
    check_end(line, call, 8109 if party is Party.CALLER else 8103, 518, error)
    ending = history_of(line.calls.history(call), "ce1.example.com")["ending"]
    cause = "callOutUnaswRsn" if party is Party.CALLER else "fwdUnaswRsn"
    for told in (ending, line.fee):
        assert (told["sipStatusCode"], told[cause]) == (status, 21)
    over = line.calls.load(call).call
    assert f"{words}, so the {party} was not reached" in sentence(over, line.clock.now())
    assert short(over) == f"the trunk refused the {party}'s leg"
    if party is Party.CALLER:
        assert line.told_at["disconnect"] < timedelta(seconds=2)

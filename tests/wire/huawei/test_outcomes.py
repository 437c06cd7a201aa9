"""How a call ended, in the SP's codes: the table row by row, and that nothing falls outside it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.accounting.cdr import Cdr, cdr_of
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result, outcome_of
from duologue.wire.huawei.outcomes import ENDS, FAILURES, LOST_IN_TALK, STATES, Codes, codes_of
from tests.samples import at, callback

ANSWERED = {"dialled_at": at(0), "answered_at": at(5), "ended_at": at(60), "outcome": Outcome(Result.COMPLETED)}


def ended(reason: EndReason, caller: dict | None = None, callee: dict | None = None) -> Cdr:
    call = callback()
    return cdr_of(
        replace(
            call,
            ending=reason,
            ended_at=at(60),
            caller=replace(call.caller, **(caller or {})),
            callee=replace(call.callee, **(callee or {})),
        )
    )


def failed(outcome: Outcome) -> dict:
    return {"dialled_at": at(6), "ended_at": at(20), "outcome": outcome}


CASES = {
    "talked, then hung up by either": (ended(EndReason.HUNG_UP, ANSWERED, ANSWERED), Codes(0, 0, 0, 0, 0)),
    "caller busy": (
        ended(EndReason.CALLER_FAILED, failed(outcome_of(486))),
        Codes(8108, 518, 486, 17, 0),
    ),
    "caller never answers": (ended(EndReason.CALLER_FAILED, failed(outcome_of(480))), Codes(8107, 514, 480, 19, 0)),
    "caller rejects": (ended(EndReason.CALLER_FAILED, failed(outcome_of(603))), Codes(8109, 518, 603, 21, 0)),
    "caller's number invalid": (ended(EndReason.CALLER_FAILED, failed(outcome_of(404))), Codes(8106, 518, 404, 1, 0)),
    "caller unreachable": (ended(EndReason.CALLER_FAILED, failed(outcome_of(503))), Codes(8109, 518, 503, 41, 0)),
    "caller's dial taken back by the network": (
        ended(EndReason.CALLER_FAILED, failed(outcome_of(487))),
        Codes(8107, 514, 487, 19, 0),
    ),
    "caller busy, and the network gave no code": (
        ended(EndReason.CALLER_FAILED, failed(Outcome(Result.BUSY))),
        Codes(8108, 518, 486, 17, 0),
    ),
    "callee failed before its time-out, no more known": (
        ended(EndReason.CALLEE_FAILED, ANSWERED, failed(Outcome(Result.UNREACHABLE))),
        Codes(8103, 518, 0, 0, 0),
    ),
    "callee failed at its time-out, no more known": (
        ended(EndReason.CALLEE_FAILED, ANSWERED, failed(Outcome(Result.NO_ANSWER))),
        Codes(8101, 514, 0, 0, 19),
    ),
    "callee busy": (ended(EndReason.CALLEE_FAILED, ANSWERED, failed(outcome_of(486))), Codes(8102, 518, 486, 0, 17)),
    "callee rejects": (ended(EndReason.CALLEE_FAILED, ANSWERED, failed(outcome_of(603))), Codes(8103, 518, 603, 0, 21)),
    "callee's number invalid": (
        ended(EndReason.CALLEE_FAILED, ANSWERED, failed(outcome_of(404))),
        Codes(8100, 518, 404, 0, 1),
    ),
    "caller hangs up while the callee rings": (
        ended(EndReason.CALLER_LEFT, ANSWERED, failed(Outcome(Result.CANCELLED))),
        Codes(8009, 530, 0, 0, 0),
    ),
    "stopped before the answer": (
        ended(EndReason.STOPPED, failed(Outcome(Result.CANCELLED))),
        Codes(8017, 516, 0, 16, 0),
    ),
    "stopped while the callee rings": (
        ended(EndReason.STOPPED, ANSWERED, failed(Outcome(Result.CANCELLED))),
        Codes(8017, 516, 0, 16, 16),
    ),
    "stopped in talk": (ended(EndReason.STOPPED, ANSWERED, ANSWERED), Codes(8017, 516, 0, 16, 16)),
    "stopped before anything was dialled": (ended(EndReason.STOPPED), Codes(8017, 516, 0, 0, 0)),
    "longest call reached": (ended(EndReason.LONGEST_CALL, ANSWERED, ANSWERED), Codes(8010, 516, 0, 16, 16)),
    "the network had no room for the dial": (ended(EndReason.NO_ROOM), Codes(7109, 522, 0, 0, 0)),
    "the dial was refused by the network": (ended(EndReason.DIAL_REFUSED), Codes(8000, 100, 0, 0, 0)),
    "never started": (ended(EndReason.NEVER_STARTED), Codes(8000, 100, 0, 0, 0)),
    "no word of the caller": (ended(EndReason.CALLER_SILENT), Codes(8107, 514, 0, 19, 0)),
    "no word of the callee": (
        ended(EndReason.CALLEE_SILENT, ANSWERED, failed(Outcome(Result.NO_ANSWER))),
        Codes(8101, 514, 0, 0, 19),
    ),
    "lost before both had answered": (ended(EndReason.LOST, ANSWERED), Codes(8020, 517, 0, 0, 0)),
    "lost in talk": (ended(EndReason.LOST, ANSWERED, ANSWERED), Codes(0, 517, 0, 0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_cases(case):
    cdr, codes = CASES[case]
    assert codes_of(cdr) == codes


def test_a_lost_talk_is_accounted_for_as_talk():
    cdr, _ = CASES["lost in talk"]
    assert cdr.talk == timedelta(seconds=55)


def test_every_reason_and_every_result_has_a_row_with_its_reason():
    assert set(ENDS) | {EndReason.CALLER_FAILED, EndReason.CALLEE_FAILED} == set(EndReason)
    assert set(FAILURES) == {(party, result) for party in Party for result in Result}
    for row in (*ENDS.values(), *FAILURES.values(), LOST_IN_TALK):
        assert row.why
        assert row.state in STATES
    assert all(1 <= len(text) <= 128 for text in STATES.values())


LEGS = st.fixed_dictionaries(
    {},
    optional={
        "dialled_at": st.just(at(1)),
        "answered_at": st.just(at(5)),
        "outcome": st.builds(Outcome, st.sampled_from(Result), st.sampled_from([0, 404, 480, 486, 487, 503, 504, 699])),
    },
)


@given(st.sampled_from(EndReason), LEGS, LEGS)
def test_there_are_codes_for_any_end_of_any_two_legs(reason, caller, callee):
    codes = codes_of(ended(reason, caller, callee))
    assert codes.text
    assert 0 <= codes.caller_cause <= 127 and 0 <= codes.callee_cause <= 127
    if codes.state == 0:
        assert reason in (EndReason.HUNG_UP, EndReason.LOST)

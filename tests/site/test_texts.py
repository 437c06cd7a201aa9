"""Every code that the product can give has words on the site, which shares no table with it."""

import pytest

from duologue.wire.huawei.notifications import EVENT_TYPES
from duologue.wire.huawei.outcomes import _CAUSES, ENDS, FAILURES, LOST_IN_TALK, STATES
from duologue.wire.huawei.results import ERROR_ROWS
from lab.website import texts

_CASES = [*ENDS.values(), *FAILURES.values(), LOST_IN_TALK]


def test_every_state_code():
    assert set(texts.ENDS) == set(STATES)


def test_every_release_point():
    assert {row.release for row in _CASES} <= set(texts.RELEASES)


def test_every_cause():
    assert {row.cause or 0 for row in _CASES} | set(_CAUSES.values()) | {127} <= set(texts.CAUSES)


def test_every_sip_status_of_a_row():
    assert {row.sip for row in _CASES} <= set(texts.SIP)


def test_every_result_code_that_a_site_meets():
    of_digests = {"1020003", "1023001", "1010013"}  # the site uses tokens
    assert {row.code for row in ERROR_ROWS.values()} - of_digests - {"0"} <= set(texts.REFUSALS)


def test_every_event():
    assert {kind for kind, _ in (*texts.STEPS, *texts.RETURN_STEPS)} == {*EVENT_TYPES.values(), "callin"}


def test_a_return_call_ends_in_words_of_its_own_wherever_the_parties_matter():
    assert set(texts.RETURN_ENDS) <= set(texts.ENDS)
    of_the_caller_only = {8106, 8107, 8108, 8109}
    named = {code for code, end in texts.ENDS.items() if "{callee}" in end.sentence or code in (7109, 8009)}
    assert named - {0} == set(texts.RETURN_ENDS)
    assert not of_the_caller_only & named


@pytest.mark.parametrize("code", [9999, -1])
def test_an_unknown_code_is_shown_as_it_is(code):
    assert str(code) in texts.end_of(code).sentence
    assert all(texts.release(code) and texts.cause(code) and texts.sip(code) for _ in "x")
    assert str(code) in texts.refusal(str(code))


def test_the_platforms_own_reason_is_added_where_only_it_knows():
    assert {row.code for row in ERROR_ROWS.values() if row.says_why} == texts.SAYS_WHY
    for row in ERROR_ROWS.values():
        message = texts.refusal(row.code, f"{row.text}callerNbr is a number of GB; the app may not dial there")
        assert message.endswith("is a number of GB; the app may not dial there") is (row.code in texts.SAYS_WHY)

"""Every return call over HTTP: notifications, phones, CDR, what is left over, and who may know which number."""

import json

import pytest

from lab.cases.return_calls import RETURN_CASES
from lab.cases.return_checks import return_checks
from lab.cases.return_play import PlayedReturn
from tests.e2e.lab import traces
from tests.telephone_numbers import telephone_numbers_in


@pytest.fixture(scope="module")
def returned(case_player, request):
    """The results of the chosen cases, which are played at the same time."""
    chosen = {item.callspec.params["back"].name for item in request.session.items if "back" in _params(item)}
    yield case_player.return_calls(case for case in RETURN_CASES if not chosen or case.name in chosen)
    case_player.wait()


def _params(item) -> dict:
    return getattr(getattr(item, "callspec", None), "params", {})


@pytest.mark.parametrize("back", RETURN_CASES, ids=lambda case: case.name)
def test_a_return_call_comes_true(returned, back):
    played: PlayedReturn = returned[back.name].result(timeout=300)
    assert [f"{check.what}: {check.found}" for check in return_checks(played) if not check.passed] == []


def test_no_telephone_number_of_a_return_call_is_where_nobody_may_know_it(returned, lab, messages):
    """In no execution, message, log line or object key; each kind is there, so the search has something to find."""
    played = [promise.result(timeout=300) for promise in returned.values()]
    calls = {each.call_id for each in played}
    executions, lines, keys = traces.executions(lab), traces.log_lines(lab), traces.object_keys(lab)
    assert {each.call_id for each in played if each.case.rung} <= executions.keys()
    assert all(any(call in message for message in messages) for call in calls)
    assert any(call in line for line in lines for call in calls)
    if any(each.case.record for each in played):
        assert any(call in key for key in keys for call in calls)
    assert telephone_numbers_in([*executions.values(), *messages, *lines, *keys]) == []


def test_no_phone_learns_the_other_number_of_a_return_call(returned):
    """From what is signalled to it: the caller ID, the SIP headers. The log of the lab names both for its reader."""
    seen = []
    for promise in returned.values():
        played = promise.result(timeout=300)
        for own, other, calls in (
            (played.pair.caller, played.pair.callee, played.caller_calls),
            (played.pair.callee, played.pair.caller, played.callee_calls),
        ):
            told = json.dumps([[call.saw, call.sip_headers] for call in calls])
            seen += [told] if other[1:] in told else []
            assert own != other
    assert seen == []

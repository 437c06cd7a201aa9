"""Some seconds of the model; `make model` has minutes. Bounded by states, not by time."""

import logging
from dataclasses import replace

import pytest

from duologue.call_control import machine
from duologue.domain.calls.task_token import TaskToken
from duologue.usecases.calls import process_network_event, run_flow
from duologue.usecases.calls.resume_flow import resume_flow
from functions.flow import handler
from tests.model.__main__ import AT_ONCE, CALLBACK, NOBODY, PRELUDE, REFUSED, REJECTED, RETURN_CALL
from tests.model.explore import explore, walk
from tests.model.how import How
from tests.model.programs import FlowFunction


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("setting", [CALLBACK, PRELUDE, RETURN_CALL, REJECTED], ids=lambda setting: setting.name)
def test_no_rule_is_broken_in_any_order_of_events(setting):
    found = explore(setting)
    assert found.stories == {}
    assert found.is_complete
    assert {"stopped", "callee_failed", "hung_up", "longest_call"} <= set(found.ends), "every end is reached"


@pytest.mark.parametrize("setting", [CALLBACK, RETURN_CALL, NOBODY, AT_ONCE, REFUSED], ids=lambda setting: setting.name)
def test_no_rule_is_broken_on_random_walks_with_faults(setting):
    assert walk(replace(setting, faults=2), seed=1, most=6_000).stories == {}


def test_the_shortcuts_lose_no_end_of_a_call():
    """A step that is made first could be made at any time: without that, more states reach the same ends."""
    setting = replace(CALLBACK, busy=0)
    shorter, longer = explore(setting), explore(setting, shortcuts=False)
    assert set(shorter.ends) == set(longer.ends)
    assert shorter.states < longer.states
    assert longer.stories == {}


# ---- the model finds what is broken on purpose


def _breaks(kind: How) -> list[str]:
    """What is found with one fault of a kind."""
    setting = replace(CALLBACK, faults=1, kinds=frozenset({kind}), stop=False)
    return list(explore(setting, first_only=True, most=100_000).stories)


def test_it_finds_a_dial_mark_that_two_invocations_share(monkeypatch):
    monkeypatch.setattr(FlowFunction, "mark", property(lambda function: function.token))
    assert _breaks(How.TWIN) == ["the caller is dialled again, and the first dial may have left (R5)"]


def test_it_finds_a_token_that_replaces_a_newer_one(monkeypatch):
    monkeypatch.setattr(handler, "rank_of", lambda entered, retry: 0)
    assert [wrong for wrong in _breaks(How.LATE_FUNCTION) if wrong.endswith("waits for what has happened (R1, R2)")]


def test_it_finds_an_event_that_completes_the_wait_for_another(monkeypatch):
    monkeypatch.setattr(TaskToken, "is_completed_by", lambda token, event: True)
    assert _breaks(How.CRASH) == ["the execution ends (end of Talk), and the call is not over"]


def test_it_finds_an_unanswered_caller_who_is_left_ringing(monkeypatch):
    monkeypatch.setattr(machine, "_awaits_answer", lambda call, leg: False)
    stories = explore(replace(REJECTED, stop=False), most=100_000).stories
    assert list(stories) == ["an inbound caller hears ringing, and nobody is rung (R9)"]


def test_it_finds_a_prompt_that_the_flow_of_a_return_call_cuts_off(monkeypatch):
    monkeypatch.setattr(run_flow, "_hears_why", lambda call: False)
    stories = explore(replace(RETURN_CALL, stop=False), most=100_000).stories
    assert list(stories) == ["the prompt that tells the caller why is cut off"]


def test_it_finds_a_token_that_is_not_read_after_the_commit(monkeypatch):
    def only_what_was_seen(call_id, event, *, calls, flows, seen):
        if event is not None and seen is not None and seen.is_completed_by(event):
            flows.resume(seen.value)
        elif event is not None and seen is None:
            resume_flow(call_id, event, calls=calls, flows=flows)

    monkeypatch.setattr(process_network_event, "resume_flow_now", only_what_was_seen)
    assert [wrong for wrong in _breaks(How.LOST_WAKE_UP) if wrong.endswith("waits for what has happened (R1, R2)")]

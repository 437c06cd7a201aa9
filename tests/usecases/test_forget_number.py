"""Erase a number from all call memories."""

import pytest

from duologue.domain.errors import OutsideUnavailable
from duologue.domain.memory.memory_history import Pair, Repointing
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.memory.forget_number import ForgetNumber
from tests.functions.worlds import CALLED, OWN, Api
from tests.samples import at

JACK, SOPHIA = CALLED
JILL = "+12025550144"
DISPLAYS = [PhoneNumber(number) for number in OWN]


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def forget(api):
    erase = ForgetNumber(api.memories, api.seal, api.clock)
    return lambda number: erase(PhoneNumber(number), DISPLAYS, "operator")


def rung(api) -> set[tuple[str, str, str]]:
    """Display number, who dials it, who is rung."""
    opened = map(api.seal.open_listed, api.memories.rows.values())
    return {(each.display.e164, each.dialler.number.e164, each.target.number.e164) for each in opened}


def test_a_number_is_erased_where_it_dials_and_where_it_is_rung(api, forget):
    for display in OWN:
        api.remember(display=display)
        api.remember(display=display, dialler=JACK, target=SOPHIA)
        api.remember(display=display, dialler=JILL, target=SOPHIA, expires_at=at(-1))
    api.remember(dialler=JACK, target=JILL, second=1)
    assert forget(SOPHIA) == 5
    assert rung(api) == {(OWN[1], JACK, JILL)}
    assert forget(SOPHIA) == 0


def test_the_history_keeps_the_deletion_and_no_number(api, forget):
    """Also of a pair whose memory the SP has deleted, as far as the number dials there."""
    app = api.accounts.app(api.key)
    pair = Pair(DISPLAYS[1], PhoneNumber(SOPHIA))
    api.remember()
    api.dependencies.others().repoint_memory(Repointing(pair, PhoneNumber(JILL), 1), app, "the SP")
    api.remember(dialler=JACK, target=SOPHIA)
    api.remember(display=OWN[0])
    api.dependencies.others().forget_memory(Pair(DISPLAYS[0], PhoneNumber(SOPHIA)), 1, app, "the SP")
    assert forget(SOPHIA) == 2
    kept = [change for changes in api.memories.audit.values() for change in changes]
    assert {change.who for change in kept} == {"the SP", "operator"}
    assert {(change.before, change.after) for change in kept} == {(None, None)}
    assert len(kept) == 4


def test_a_call_dialled_before_brings_nothing_back(api, forget):
    api.remember(second=1)
    api.clock.at = at(3)
    forget(SOPHIA)
    with pytest.raises(AssertionError):
        api.remember(second=2)
    assert rung(api) == set()


def test_a_memory_that_a_call_changes_meanwhile_goes_only_if_it_still_holds_the_number(api, forget):
    api.remember(dialler=JACK, target=SOPHIA)

    def call() -> None:
        api.memories.before_write = lambda: None
        api.remember(dialler=JACK, target=JILL, second=5)

    api.memories.before_write = call
    assert forget(SOPHIA) == 0
    assert rung(api) == {(OWN[1], JACK, JILL)}


def test_a_failure_is_not_taken_for_done(api, forget):
    api.remember()
    api.memories.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        forget(SOPHIA)

"""Carrier sip as in production: two nodes and two edges before the stand-in telephone company, and what deaths cost.

`make bench-trunk` kills each kind of process many times.
"""

import pytest

from lab.cases.tone_detection import seconds_of
from lab.cases.trunk_calls import CALLEE, CALLER, SHOWN, checks, play_callback
from lab.cases.trunk_kills import KINDS, LEGS_S, PAIRS, die, drain, telephones
from lab.cases.trunk_site import ACME, site
from lab.phones.voices import voice
from lab.telco.captures import leaks
from lab.telco.phones import ADDRESS as PHONES
from lab.telco.phones import answers
from lab.telco.telco import Telco
from tests.e2e.waiting import until

CALLS, WATCHED_S = 4, 240.0
"""At the most: watching ends when all of it has come true. `make bench-trunk` measures how soon that is."""
GONE_S = 2 * LEGS_S
"""The promise, which the bench judges, and as much again: here the edge's own timers compete with the rest of CI."""


@pytest.fixture(scope="module")
def telco(tmp_path_factory):
    with Telco(tmp_path_factory.mktemp("telco"), [ACME]) as telco:
        yield telco


@pytest.fixture(scope="module")
def running(telco):
    with site(telco) as one:
        yield one


@pytest.fixture(scope="module")
def callback(telco, running):
    """The first one of all."""
    return play_callback(telco, running.sp, record=True)


@pytest.fixture(scope="module")
def answering(running):
    with telephones(running):
        yield


def test_a_recorded_callback_through_node_and_edge(telco, running, callback):
    assert [check for check in checks(telco, callback, running.outside) if not check.passed] == []
    assert leaks(telco.outside.packets()) == [], "no inside address is seen outside"


def test_a_display_number_that_is_dialled_reaches_a_node_and_the_party_of_the_call_memory(telco, running, callback):
    jack, sophia = telco.phone(CALLER, answers()), telco.softphone(CALLEE)
    sophia.dial(f"sip:{SHOWN[1]}@{PHONES}")
    until(lambda: sum(seconds_of(voice(CALLER), call) for call in sophia.heard()) >= 1)
    sophia.hang_up()
    until(lambda: "terminate call" in sophia.output)
    assert sum(seconds_of(voice(CALLEE), call) for call in jack.heard()) >= 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_death_costs(running, answering, kind):
    """Its calls at most, and no other one; no leg of them stays up, no slot is held; the next call works."""
    first = KINDS.index(kind) * (CALLS + 1)
    death = die(running, kind, PAIRS[first : first + CALLS + 1], watch_s=WATCHED_S, legs_s=GONE_S)
    assert death.left == []
    assert (death.silent_s or 0) < GONE_S, death
    assert death.next_s is not None, death
    assert death.cut == (0 if kind == "Kamailio" else death.hit), death


def test_a_node_that_drains_cuts_no_call(running, answering):
    first = len(KINDS) * (CALLS + 1)
    drained = drain(running, PAIRS[first : first + 2 * CALLS])
    assert (drained.calls > 0, drained.cut) == (True, 0), drained

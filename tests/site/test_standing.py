"""The site is logged in when it asks, and not more often than it must."""

import pytest

from lab.sp.client import CALL_STOP, LOG_IN, REFRESH
from lab.sp.standing import Standing
from tests.site.platform import said

LIFE = 172800


@pytest.fixture
def standing(platform, clock) -> Standing:
    return Standing(platform, clock.now)


def stop(client):
    return client.stop("a session")


def test_one_log_in_for_many_requests(standing, platform):
    assert [standing.ask(stop).code for _ in range(5)] == ["0"] * 5
    assert platform.log_ins == 1


def test_refreshed_with_a_quarter_of_the_life_left(standing, platform, clock):
    standing.ask(stop)
    clock.move(LIFE * 3 / 4 - 1)
    standing.ask(stop)
    assert platform.of(REFRESH) == []
    clock.move(2)
    standing.ask(stop)
    standing.ask(stop)
    assert len(platform.of(REFRESH)) == 1
    assert platform.of(CALL_STOP)[-1]["access_token"] == "token-2"
    assert len(platform.of(LOG_IN)) == 1


def test_nothing_left_to_refresh(standing, platform, clock):
    standing.ask(stop)
    platform.answers[REFRESH] = lambda: said("1010004", 403)
    clock.move(LIFE * 3)
    assert standing.ask(stop).code == "0"
    assert len(platform.of(LOG_IN)) == 2


def test_a_token_that_is_not_known_any_more(standing, platform):
    standing.ask(stop)
    answers = iter([said("1010004", 403), said("0")])
    platform.answers[CALL_STOP] = lambda: next(answers)
    assert standing.ask(stop).code == "0"
    assert len(platform.of(LOG_IN)) == 2


def test_a_token_that_is_never_good_is_tried_twice_and_no_more(standing, platform):
    platform.answers[CALL_STOP] = lambda: said("1010004", 403)
    assert standing.ask(stop).code == "1010004"
    assert len(platform.of(CALL_STOP)) == 2
    assert len(platform.of(LOG_IN)) == 2


def test_a_refused_log_in_is_the_answer(standing, platform):
    platform.answers[LOG_IN] = lambda: said("1020176", 403)
    assert standing.ask(stop).code == "1020176"
    assert platform.of(CALL_STOP) == []
    assert len(platform.of(LOG_IN)) == 1

"""The session is logged in when needed, and logs in no more often than necessary."""

import pytest

from lab.sp.client import CALL_STOP, LOG_IN, REFRESH
from lab.sp.session import SpSession
from tests.site.platform import said

LIFE = 172800


@pytest.fixture
def session(platform, clock) -> SpSession:
    return SpSession(platform, clock.now)


def stop(client):
    return client.stop("a session")


def test_one_log_in_for_many_requests(session, platform):
    assert [session.send(stop).code for _ in range(5)] == ["0"] * 5
    assert platform.log_ins == 1


def test_refreshed_with_a_quarter_of_the_life_left(session, platform, clock):
    session.send(stop)
    clock.move(LIFE * 3 / 4 - 1)
    session.send(stop)
    assert platform.of(REFRESH) == []
    clock.move(2)
    session.send(stop)
    session.send(stop)
    assert len(platform.of(REFRESH)) == 1
    assert platform.of(CALL_STOP)[-1]["access_token"] == "token-2"
    assert len(platform.of(LOG_IN)) == 1


def test_nothing_left_to_refresh(session, platform, clock):
    session.send(stop)
    platform.answers[REFRESH] = lambda: said("1010004", 403)
    clock.move(LIFE * 3)
    assert session.send(stop).code == "0"
    assert len(platform.of(LOG_IN)) == 2


def test_a_token_that_is_not_known_any_more(session, platform):
    session.send(stop)
    answers = iter([said("1010004", 403), said("0")])
    platform.answers[CALL_STOP] = lambda: next(answers)
    assert session.send(stop).code == "0"
    assert len(platform.of(LOG_IN)) == 2


def test_a_token_that_is_never_good_is_tried_twice_and_no_more(session, platform):
    platform.answers[CALL_STOP] = lambda: said("1010004", 403)
    assert session.send(stop).code == "1010004"
    assert len(platform.of(CALL_STOP)) == 2
    assert len(platform.of(LOG_IN)) == 2


def test_a_refused_log_in_is_the_answer(session, platform):
    platform.answers[LOG_IN] = lambda: said("1020176", 403)
    assert session.send(stop).code == "1020176"
    assert platform.of(CALL_STOP) == []
    assert len(platform.of(LOG_IN)) == 1

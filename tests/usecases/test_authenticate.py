"""A digest is judged in one order, and only a right one of an active account uses its nonce up."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.credentials import AppDigest
from duologue.domain.errors import (
    AccountInactive,
    AuthenticationLocked,
    NonceUsed,
    OutsideUnavailable,
    RaceLost,
    RequestRefused,
    RequestStale,
    UnknownApp,
    WrongDigest,
)
from duologue.usecases.access.authenticate import Authenticate
from tests.fakes.accounts import FakeAccounts
from tests.fakes.auth_attempts import FakeAuthAttempts
from tests.fakes.clock import FakeClock
from tests.samples import NOW


class Door:
    """One SP with an app that has two live secrets."""

    def __init__(self) -> None:
        self.accounts, self.auth_attempts, self.clock = FakeAccounts(), FakeAuthAttempts(), FakeClock(NOW)
        self.accounts.add_sp(Sp("sp-1", "jack", "no log-in here"))
        self.accounts.add_app(App("app-1", "sp-1", "new", older_secret="old"))
        self.tried: list[str] = []

    def knock(self, secret="new", nonce="n", app_key="app-1", created=None, source="198.51.100.20"):
        def proves(live: str) -> bool:
            self.tried.append(live)
            return live == secret

        authenticate = Authenticate(self.accounts, self.accounts, self.auth_attempts, self.clock)
        return authenticate(AppDigest(app_key, nonce, (created or self.clock.now(),), proves), source)

    def refused(self, **given) -> type[RequestRefused]:
        with pytest.raises(RequestRefused) as refused:
            self.knock(**given)
        return refused.type


@pytest.fixture
def door():
    return Door()


@pytest.mark.parametrize("secret", ["new", "old"])
def test_every_live_secret_is_tried_and_a_right_one_writes_nothing_but_its_nonce(door, secret):
    assert door.knock(secret).key == "app-1"
    assert door.tried == ["new", "old"]
    assert (set(door.auth_attempts.nonces), door.auth_attempts.writes) == ({("app-1", "n")}, 0)


def test_the_order_of_what_is_judged(door):
    """Each request is wrong in all that comes after it as well."""
    old = NOW - timedelta(hours=1)
    assert door.refused(app_key="nobody", secret="wrong", created=old) is UnknownApp
    for number in range(10):
        assert door.refused(secret="wrong", nonce=str(number)) is WrongDigest
    door.accounts.set_sp_active("sp-1", active=False)
    assert door.refused(secret="wrong", created=old) is AuthenticationLocked
    assert door.refused(secret="wrong", created=old, source="another") is RequestStale
    assert door.refused(secret="wrong", source="another") is WrongDigest
    assert door.refused(source="another") is AccountInactive
    assert door.auth_attempts.nonces == {}
    door.accounts.set_sp_active("sp-1", active=True)
    door.knock(source="another")
    assert door.refused(source="another") is NonceUsed


def test_two_hundred_requests_with_one_nonce_let_one_in(door):
    def knock(_: int) -> str:
        try:
            door.knock()
        except NonceUsed:
            return "used"
        return "let in"

    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(knock, range(200))) == {"let in": 1, "used": 199}


def test_two_hundred_wrong_ones_at_once_lock(door):
    def knock(number: int) -> type[RequestRefused]:
        return door.refused(secret="wrong", nonce=str(number))

    with ThreadPoolExecutor(50) as pool:
        told = Counter(pool.map(knock, range(200)))
    assert set(told) <= {WrongDigest, AuthenticationLocked}
    assert told[WrongDigest] >= 10
    assert door.refused() is AuthenticationLocked


def test_a_counter_that_loses_every_race_gives_up_without_a_word(door, monkeypatch):
    """Ten others were counted meanwhile, which is as many as lock."""

    def lose(attempt, failures):
        raise RaceLost(attempt.app_key)

    monkeypatch.setattr(door.auth_attempts, "save_failures", lose)
    assert door.refused(secret="wrong") is WrongDigest


def test_without_its_memory_nobody_is_let_in(door):
    door.auth_attempts.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        door.knock()

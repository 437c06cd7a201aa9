"""Logging in, refreshing, logging out, and the check that every request passes."""

import hashlib
import random
from contextlib import suppress
from dataclasses import replace
from unittest.mock import Mock

import pytest

from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.credentials import AccessToken
from duologue.domain.errors import (
    AccountInactive,
    AuthenticationLocked,
    InvalidToken,
    OutsideUnavailable,
    RequestRefused,
    TokenExpired,
    TooManyLogIns,
    UnknownApp,
    WrongCredentials,
)
from duologue.usecases.access.authenticate import Authenticate
from duologue.usecases.access.log_in import LogIn
from duologue.usecases.access.log_out import LogOut
from duologue.usecases.access.refresh_token import RefreshToken
from tests.fakes.accounts import FakeAccounts
from tests.fakes.auth_attempts import FakeAuthAttempts
from tests.fakes.clock import FakeClock
from tests.fakes.passwords import cheap_hash

PASSWORD = "a long enough password"
HASH = cheap_hash(PASSWORD)


class Door:
    """The platform's front door, with one SP and its two apps."""

    def __init__(self) -> None:
        self.accounts, self.auth_attempts = FakeAccounts(), FakeAuthAttempts()
        self.accounts.add_sp(Sp("sp-1", "jack", HASH))
        self.accounts.add_app(App("app-1", "sp-1", "secret-1"))
        self.accounts.add_app(App("app-2", "sp-1", "secret-2"))
        self.clock = FakeClock()
        known = self.accounts, self.accounts, self.auth_attempts, self.clock
        random_bytes = random.Random(1).randbytes
        self._log_in, self._refresh = LogIn(*known, random_bytes), RefreshToken(*known, random_bytes)
        self._log_out, self._authenticate = LogOut(self.accounts, self.clock), Authenticate(*known)

    def log_in(self, app_key="app-1", username="jack", password=PASSWORD, source=""):
        return self._log_in(app_key, username, password, source)

    def refresh(self, token, app_key="app-1", secret="secret-1", source=""):
        return self._refresh(app_key, secret, token, source)

    def log_out(self, token, app_key="app-1"):
        self._log_out(AccessToken(app_key, token))

    def enter(self, token, app_key="app-1"):
        return self._authenticate(AccessToken(app_key, token))


@pytest.fixture
def door():
    return Door()


def test_a_log_in_opens_the_door_of_its_app_only(door):
    pair = door.log_in()
    assert door.enter(pair.access).key == "app-1"
    with pytest.raises(InvalidToken):
        door.enter(pair.access, app_key="app-2")
    with pytest.raises(UnknownApp):
        door.enter(pair.access, app_key="app-9")


def test_logging_in_twice_gives_two_pairs_and_both_are_good(door):
    first, second = door.log_in(), door.log_in()
    assert first != second
    assert door.enter(first.access) == door.enter(second.access)


def test_a_token_ends_by_the_clock(door):
    pair = door.log_in()
    door.clock.advance(48 * 3600 - 1)
    door.enter(pair.access)
    door.clock.advance(1)
    with pytest.raises(TokenExpired):
        door.enter(pair.access)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"app_key": "app-9"}, UnknownApp),
        ({"username": "jill"}, WrongCredentials),
        ({"password": "wrong"}, WrongCredentials),
        ({"username": ""}, WrongCredentials),
    ],
)
def test_a_wrong_log_in_opens_nothing(door, given, error):
    with pytest.raises(error):
        door.log_in(**given)
    assert not any(register.grants for register in door.accounts.registers.values())


def test_an_app_whose_sp_is_gone(door):
    door.accounts.sps.clear()
    with pytest.raises(WrongCredentials):
        door.log_in()


@pytest.mark.parametrize(
    ("given", "hashes"),
    [({}, 1), ({"password": "wrong"}, 1), ({"username": "nobody"}, 1), ({"app_key": "app-9"}, 0)],
    ids=["right", "wrong password", "wrong user name", "unknown app"],
)
def test_only_a_log_in_to_an_app_costs_a_password_hash(door, monkeypatch, given, hashes):
    """A quarter of a second of CPU each. A wrong user name must cost as much as a wrong password, to look like one."""
    scrypt = Mock(wraps=hashlib.scrypt)
    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    with suppress(RequestRefused):
        door.log_in(**given)
    assert scrypt.call_count == hashes


def test_log_ins_with_unknown_app_keys_are_counted_by_address(door):
    for number in range(10):
        with pytest.raises(UnknownApp):
            door.log_in(app_key=f"guess-{number}", source="198.51.100.66")
    for _ in range(20):
        with pytest.raises(AuthenticationLocked) as locked:
            door.log_in(app_key="another guess", source="198.51.100.66")
        assert locked.value.again_after.total_seconds() == 30 * 60
    assert door.auth_attempts.writes == 10
    with pytest.raises(UnknownApp):
        door.log_in(app_key="guess-0", source="198.51.100.67")
    door.log_in(source="198.51.100.66")  # an SP's server behind the same address


def test_more_than_five_log_ins_a_minute_are_refused(door):
    for _ in range(5):
        door.log_in()
    door.clock.advance(20)
    for password in (PASSWORD, "wrong"):  # whether it is right is not told
        with pytest.raises(TooManyLogIns) as refused:
            door.log_in(password=password)
        assert refused.value.again_after.total_seconds() == 40
    assert door.auth_attempts.writes == 0
    door.log_in(app_key="app-2")
    door.clock.advance(40)
    door.log_in()


@pytest.mark.parametrize("wrong", [{"password": "a guess"}, {"username": "nobody"}])
def test_who_only_knows_an_apps_key_keeps_nobody_from_logging_in(door, wrong):
    """Neither by the app's log-ins a minute, nor by the lock of its own address."""
    for source in ("198.51.100.66", "198.51.100.67"):
        for _ in range(30):
            with pytest.raises((WrongCredentials, AuthenticationLocked)):
                door.log_in(source=source, **wrong)
        with pytest.raises(AuthenticationLocked):
            door.log_in(source=source)
    for _ in range(5):
        door.log_in(source="198.51.100.20")
    with pytest.raises(TooManyLogIns):
        door.log_in(source="198.51.100.20")


def test_log_ins_of_a_suspended_account_count_as_well(door):
    door.accounts.set_sp_active("sp-1", active=False)
    for _ in range(5):
        with pytest.raises(AccountInactive):
            door.log_in()
    with pytest.raises(TooManyLogIns):
        door.log_in()


def test_two_log_ins_at_the_same_moment_never_leave_eleven(door):
    pairs = []
    for _ in range(10):
        pairs.append(door.log_in())
        door.clock.advance(20)

    def another_first():
        door.accounts.before_save = lambda: None
        pairs.append(door.log_in())

    door.accounts.before_save = another_first
    pairs.append(door.log_in())
    good = []
    for pair in pairs:
        try:
            door.enter(pair.access)
        except InvalidToken:
            continue
        good.append(pair)
    assert len(pairs) == 12
    assert good == pairs[2:]


def test_losing_every_race_is_said_as_busy_and_gives_no_token(door):
    other = door.accounts

    def always_first():
        register = other.registers.get("app-1", other.register("app-1"))
        other.registers["app-1"] = replace(register, version=register.version + 1)

    other.before_save = always_first
    with pytest.raises(OutsideUnavailable):
        door.log_in()


def test_a_refresh_replaces_a_pair_after_the_overlap(door):
    old = door.log_in()
    new = door.refresh(old.refresh)
    door.enter(old.access)
    door.clock.advance(60)
    door.enter(new.access)
    with pytest.raises(InvalidToken):
        door.enter(old.access)


def test_a_refresh_twice_within_the_overlap_gives_two_good_pairs_and_none_after_it(door):
    old = door.log_in()
    first, second = door.refresh(old.refresh), door.refresh(old.refresh)
    door.enter(first.access)
    door.enter(second.access)
    door.clock.advance(60)
    with pytest.raises(InvalidToken):
        door.refresh(old.refresh)
    with pytest.raises(InvalidToken):  # the repeat replaced it
        door.refresh(first.refresh)
    door.refresh(second.refresh)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"secret": "secret-2"}, WrongCredentials),
        ({"secret": ""}, WrongCredentials),
        ({"app_key": "app-2", "secret": "secret-2"}, InvalidToken),
        ({"app_key": "app-9"}, UnknownApp),
    ],
)
def test_a_refresh_token_is_its_apps_alone(door, given, error):
    pair = door.log_in()
    with pytest.raises(error):
        door.refresh(pair.refresh, **given)
    door.enter(pair.access)


def test_a_log_out_ends_its_pair_and_no_other_and_twice_is_refused(door):
    ended, other = door.log_in(), door.log_in()
    door.log_out(ended.access)
    for again in (lambda: door.enter(ended.access), lambda: door.log_out(ended.access)):
        with pytest.raises(InvalidToken):
            again()
    with pytest.raises(InvalidToken):
        door.refresh(ended.refresh)
    door.enter(other.access)


@pytest.mark.parametrize("suspended", ["sp", "app"])
def test_a_suspended_account_gets_nothing_but_may_log_out(door, suspended):
    pair = door.log_in()
    if suspended == "sp":
        door.accounts.sps["sp-1"] = replace(door.accounts.sps["sp-1"], active=False)
    else:
        door.accounts.apps["app-1"] = replace(door.accounts.apps["app-1"], active=False)
    for refused in (door.log_in, lambda: door.refresh(pair.refresh), lambda: door.enter(pair.access)):
        with pytest.raises(AccountInactive):
            refused()
    with pytest.raises(WrongCredentials):  # whether it is suspended is told only to who knows the password
        door.log_in(password="wrong")
    door.log_out(pair.access)


def test_a_store_out_of_reach_opens_nothing(door):
    pair = door.log_in()
    door.accounts.out_of_reach = True
    for refused in (door.log_in, lambda: door.refresh(pair.refresh), lambda: door.enter(pair.access)):
        with pytest.raises(OutsideUnavailable):
            refused()


def test_ten_wrong_passwords_lock_log_ins_from_that_address_for_half_an_hour(door):
    pair = door.log_in()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            door.log_in(password="wrong", source="198.51.100.20")
    door.clock.advance(60)
    with pytest.raises(AuthenticationLocked) as locked:
        door.log_in(source="198.51.100.20")
    assert locked.value.again_after.total_seconds() == 29 * 60
    door.log_in(source="198.51.100.99")
    assert door.refresh(pair.refresh, source="198.51.100.20")
    assert door.enter(pair.access).key == "app-1"
    door.clock.advance(29 * 60)
    assert door.log_in(source="198.51.100.20")


def test_ten_wrong_secrets_lock_refreshing_from_that_address_for_half_an_hour(door):
    pair = door.log_in()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            door.refresh(pair.refresh, secret="a guess", source="198.51.100.20")
    for secret in ("secret-1", "a guess"):
        with pytest.raises(AuthenticationLocked):
            door.refresh(pair.refresh, secret=secret, source="198.51.100.20")
    pair = door.refresh(pair.refresh, source="198.51.100.99")
    door.log_in(source="198.51.100.20")
    door.clock.advance(30 * 60)
    assert door.refresh(pair.refresh, source="198.51.100.20")


def test_a_spent_refresh_token_locks_nothing(door):
    for _ in range(11):
        with pytest.raises(InvalidToken):
            door.refresh("no such token")
    assert door.auth_attempts.writes == 0


def test_a_right_password_counts_as_no_failure(door):
    for _ in range(4):
        door.log_in()
    assert door.auth_attempts.writes == 0


def test_a_suspended_sps_right_password_counts_as_no_failure(door):
    door.accounts.set_sp_active("sp-1", active=False)
    with pytest.raises(AccountInactive):
        door.log_in()
    assert door.auth_attempts.writes == 0


def test_a_refresh_takes_either_live_secret(door):
    pair = door.log_in()
    door.accounts.change_app("app-1", lambda app: replace(app, secret="newer", older_secret="secret-1"))
    pair = door.refresh(pair.refresh, secret="secret-1")
    pair = door.refresh(pair.refresh, secret="newer")
    door.accounts.change_app("app-1", lambda app: replace(app, older_secret=None))
    with pytest.raises(WrongCredentials):
        door.refresh(pair.refresh, secret="secret-1")
    assert door.refresh(pair.refresh, secret="newer")

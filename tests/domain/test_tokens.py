"""The register of one app's tokens: what stays good, what goes, and when."""

import random
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duologue.domain.access.tokens import (
    ACCESS_LIFE,
    MOST_LOG_INS,
    MOST_PAIRS,
    OVERLAP,
    REFRESH_LIFE,
    Register,
    TokenPair,
    hash_token,
    new_pair,
)
from duologue.domain.errors import InvalidToken, TokenExpired, TooManyLogIns
from tests.samples import NOW, at


def pair(name: object) -> TokenPair:
    return TokenPair(f"access-{name}", f"refresh-{name}")


def good(register: Register, names: range, when=NOW) -> list[int]:
    """Which of the pairs' access tokens are good."""
    found = []
    for name in names:
        try:
            register.check_access(pair(name).access, when)
        except InvalidToken:
            continue
        found.append(name)
    return found


def granted(count: int) -> Register:
    register = Register()
    for name in range(count):
        register = register.grant(pair(name), NOW)
    return register


def test_a_new_log_in_leaves_the_others_alive_up_to_ten():
    assert good(granted(MOST_PAIRS), range(MOST_PAIRS)) == list(range(10))
    assert good(granted(MOST_PAIRS + 2), range(12)) == list(range(2, 12))


def test_an_access_token_is_good_for_48_hours_to_the_instant():
    register = granted(1)
    register.check_access("access-0", NOW + ACCESS_LIFE - timedelta(microseconds=1))
    with pytest.raises(TokenExpired):
        register.check_access("access-0", NOW + ACCESS_LIFE)


def test_a_refresh_token_still_works_when_its_access_token_has_expired():
    later = NOW + ACCESS_LIFE + timedelta(hours=1)
    register = granted(1).refresh("refresh-0", pair("new"), later)
    register.check_access("access-new", later)
    with pytest.raises(TokenExpired):
        granted(1).refresh("refresh-0", pair("new"), NOW + REFRESH_LIFE)


def test_a_refresh_ends_what_it_replaces_after_the_overlap():
    register = granted(1).refresh("refresh-0", pair(1), NOW)
    register.check_access("access-0", NOW + OVERLAP - timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        register.check_access("access-0", NOW + OVERLAP)
    register.check_access("access-1", NOW + OVERLAP)


def test_a_refresh_twice_within_the_overlap_gives_two_pairs_and_does_not_prolong_the_first():
    register = granted(1).refresh("refresh-0", pair(1), NOW).refresh("refresh-0", pair(2), at(59))
    assert good(register, range(3), at(59)) == [0, 1, 2]
    assert good(register, range(3), at(60)) == [1, 2]
    with pytest.raises(InvalidToken):
        register.refresh("refresh-0", pair(3), at(60))


def test_a_refresh_without_end_of_one_pair_costs_no_other_server_its_token():
    """A client in a loop repeats the refresh whose answer it does not get."""
    register = granted(MOST_PAIRS).refresh("refresh-1", pair("of 1"), NOW)
    for name in range(20, 60):
        register = register.refresh("refresh-0", pair(name), at(1))
    assert good(register, range(MOST_PAIRS), at(1)) == list(range(10))
    register.check_access("access-of 1", at(1))
    register.refresh("refresh-1", pair("again"), at(1))
    assert good(register, range(20, 60), at(1)) == [58, 59]  # the last, and the one before it for its minute
    assert good(register, range(60), at(61)) == [*range(2, 10), 59]


def test_a_repeat_does_not_touch_what_another_refresh_bought():
    register = granted(2).refresh("refresh-0", pair("a"), NOW).refresh("refresh-1", pair("b"), NOW)
    register = register.refresh("refresh-0", pair("a2"), at(1))
    for name in ("access-b", "access-a2"):
        register.check_access(name, at(70))
    with pytest.raises(InvalidToken):
        register.check_access("access-a", at(70))


def test_a_refresh_takes_no_place_from_another_server():
    register = granted(MOST_PAIRS).refresh("refresh-9", pair(10), NOW)
    assert good(register, range(11)) == list(range(11))
    assert good(register, range(11), NOW + OVERLAP) == [*range(9), 10]


def test_refreshing_without_end_keeps_the_register_small():
    register = granted(1)
    for name in range(200):
        register = register.refresh(f"refresh-{name}", pair(name + 1), NOW)
    assert len(register.grants) <= 3 * MOST_PAIRS


@given(
    st.lists(
        st.tuples(st.sampled_from(["in", "refresh", "repeat"]), st.integers(0, 9), st.integers(0, 40)), max_size=30
    ),
    st.integers(0, 9),
)
@example([("in", 0, 0), ("in", 0, 0)], 1)  # two servers
@example([("in", 0, 0), ("refresh", 0, 0)], 1)  # by the new token: the old one would have 60 s left
@example([("in", 0, 0), ("refresh", 0, 0)], 0)
@example([("in", 0, 0), ("refresh", 0, 0), ("repeat", 0, 0)], 2)  # with a copied refresh token
@example([("in", 0, 0), ("refresh", 0, 0), ("refresh", 0, 0), ("repeat", 1, 0)], 0)
def test_a_log_out_ends_at_once_what_comes_from_the_same_log_in_and_nothing_else(steps, which):
    register, now = Register(), NOW
    log_in_of: dict[int, int] = {}
    used: list[int] = []
    for what, place, wait in steps:
        now, name = now + timedelta(seconds=wait), len(log_in_of)
        tokens = good(register, range(name), now) if what == "refresh" else used
        if what == "in":
            register, log_in_of[name] = register.grant(pair(name), now), name
        elif tokens:
            old = tokens[-1 - place % len(tokens)]
            used.append(old)
            try:
                register = register.refresh(f"refresh-{old}", pair(name), now)
            except InvalidToken:
                continue
            log_in_of[name] = log_in_of[old]
    names = range(len(log_in_of))
    before = good(register, names, now)
    if not before:
        return
    token = before[-1 - which % len(before)]
    register = register.log_out(f"access-{token}", now)
    assert good(register, names, now) == [name for name in before if log_in_of[name] != log_in_of[token]]
    for name in names:
        if log_in_of[name] == log_in_of[token]:
            with pytest.raises(InvalidToken):
                register.log_out(f"access-{name}", now)
            with pytest.raises(InvalidToken):
                register.refresh(f"refresh-{name}", pair("new"), now)


def test_ending_all_tokens_leaves_none_and_keeps_how_often_the_app_logged_in():
    register = granted(3).refresh("refresh-0", pair(3), NOW).log_in(NOW)
    for _ in range(2):
        register = register.end_all()
        assert good(register, range(4)) == []
        with pytest.raises(InvalidToken):
            register.refresh("refresh-1", pair(9), NOW)
    assert register.log_ins == (NOW,)


def test_a_refresh_token_opens_nothing_itself():
    with pytest.raises(InvalidToken):
        granted(1).check_access("refresh-0", NOW)
    with pytest.raises(InvalidToken):
        granted(1).refresh("access-0", pair(1), NOW)


def test_the_sixth_log_in_within_a_minute_is_refused_and_not_counted():
    register = Register()
    for second in range(MOST_LOG_INS):
        register = register.log_in(at(second))
    for _ in range(3):
        with pytest.raises(TooManyLogIns) as refused:
            register.log_in(at(59.9))
        assert refused.value.again_after == timedelta(seconds=0.1)
    register = register.log_in(at(60))
    with pytest.raises(TooManyLogIns):
        register.log_in(at(60.5))


def test_nothing_in_clear_is_kept():
    made = new_pair(random.Random(1).randbytes)
    kept = repr(Register().grant(made, NOW))
    assert made.access not in kept and made.refresh not in kept
    assert hash_token(made.access) in kept


@given(st.integers(0, 2**32))
def test_a_token_is_alphanumeric_and_at_most_180_characters(seed):
    made = new_pair(random.Random(seed).randbytes)
    assert made.access != made.refresh
    for token in (made.access, made.refresh):
        assert token.isascii() and token.isalnum() and len(token) <= 180


@given(
    st.lists(st.tuples(st.sampled_from(["in", "refresh", "out"]), st.integers(0, 30), st.integers(0, 90)), max_size=60)
)
def test_never_more_than_ten_current_pairs_whatever_is_asked(steps):
    register, now, made = Register(), NOW, 0
    for what, which, wait in steps:
        now += timedelta(seconds=wait)
        made += 1
        try:
            if what == "in":
                register = register.grant(pair(made), now)
            elif what == "refresh":
                register = register.refresh(f"refresh-{which}", pair(made), now)
            else:
                register = register.log_out(f"access-{which}", now)
        except InvalidToken:
            continue
        assert sum(not grant.replaced for grant in register.grants) <= MOST_PAIRS
        assert sum(grant.replaced for grant in register.grants) <= 2 * MOST_PAIRS
        if what != "out":
            register.check_access(f"access-{made}", now)

"""What the operator adds."""

import random

import pytest

from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.access.passwords import password_matches
from duologue.domain.errors import AccountExists, ForbiddenAddress, InvalidField, NumberRefused, UnknownSp
from duologue.usecases.access.add_app import NewApp, add_app
from duologue.usecases.access.add_sp import add_sp
from tests.fakes.accounts import FakeAccounts
from tests.fakes.line import FakeLine
from tests.fakes.rates import FakeRates
from tests.fakes.sp_endpoints import FakeSpEndpoints

PASSWORD = "a long enough password"


@pytest.fixture
def accounts(cheap_passwords):
    return FakeAccounts()


def add(accounts, sp_id="acme", username="jack", password=PASSWORD):
    return add_sp(sp_id, username, password, accounts=accounts, random_bytes=random.Random(1).randbytes)


def app(accounts, endpoints=None, line=None, **given):
    new = NewApp(**({"sp": "acme", "display_numbers": ("+12025550100",)} | given))
    return add_app(
        new,
        accounts=accounts,
        endpoints=endpoints or FakeSpEndpoints(),
        plan=LibphonenumberPlan(),
        line=line or FakeLine("+12025550100"),
        rates=FakeRates(),
        random_bytes=random.SystemRandom().randbytes,
    )


def test_of_a_password_only_the_hash_is_kept(accounts):
    add(accounts)
    kept = accounts.sp("acme").password_hash
    assert password_matches(PASSWORD, kept)
    assert PASSWORD not in kept


def test_adding_an_sp_twice_is_refused(accounts):
    add(accounts)
    with pytest.raises(AccountExists):
        add(accounts)
    with pytest.raises(AccountExists):
        add(accounts, sp_id="other")
    add(accounts, sp_id="other", username="jill")


@pytest.mark.parametrize(
    "given",
    [
        {"sp_id": ""},
        {"sp_id": "a b"},
        {"sp_id": "größe"},
        {"sp_id": "a" * 33},
        {"username": ""},
        {"username": "ja\nck"},
        {"password": "short"},
        {"password": "a long enough pässword"},
        {"password": "a long enough\npassword"},
    ],
)
def test_an_sp_that_breaks_a_rule_is_not_added(accounts, given):
    with pytest.raises(InvalidField):
        add(accounts, **given)
    assert not accounts.sps


def test_a_new_app_has_a_key_and_secret_of_its_own(accounts):
    add(accounts)
    one, other = app(accounts), app(accounts, concurrent_calls=3, recording=True)
    assert len({one.key, other.key, one.secret, other.secret}) == 4
    assert len(one.key) <= 32 and one.key.isalnum() and len(one.secret) >= 43
    assert accounts.app(other.key) == other
    assert (other.concurrent_calls, other.recording) == (3, True)


@pytest.mark.parametrize(
    "given", [{"display_numbers": ()}, {"display_numbers": ("12025550100",)}, {"concurrent_calls": 0}]
)
def test_an_app_that_breaks_a_rule_is_not_added(accounts, given):
    add(accounts)
    with pytest.raises(InvalidField):
        app(accounts, **given)
    assert not accounts.apps


def test_a_display_number_that_the_line_does_not_own_is_refused(accounts):
    add(accounts)
    line = FakeLine("+12025550100", "+12025550101")
    with pytest.raises(InvalidField) as refused:
        app(accounts, line=line, display_numbers=("+12025550100", "+12025550155"))
    assert str(refused.value) == (
        "display number +12025550155 is not one of the stack's numbers (the test's list: +12025550100, +12025550101)"
    )
    assert not accounts.apps


@pytest.mark.parametrize("number", ["+13705550100", "+8696500", "+19005550100"])
def test_the_numbering_plan_judges_a_display_number_only_if_the_lines_numbers_are_unknown(accounts, number):
    """What the account owns can be shown, whatever the plan knows of it."""
    add(accounts)
    assert app(accounts, line=FakeLine(number), display_numbers=(number,)).display_numbers == (number,)
    with pytest.raises(NumberRefused):
        app(accounts, line=FakeLine(), display_numbers=(number,))
    assert app(accounts, line=FakeLine(), display_numbers=("+12025550155",)).display_numbers == ("+12025550155",)


@pytest.mark.parametrize("which", ["status_url", "fee_url"])
def test_an_apps_urls_are_judged_before_they_are_saved(accounts, which):
    add(accounts)
    endpoints = FakeSpEndpoints()
    endpoints.forbidden.add("http://10.0.0.1/")
    with pytest.raises(ForbiddenAddress):
        app(accounts, endpoints, **{which: "http://10.0.0.1/"})
    assert not accounts.apps


def test_an_app_of_nobody_is_not_added(accounts):
    with pytest.raises(UnknownSp):
        app(accounts)

"""An app's settings change by the operator's and the SP's hand; its secrets rotate with an overlap."""

import random
from dataclasses import replace

import pytest

from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.access.accounts import App, Sp, UnknownCallers
from duologue.domain.calls.call import NotifyTo
from duologue.domain.errors import ForbiddenAddress, InvalidField, UnknownApp
from duologue.usecases.access.change_app import SetNotificationUrls, change_app
from duologue.usecases.access.check_app import MOST_CALLS, MOST_NUMBERS
from duologue.usecases.access.rotate_secret import retire_secret, rotate_secret
from duologue.wire.huawei.field_names import FIELDS
from tests.fakes.accounts import FakeAccounts
from tests.fakes.line import FakeLine
from tests.fakes.rates import FakeRates
from tests.fakes.sp_endpoints import FakeSpEndpoints

URL = "https://sp.example.com/status"


class Office:
    """The operator's, with one app in its book."""

    def __init__(self) -> None:
        self.accounts, self.endpoints = FakeAccounts(), FakeSpEndpoints()
        self.accounts.add_sp(Sp("sp-1", "jack", "no log-in here"))
        self.accounts.add_app(App("app-1", "sp-1", "secret-1", display_numbers=("+12025550100",), status_url=URL))
        self.line, self.rates = FakeLine("+12025550101"), FakeRates()
        self.random = random.Random(1)

    def set(self, app_key="app-1", **fields):
        return change_app(
            app_key,
            lambda app: replace(app, **fields),
            apps=self.accounts,
            endpoints=self.endpoints,
            plan=LibphonenumberPlan(),
            line=self.line,
            rates=self.rates,
        )

    def rotate(self):
        return rotate_secret("app-1", apps=self.accounts, random_bytes=self.random.randbytes)

    @property
    def app(self):
        return self.accounts.app("app-1")


@pytest.fixture
def office():
    return Office()


def test_what_is_named_changes_and_the_rest_stays(office):
    before = office.app
    changed = office.set(concurrent_calls=3, countries=(), test_numbers=("+12025550190",), recording=True)
    assert changed == office.app
    assert changed == replace(before, concurrent_calls=3, countries=(), test_numbers=("+12025550190",), recording=True)
    assert office.set(concurrent_calls=3) == changed


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"display_numbers": ()}, "display number"),
        ({"display_numbers": ("12025550100",)}, "display number"),
        ({"display_numbers": tuple(f"+120255501{last:02}" for last in range(91))}, "display number"),
        ({"display_numbers": tuple(f"+120255501{last:02}" for last in range(1, 91))}, "display numbers"),
        ({"bind_numbers": ("8696500",)}, "bind number"),
        ({"test_numbers": ("+1 202 555 0190",)}, "test number"),
        ({"test_numbers": ("+12025550190",) * (MOST_NUMBERS + 1)}, "test numbers"),
        ({"concurrent_calls": 0}, "concurrent calls"),
        ({"concurrent_calls": MOST_CALLS + 1}, "concurrent calls"),
        ({"concurrent_return_calls": -1}, "concurrent return calls"),
        ({"calls_per_second": 0}, "calls per second"),
        ({"calls_per_callee_per_day": -1}, "calls per callee per day"),
        ({"minutes_per_day": 239}, "minutes per day"),
        ({"spend_per_day": 9}, "spend per day"),  # two legs of 240 minutes at 0.02 USD reserve 9.60 USD
        ({"spend_per_day": 1, "longest_call_minutes": 26}, "spend per day"),
        ({"countries": ("us",)}, "country"),
        ({"countries": ("US", "USA")}, "country"),
        ({"countries": ("UK",)}, "country"),
        ({"countries": ("001",)}, "country"),
        ({"fee_url": "https://forbidden.example.com/"}, "fee URL"),
        ({"call_memory_hours": 0}, "call memory hours"),
        ({"call_memory_hours": 2161}, "call memory hours"),
        ({"call_back_tone": "absent.wav"}, "call-back tone"),
        ({"unknown_callers": UnknownCallers.PROMPT}, "call-back tone"),
        ({"unknown_callers": UnknownCallers.NUMBER}, "callback number"),
        ({"callback_number": "12025550144"}, "callback number"),
        ({"callback_number": "+19005550144"}, "callback number"),
        ({"callback_number": "+442079460123"}, "callback number"),
        ({"callback_number": "+12025550100"}, "callback number"),
        ({"callback_number": "+12025550101"}, "callback number"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_and_nothing_changes(office, fields, field):
    office.endpoints.forbidden.add("https://forbidden.example.com/")
    before = office.app
    with pytest.raises(InvalidField) as refused:
        office.set(**{"recording": True} | fields)
    assert refused.value.field == field
    assert office.app == before


def test_a_spend_that_the_cheapest_call_fits_into_is_set_and_is_judged_again_only_with_a_ceiling(office):
    assert office.set(spend_per_day=10, longest_call_minutes=240).spend_per_day == 10
    assert office.set(spend_per_day=1, longest_call_minutes=25).spend_per_day == 1
    office.rates.set_rates({"+1": 30_000, "+44": 50_000})
    assert office.set(concurrent_calls=3).spend_per_day == 1
    with pytest.raises(InvalidField, match=r"^spend per day must be at least the 1\.50 USD that the longest call"):
        office.set(calls_per_day=9)
    office.rates.set_rates({"+1": 30_000, "+44": 0})
    assert office.set(calls_per_day=9, longest_call_minutes=240).spend_per_day == 1


def test_what_unknown_callers_get_can_be_set_and_cleared(office):
    office.accounts.apps["app-1"] = replace(office.app, prompts={"sorry.wav": 2.0})
    prompt = office.set(unknown_callers=UnknownCallers.PROMPT, call_back_tone="sorry.wav")
    assert (prompt.unknown_callers, prompt.call_back_tone) == (UnknownCallers.PROMPT, "sorry.wav")
    number = office.set(unknown_callers=UnknownCallers.NUMBER, callback_number="+12025550144", call_back_tone=None)
    assert (number.unknown_callers, number.callback_number) == (UnknownCallers.NUMBER, "+12025550144")
    for fields in ({"callback_number": None}, {"countries": ("GB",)}):
        with pytest.raises(InvalidField, match=r"^callback number "):
            office.set(**fields)
    asked = office.line.asked
    assert office.set(call_memory_hours=2160, call_memory=False).callback_number == "+12025550144"
    assert office.line.asked == asked, "what was there before is not looked up again"


def test_a_url_that_was_there_before_does_not_stand_in_the_way(office):
    """Its host may be gone; the limit is changed all the same."""
    office.endpoints.forbidden.add(URL)
    assert office.set(concurrent_calls=2).status_url == URL
    with pytest.raises(ForbiddenAddress):
        office.set(fee_url=URL)


def test_a_country_that_was_there_before_does_not_stand_in_the_way(office):
    office.accounts.apps["app-1"] = replace(office.app, countries=("XX",))
    assert office.set(concurrent_calls=2).countries == ("XX",)
    with pytest.raises(InvalidField, match=r"^country UK is not"):
        office.set(countries=("XX", "UK"))


def test_a_display_number_that_was_there_before_is_not_judged_again(office):
    """The account may have given it back; the limit is changed all the same, and the line is not even asked."""
    assert office.set(concurrent_calls=2).display_numbers == ("+12025550100",)
    assert office.line.asked == 0
    both = ("+12025550100", "+12025550101")
    assert office.set(display_numbers=both).display_numbers == both
    with pytest.raises(InvalidField, match="display number \\+12025550102 is not one of the stack's numbers"):
        office.set(display_numbers=(*both, "+12025550102"))
    assert office.app.display_numbers == both


def test_nobodys_settings(office):
    with pytest.raises(UnknownApp):
        office.set("app-9", recording=True)
    with pytest.raises(UnknownApp):
        SetNotificationUrls(office.accounts, office.endpoints, FIELDS)("app-9", NotifyTo())


def test_the_sp_sets_both_urls_at_once(office):
    for urls in (
        NotifyTo(None, "https://sp.example.com/fee"),
        NotifyTo(None, "https://sp.example.com/fee"),
        NotifyTo(),
    ):
        SetNotificationUrls(office.accounts, office.endpoints, FIELDS)("app-1", urls)
        assert (office.app.status_url, office.app.fee_url) == (urls.status_url, urls.fee_url)


def test_two_secrets_are_live_until_the_older_is_retired(office):
    first = office.app.secret
    second = office.rotate().secret
    assert office.app.secrets == (second, first)
    assert second != first and len(second) == 43
    with pytest.raises(InvalidField, match="revoke it first"):
        office.rotate()
    assert office.app.secrets == (second, first)
    for _ in range(2):
        retire_secret("app-1", apps=office.accounts)
        assert office.app.secrets == (second,)
    third = office.rotate().secret
    assert office.app.secrets == (third, second)


def test_neither_secret_is_shown(office):
    office.rotate()
    assert [secret for secret in office.app.secrets if secret in repr(office.app)] == []

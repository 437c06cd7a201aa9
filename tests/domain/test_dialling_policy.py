"""The dialling policy, judged with the real numbering plan: the rows of fraud_table.csv beside this file.

    number    E.164; none belongs to a person that we know of
    verdict   `dialled`, or the first rule of NumberRule that it breaks
    says      a part of the refusal's text
    source    where the verdict comes from; for what is made up, `the test's own lists`

Where the numbers come from. Those of ranges that a regulator keeps for fiction name it in `source`. The others are
example numbers of the library, or have digits in sequence or in pairs, made up to fall into a range of that kind; none
was ever dialled.
"""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.access.accounts import App
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.errors import CallerRefused, InvalidField, NumberRefused, NumberRule
from duologue.domain.numbers.deny_list import KNOWN_TRAPS, Entry, Verdict, check_pattern, is_broad, is_denied, matches
from duologue.domain.numbers.dialling_policy import (
    NO_COUNTRY,
    ORDINARY,
    DiallingPolicy,
    NumberKind,
    PlannedNumber,
    check_apart,
    check_shown,
    prefixes_in_use,
)
from duologue.domain.numbers.known_traps import TRAPS
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.numbers.check_numbers import DiallingRules, check_numbers
from duologue.wire.huawei.field_names import FIELDS
from duologue.wire.huawei.results import failure
from tests.fakes.deny_lists import FakeDenyLists
from tests.fakes.rates import FakeRates
from tools.template import read_template

LISTED = prefixes_in_use(
    "+1370:US,+1372:GB,+1373:US,+13735:CA,+1900:US,+1809:US,+1911:US,+86965:CN,+44020:GB,+4477009:GB"
)
"""Prefixes that the operator calls in use: some are (NANPA assigns no 37X, so the plan knows none), the others open
nothing."""
PLAN = LibphonenumberPlan(lambda: LISTED)
OPEN = tuple(
    "US CA GB IE FR DE AU SE CH IT ES PT NL PL IN SG JP CN BR MX ZA NG NZ AE MY NO DK FI AT BE KR TR AR KE RU".split()
)
"""The countries of the app in the table: the number of any other one is refused for that alone."""
LISTS = FakeDenyLists(lambda number: number.e164 == "+12025550100")
LISTS.entries |= {
    "+1712432": Entry(Verdict.DENY),
    "+171243201": Entry(Verdict.ALLOW),
    "+1876976": Entry(Verdict.ALLOW),
}
LISTS.numbers.add(PhoneNumber("+12025550177"))
APP = App("app-1", "sp-1", "secret", countries=OPEN, denied_prefixes=("+1218548",))
RULES = DiallingRules(PLAN, ORDINARY, LISTS, FakeRates(), FIELDS)
ANOTHER = PhoneNumber("+12025550111")

DIALLED = None
with (Path(__file__).parent / "fraud_table.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))
TABLE = [
    (row["number"], None if row["verdict"] == "dialled" else NumberRule(row["verdict"]), row["says"]) for row in ROWS
]


def verdict(number: str, policy: DiallingPolicy) -> tuple[NumberRule | None, str]:
    read = PhoneNumber.parse(number)
    try:
        policy.check(read, PLAN.describe(read), field="calleeNbr")
    except NumberRefused as refusal:
        assert refusal.field == "calleeNbr"
        return refusal.rule, refusal.text
    return DIALLED, ""


def requested(number: str, party: str) -> tuple[NumberRule | None, str, str]:
    """The rule that a request with this number of the caller or the callee breaks, the refusal's text, and its code."""
    other = PhoneNumber("+12025550122") if number == ANOTHER.e164 else ANOTHER
    parties = {"caller": other, "callee": other} | {party: PhoneNumber.parse(number)}
    shown = PhoneNumber("+12025550100")
    request = CallbackRequest(parties["caller"], parties["callee"], shown, shown, shown)
    try:
        check_numbers(request, APP, RULES, is_test=False)
    except (NumberRefused, CallerRefused) as refusal:
        broken = refusal if isinstance(refusal, NumberRefused) else refusal.__cause__
        assert isinstance(broken, NumberRefused)
        assert refusal.field == getattr(FIELDS, party)
        return broken.rule, refusal.text, failure(refusal).code
    return DIALLED, "", "0"


@pytest.mark.parametrize(("number", "expected", "why"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(number, expected, why):
    """Whichever side the number stands on: nobody's part in the call makes it cheaper."""
    for party, code in (("caller", "1010024"), ("callee", "1010002")):
        rule, text, said = requested(number, party)
        assert (rule, said) == (expected, "0" if expected is DIALLED else code)
        assert why in text


def test_the_table_is_whole():
    """Each rule for the number of one party has rows, each known trap one that it alone denies, each row its source."""
    assert len({row["number"] for row in ROWS}) == len(ROWS) >= 150
    assert all(row["source"] for row in ROWS)
    of_two = {NumberRule.CALLEE_IS_CALLER, NumberRule.NOT_A_TEST_NUMBER}
    assert {rule for _, rule, _ in TABLE} == {*NumberRule, DIALLED} - of_two
    assert all(trap.why and trap.source and check_pattern(trap.pattern) for trap in TRAPS)
    numbers = [PhoneNumber(number) for number, _, _ in TABLE]
    assert [trap.pattern for trap in TRAPS if not any(matches(trap.pattern, number) for number in numbers)] == []
    denied = [PhoneNumber(number) for number, rule, _ in TABLE if rule is NumberRule.DENIED]
    trapped = [number for number in denied if is_denied(number, KNOWN_TRAPS)]
    assert len(denied) > len(trapped) > 30


@pytest.mark.parametrize(
    ("pattern", "number", "does"),
    [
        ("+1NXX976", "+12029760123", True),
        ("+1NXX976", "+11029760123", False),
        ("+1NXX976", "+1202976", True),
        ("+1NXX976", "+120297", False),
        ("+1712", "+17125550100", True),
        ("+1712", "+171", False),
        ("+1712", "+27125550100", False),
        ("+NX", "+442079460123", True),
    ],
)
def test_what_a_pattern_matches(pattern, number, does):
    assert check_pattern(pattern) == pattern
    assert matches(pattern, PhoneNumber(number)) is does


@pytest.mark.parametrize(
    ("pattern", "broad"),
    [("+1", True), ("+4", True), ("+N", True), ("+1NXX", True), ("+44", False), ("+252", False), ("+1NXX976", False)],
)
def test_a_pattern_of_one_digit_is_taken_for_one_that_was_cut_off(pattern, broad):
    assert is_broad(pattern) is broad


@pytest.mark.parametrize("text", ["", "1712", "+", "+0712", "+1 712", "+171x", "+1712*", "+1234567890123456", "+X12"])
def test_a_pattern_that_is_written_otherwise(text):
    with pytest.raises(InvalidField, match="a plus sign and up to 15 of 0-9, N"):
        check_pattern(text)


def test_the_longest_pattern_decides_and_what_is_allowed_wins_a_tie():
    number, deny, allow = PhoneNumber("+17124320123"), Entry(Verdict.DENY), Entry(Verdict.ALLOW)
    assert is_denied(number, {"+1712432": deny}, {"+1712": allow})
    assert not is_denied(number, {"+1712": deny}, {"+1712432": allow})
    assert not is_denied(number, {"+1NXX432": deny}, {"+1712432": allow})
    assert not is_denied(number, {"+1712432": deny}, {"+1712432": allow}), "the same pattern: the later list"
    assert is_denied(number, {"+1712432": allow}, {"+1712432": deny})
    assert not is_denied(number, {"+1218": deny})


@pytest.mark.parametrize("number", [number for number, rule, _ in TABLE if rule is DIALLED])
def test_no_country_means_none(number):
    assert verdict(number, DiallingPolicy(()))[0] is NumberRule.COUNTRY


@pytest.mark.parametrize(("number", "kind"), [("+19005550100", "premium_rate"), ("+447640123456", "pager")])
def test_a_kind_that_the_operator_opened(number, kind):
    assert verdict(number, DiallingPolicy(OPEN, ORDINARY | {NumberKind(kind)}))[0] is DIALLED
    assert verdict(number, DiallingPolicy(("IE",), ORDINARY | {NumberKind(kind)}))[0] is NumberRule.COUNTRY


def test_no_setting_opens_what_is_no_countrys():
    everything = DiallingPolicy((*OPEN, NO_COUNTRY), frozenset(NumberKind))
    for number, rule, _ in TABLE:
        if rule in (
            NumberRule.NO_COUNTRY,
            NumberRule.EMERGENCY,
            NumberRule.SHORT,
            NumberRule.IMPOSSIBLE,
            NumberRule.MISWRITTEN,
        ):
            assert verdict(number, everything)[0] is rule


def test_a_listed_prefix_has_the_region_that_the_list_says():
    assert verdict("+13702550123", DiallingPolicy(("CA",))) == (
        NumberRule.COUNTRY,
        "is a number of US; the app may not dial there",
    )
    assert verdict("+13735550123", DiallingPolicy(("CA",)))[0] is DIALLED


@pytest.mark.parametrize(
    "text", ["+162:US", "1621:US", "+1621", "+1621:us", "+1621:USA", "+1621:001", "+1621:US;+1837:US", "+0621:US"]
)
def test_a_list_of_prefixes_that_is_written_otherwise(text):
    with pytest.raises(ValueError, match=r"such as \+1621:US"):
        prefixes_in_use(text)
    pattern = read_template()["Parameters"]["PrefixesInUse"]["AllowedPattern"]
    assert [bool(re.fullmatch(pattern, each)) for each in (text, "+1621:US,+1837:US", "")] == [False, True, True]


def test_only_the_numbers_of_a_list():
    policy = DiallingPolicy(OPEN, only=("+12025550111", "+19005550100", "+18095550100"))
    assert verdict("+12025550111", policy)[0] is DIALLED
    assert verdict("+12025550112", policy) == (NumberRule.NOT_A_TEST_NUMBER, "is not on the app's list of test numbers")
    assert verdict("+19005550100", policy)[0] is NumberRule.KIND, "a list opens nothing else"
    assert verdict("+18095550100", policy)[0] is NumberRule.COUNTRY
    assert verdict("+12025550111", DiallingPolicy(OPEN, only=()))[0] is NumberRule.NOT_A_TEST_NUMBER


def test_the_callee_is_somebody_else():
    check_apart(PhoneNumber("+12025550111"), PhoneNumber("+12025550122"), field="calleeNbr")
    with pytest.raises(NumberRefused, match="calleeNbr is the caller's number as well") as refused:
        check_apart(PhoneNumber("+12025550111"), PhoneNumber("+12025550111"), field="calleeNbr")
    assert refused.value.rule is NumberRule.CALLEE_IS_CALLER


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12025550100", None),
        ("+18095550100", None),
        ("+18005550199", None),
        ("+443069990123", None),
        ("+19005550100", NumberRule.KIND),
        ("+447012345678", NumberRule.KIND),
        ("+881612345678", NumberRule.NO_COUNTRY),
        ("+447700900123", None),
        ("+13712550123", NumberRule.NOT_IN_USE),
        ("+1911", NumberRule.EMERGENCY),
        ("+4402079460123", NumberRule.MISWRITTEN),
    ],
)
def test_a_number_that_is_shown(number, expected):
    """Whatever its country; but calling it back must cost no more than a call to a company."""
    read = PhoneNumber.parse(number)
    if expected is None:
        check_shown(read, PLAN.describe(read), field="display number")
    else:
        with pytest.raises(NumberRefused, match=r"^display number ") as refused:
            check_shown(read, PLAN.describe(read), field="display number")
        assert refused.value.rule is expected


@given(st.from_regex(r"\+[1-9][0-9]{2,14}", fullmatch=True))
def test_every_number_gets_a_verdict(number):
    """Whatever the digits: a sentence, or a number in use whose country and kind the policy names."""
    read = PhoneNumber.parse(number)
    planned = PLAN.describe(read)
    rule, text = verdict(number, DiallingPolicy(OPEN))
    if rule is DIALLED:
        assert planned.region in OPEN
        assert planned.kind in ORDINARY
        assert planned.e164 == number
    else:
        assert text
        assert len("Invalid request.calleeNbr " + text) <= 128


@given(
    st.builds(
        PlannedNumber,
        e164=st.just("+12025550111"),
        region=st.sampled_from(["US", "DO", NO_COUNTRY, None]),
        kind=st.sampled_from([None, *NumberKind]),
        assigned=st.booleans(),
        possible=st.booleans(),
        emergency=st.booleans(),
        short=st.booleans(),
    )
)
def test_one_flaw_is_enough(planned):
    """Whatever a numbering plan may come to say: only what is good in every respect is dialled."""
    good = planned.assigned and planned.possible and not (planned.emergency or planned.short)
    good = good and planned.region == "US" and planned.kind in ORDINARY
    try:
        DiallingPolicy(("US",)).check(PhoneNumber("+12025550111"), planned, field="calleeNbr")
    except NumberRefused:
        assert not good
    else:
        assert good

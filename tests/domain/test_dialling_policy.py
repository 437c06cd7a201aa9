"""The dialling policy, judged with the real numbering plan.

Where the numbers come from. Those marked * are of ranges that a regulator keeps for fiction, or says it never gives
out: the US's 555-01xx, Ofcom's drama numbers, ACMA's fictitious ones, the Bundesnetzagentur's "Drama numbers", ARCEP's
audiovisual ones, PTS's for books and films. The others have digits in sequence or in pairs, made up to fall into a
range of that kind; none was ever dialled.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.adapters.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.dialling_policy import (
    NO_COUNTRY,
    ORDINARY,
    DiallingPolicy,
    NumberKind,
    PlannedNumber,
    check_apart,
    check_shown,
    prefixes_in_use,
)
from duologue.domain.errors import NumberRefused, NumberRule
from duologue.domain.phone_number import PhoneNumber
from tools.template import read_template

LISTED = prefixes_in_use(
    "+1370:US,+1372:GB,+1373:US,+13735:CA,+1900:US,+1809:US,+1911:US,+86965:CN,+44020:GB,+4477009:GB"
)
"""Prefixes that the operator calls in use: some are (NANPA assigns no 37X, so the plan knows none), the others open
nothing."""
PLAN = LibphonenumberPlan(lambda: LISTED)
OPEN = tuple(
    "US CA GB IE FR DE AU SE CH IT ES PT NL PL IN SG JP CN BR MX ZA NG NZ AE MY NO DK FI AT BE KR TR AR KE".split()
)
"""The countries of the app in the table: the number of any other one is refused for that alone."""

DIALLED = None
TABLE = [
    # +1: twenty-five countries and territories under one code
    ("+12025550111", DIALLED, ""),  # * US
    ("+14165550123", DIALLED, ""),  # * CA
    ("+18005550199", DIALLED, ""),  # * US, toll-free
    ("+18095550100", NumberRule.COUNTRY, "of DO"),  # * the US by its prefix, the Dominican Republic by its plan
    ("+18765550100", NumberRule.COUNTRY, "of JM"),
    ("+17875550100", NumberRule.COUNTRY, "of PR"),
    ("+16715550100", NumberRule.COUNTRY, "of GU"),
    ("+19005550100", NumberRule.KIND, "premium-rate"),
    ("+15005550100", NumberRule.KIND, "personal"),
    ("+10025550123", NumberRule.NOT_IN_USE, "no range"),
    ("+12025551", NumberRule.NOT_IN_USE, "no range"),
    ("+120255501111", NumberRule.IMPOSSIBLE, "wrong number of digits"),
    ("+112025550111", NumberRule.MISWRITTEN, "trunk prefix"),  # the trunk prefix 1 after the country code 1
    ("+1911", NumberRule.EMERGENCY, "emergency"),
    ("+1411", NumberRule.SHORT, "short"),
    ("+13702550123", DIALLED, ""),  # listed
    ("+13712550123", NumberRule.NOT_IN_USE, "no range"),  # not listed
    ("+13722550123", NumberRule.NOT_IN_USE, "no range"),  # listed, but GB has no +1
    ("+13735550123", DIALLED, ""),  # listed twice: the longer prefix counts
    ("+13736550123", DIALLED, ""),
    ("+13701550123", NumberRule.NOT_IN_USE, "no range"),  # no exchange begins with 1
    ("+13702550", NumberRule.NOT_IN_USE, "no range"),
    ("+137025501234", NumberRule.IMPOSSIBLE, "wrong number of digits"),
    # GB, and what shares its code
    ("+442079460123", DIALLED, ""),  # *
    ("+441134960123", DIALLED, ""),  # *
    ("+448081570123", DIALLED, ""),  # * toll-free
    ("+447700900123", DIALLED, ""),  # * listed; the plan knows that nobody has them
    ("+449098790123", NumberRule.KIND, "premium-rate"),  # *
    ("+448449990123", NumberRule.KIND, "premium-rate"),
    ("+443069990123", NumberRule.KIND, "company"),  # *
    ("+447012345678", NumberRule.KIND, "personal"),
    ("+447640123456", NumberRule.KIND, "pager"),
    ("+441481960123", NumberRule.COUNTRY, "of GG"),
    ("+447781123456", NumberRule.COUNTRY, "of GG"),
    ("+4402079460123", NumberRule.MISWRITTEN, "trunk prefix"),
    ("+44999", NumberRule.EMERGENCY, "emergency"),
    # DE
    ("+493023125012", DIALLED, ""),  # *
    ("+491713920012", DIALLED, ""),  # *
    ("+491801123456", NumberRule.KIND, "shared-cost"),
    ("+491371234567", NumberRule.KIND, "shared-cost"),
    ("+49030123456", NumberRule.MISWRITTEN, "trunk prefix"),
    ("+49112", NumberRule.EMERGENCY, "emergency"),
    # FR
    ("+33199001234", DIALLED, ""),  # *
    ("+33639980012", NumberRule.NOT_IN_USE, "no range"),  # *
    ("+33899123456", NumberRule.KIND, "premium-rate"),
    ("+33811234567", NumberRule.KIND, "shared-cost"),
    ("+33112", NumberRule.EMERGENCY, "emergency"),
    # AU
    ("+61255501234", DIALLED, ""),  # *
    ("+61491570156", DIALLED, ""),  # *
    ("+611800160401", DIALLED, ""),  # * toll-free
    ("+611300975707", NumberRule.KIND, "shared-cost"),  # *
    ("+611900654321", NumberRule.KIND, "premium-rate"),
    ("+61000", NumberRule.EMERGENCY, "emergency"),
    # SE
    ("+46701740605", DIALLED, ""),  # *
    ("+46313900600", DIALLED, ""),  # *
    ("+46939123456", NumberRule.KIND, "premium-rate"),
    # The rest of Europe
    ("+41791234567", DIALLED, ""),
    ("+41840123456", NumberRule.KIND, "shared-cost"),
    ("+39061234567", DIALLED, ""),  # Italy keeps its 0: it belongs to the number
    ("+39899123456", NumberRule.KIND, "premium-rate"),
    ("+34902123456", NumberRule.KIND, "shared-cost"),
    ("+351707123456", NumberRule.KIND, "company"),
    ("+31900123456", NumberRule.KIND, "premium-rate"),
    ("+48801234567", NumberRule.KIND, "shared-cost"),
    ("+3290123456", NumberRule.KIND, "premium-rate"),
    ("+37167123456", NumberRule.COUNTRY, "of LV"),
    ("+79161234567", NumberRule.COUNTRY, "of RU"),
    ("+37312345678", NumberRule.NOT_IN_USE, "no range"),
    # Asia
    ("+91100", NumberRule.EMERGENCY, "emergency"),
    ("+815012345678", DIALLED, ""),  # VoIP
    ("+81570012345", NumberRule.KIND, "company"),
    ("+8613900000001", DIALLED, ""),
    ("+8610086", NumberRule.SHORT, "short"),
    ("+8696500", NumberRule.SHORT, "short"),
    ("+601600123456", NumberRule.KIND, "premium-rate"),
    # Africa, the Americas, Oceania
    ("+27861123456", NumberRule.KIND, "company"),
    ("+23279123456", NumberRule.COUNTRY, "of SL"),
    ("+21651234567", NumberRule.COUNTRY, "of TN"),
    ("+2250123456789", NumberRule.COUNTRY, "of CI"),
    ("+24740123", NumberRule.COUNTRY, "of AC"),
    ("+5215512345678", NumberRule.IMPOSSIBLE, "digits"),  # the 1 of Mexico's mobile numbers until 2019
    ("+5491123456789", DIALLED, ""),
    ("+5352345678", NumberRule.COUNTRY, "of CU"),
    ("+64900123456", NumberRule.KIND, "premium-rate"),
    # No country
    ("+881612345678", NumberRule.NO_COUNTRY, "no country"),  # satellite
    ("+870773111632", NumberRule.NO_COUNTRY, "no country"),  # satellite
    ("+883510012345678", NumberRule.NO_COUNTRY, "no country"),
    ("+80812345678", NumberRule.NO_COUNTRY, "no country"),
    ("+979123456789", NumberRule.NO_COUNTRY, "no country"),
    ("+999123456789", NumberRule.IMPOSSIBLE, "country code that does not exist"),
]


def verdict(number: str, policy: DiallingPolicy) -> tuple[NumberRule | None, str]:
    read = PhoneNumber.parse(number)
    try:
        policy.check(read, PLAN.describe(read), field="calleeNbr")
    except NumberRefused as refusal:
        assert refusal.field == "calleeNbr"
        return refusal.rule, refusal.text
    return DIALLED, ""


@pytest.mark.parametrize(("number", "expected", "why"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(number, expected, why):
    rule, text = verdict(number, DiallingPolicy(OPEN))
    assert rule is expected
    assert why in text


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

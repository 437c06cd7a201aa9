"""The dialling policy, judged with the real numbering plan.

Where the numbers come from. Those marked * are of ranges that a regulator keeps for fiction, or says it never gives
out: the US's 555-01xx, Ofcom's drama numbers, ACMA's fictitious ones, the Bundesnetzagentur's "Drama numbers", ARCEP's
audiovisual ones, PTS's for books and films. The others have digits in sequence or in pairs, made up to fall into a
range of that kind; none was ever dialled.
"""

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
)
from duologue.domain.errors import (
    CalleeIsCaller,
    CountryNotDialled,
    EmergencyNumber,
    ImpossibleNumber,
    KindNotDialled,
    NotATestNumber,
    NumberMiswritten,
    NumberNotInUse,
    NumberOfNoCountry,
    NumberRefused,
    ShortNumber,
)
from duologue.domain.phone_number import PhoneNumber

PLAN = LibphonenumberPlan()
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
    ("+18095550100", CountryNotDialled, "of DO"),  # * the US by its prefix, the Dominican Republic by its plan
    ("+18765550100", CountryNotDialled, "of JM"),
    ("+17875550100", CountryNotDialled, "of PR"),
    ("+16715550100", CountryNotDialled, "of GU"),
    ("+19005550100", KindNotDialled, "premium-rate"),
    ("+15005550100", KindNotDialled, "personal"),
    ("+10025550123", NumberNotInUse, "no range"),
    ("+12025551", NumberNotInUse, "no range"),
    ("+120255501111", ImpossibleNumber, "digits"),
    ("+112025550111", NumberMiswritten, "trunk prefix"),  # the trunk prefix 1 after the country code 1
    ("+1911", EmergencyNumber, "emergency"),
    ("+1411", ShortNumber, "short"),
    # GB, and what shares its code
    ("+442079460123", DIALLED, ""),  # *
    ("+441134960123", DIALLED, ""),  # *
    ("+448081570123", DIALLED, ""),  # * toll-free
    ("+447700900123", NumberNotInUse, "no range"),  # * the plan knows that nobody has them
    ("+449098790123", KindNotDialled, "premium-rate"),  # *
    ("+448449990123", KindNotDialled, "premium-rate"),
    ("+443069990123", KindNotDialled, "company"),  # *
    ("+447012345678", KindNotDialled, "personal"),
    ("+447640123456", KindNotDialled, "pager"),
    ("+441481960123", CountryNotDialled, "of GG"),
    ("+447781123456", CountryNotDialled, "of GG"),
    ("+4402079460123", NumberMiswritten, "trunk prefix"),
    ("+44999", EmergencyNumber, "emergency"),
    # DE
    ("+493023125012", DIALLED, ""),  # *
    ("+491713920012", DIALLED, ""),  # *
    ("+491801123456", KindNotDialled, "shared-cost"),
    ("+491371234567", KindNotDialled, "shared-cost"),
    ("+49030123456", NumberMiswritten, "trunk prefix"),
    ("+49112", EmergencyNumber, "emergency"),
    # FR
    ("+33199001234", DIALLED, ""),  # *
    ("+33612345678", DIALLED, ""),
    ("+33639980012", NumberNotInUse, "no range"),  # *
    ("+33899123456", KindNotDialled, "premium-rate"),
    ("+33811234567", KindNotDialled, "shared-cost"),
    ("+33112", EmergencyNumber, "emergency"),
    # AU
    ("+61255501234", DIALLED, ""),  # *
    ("+61491570156", DIALLED, ""),  # *
    ("+611800160401", DIALLED, ""),  # * toll-free
    ("+611300975707", KindNotDialled, "shared-cost"),  # *
    ("+611900654321", KindNotDialled, "premium-rate"),
    ("+61000", EmergencyNumber, "emergency"),
    # SE
    ("+46701740605", DIALLED, ""),  # *
    ("+46313900600", DIALLED, ""),  # *
    ("+46939123456", KindNotDialled, "premium-rate"),
    # The rest of Europe
    ("+353851234567", DIALLED, ""),
    ("+41791234567", DIALLED, ""),
    ("+41840123456", KindNotDialled, "shared-cost"),
    ("+39061234567", DIALLED, ""),  # Italy keeps its 0: it belongs to the number
    ("+39899123456", KindNotDialled, "premium-rate"),
    ("+34612345678", DIALLED, ""),
    ("+34902123456", KindNotDialled, "shared-cost"),
    ("+351961234567", DIALLED, ""),
    ("+351707123456", KindNotDialled, "company"),
    ("+31612345678", DIALLED, ""),
    ("+31900123456", KindNotDialled, "premium-rate"),
    ("+48512345678", DIALLED, ""),
    ("+48801234567", KindNotDialled, "shared-cost"),
    ("+4740612345", DIALLED, ""),
    ("+4532123456", DIALLED, ""),
    ("+358412345678", DIALLED, ""),
    ("+436641234567", DIALLED, ""),
    ("+3290123456", KindNotDialled, "premium-rate"),
    ("+905012345678", DIALLED, ""),
    ("+37167123456", CountryNotDialled, "of LV"),
    ("+79161234567", CountryNotDialled, "of RU"),
    ("+37312345678", NumberNotInUse, "no range"),
    # Asia
    ("+919876543210", DIALLED, ""),
    ("+91100", EmergencyNumber, "emergency"),
    ("+6581234567", DIALLED, ""),
    ("+819012345678", DIALLED, ""),
    ("+815012345678", DIALLED, ""),  # VoIP
    ("+81570012345", KindNotDialled, "company"),
    ("+8613900000001", DIALLED, ""),
    ("+8610086", ShortNumber, "short"),
    ("+8696500", ShortNumber, "short"),
    ("+971501234567", DIALLED, ""),
    ("+60123456789", DIALLED, ""),
    ("+601600123456", KindNotDialled, "premium-rate"),
    ("+821012345678", DIALLED, ""),
    # Africa, the Americas, Oceania
    ("+27821234567", DIALLED, ""),
    ("+27861123456", KindNotDialled, "company"),
    ("+2348021234567", DIALLED, ""),
    ("+254712123456", DIALLED, ""),
    ("+23279123456", CountryNotDialled, "of SL"),
    ("+21651234567", CountryNotDialled, "of TN"),
    ("+2250123456789", CountryNotDialled, "of CI"),
    ("+24740123", CountryNotDialled, "of AC"),
    ("+5511912345678", DIALLED, ""),
    ("+525512345678", DIALLED, ""),
    ("+5215512345678", ImpossibleNumber, "digits"),  # the 1 of Mexico's mobile numbers until 2019
    ("+5491123456789", DIALLED, ""),
    ("+5352345678", CountryNotDialled, "of CU"),
    ("+64211234567", DIALLED, ""),
    ("+64900123456", KindNotDialled, "premium-rate"),
    # No country
    ("+881612345678", NumberOfNoCountry, "no country"),  # satellite
    ("+870773111632", NumberOfNoCountry, "no country"),  # satellite
    ("+883510012345678", NumberOfNoCountry, "no country"),
    ("+80812345678", NumberOfNoCountry, "no country"),
    ("+979123456789", NumberOfNoCountry, "no country"),
    ("+999123456789", ImpossibleNumber, "digits"),
]


def verdict(number: str, policy: DiallingPolicy) -> tuple[type[NumberRefused] | None, str]:
    read = PhoneNumber.parse(number)
    try:
        policy.check(read, PLAN.describe(read), field="calleeNbr")
    except NumberRefused as refusal:
        assert refusal.field == "calleeNbr"
        return type(refusal), refusal.rule
    return DIALLED, ""


@pytest.mark.parametrize(("number", "expected", "why"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(number, expected, why):
    kind, rule = verdict(number, DiallingPolicy(OPEN))
    assert kind is expected
    assert why in rule


def test_the_table_is_wide():
    regions = {PLAN.describe(PhoneNumber(number)).region for number, *_ in TABLE} - {None, NO_COUNTRY}
    assert len(TABLE) >= 60
    assert len(regions) >= 25
    assert {kind for _, kind, _ in TABLE} == {DIALLED, *NumberRefused.__subclasses__()} - {
        CalleeIsCaller,
        NotATestNumber,
    }


@pytest.mark.parametrize("number", [number for number, kind, _ in TABLE if kind is DIALLED])
def test_no_country_means_none(number):
    assert verdict(number, DiallingPolicy(()))[0] is CountryNotDialled


@pytest.mark.parametrize(("number", "kind"), [("+19005550100", "premium_rate"), ("+447640123456", "pager")])
def test_a_kind_that_the_operator_opened(number, kind):
    assert verdict(number, DiallingPolicy(OPEN, ORDINARY | {NumberKind(kind)}))[0] is DIALLED
    assert verdict(number, DiallingPolicy(("IE",), ORDINARY | {NumberKind(kind)}))[0] is CountryNotDialled


def test_no_setting_opens_what_is_no_countrys():
    everything = DiallingPolicy((*OPEN, NO_COUNTRY), frozenset(NumberKind))
    for number, kind, _ in TABLE:
        if kind in (NumberOfNoCountry, EmergencyNumber, ShortNumber, ImpossibleNumber, NumberMiswritten):
            assert verdict(number, everything)[0] is kind


def test_only_the_numbers_of_a_list():
    policy = DiallingPolicy(OPEN, only=("+12025550111", "+19005550100", "+18095550100"))
    assert verdict("+12025550111", policy)[0] is DIALLED
    assert verdict("+12025550112", policy) == (NotATestNumber, "is not on the app's list of test numbers")
    assert verdict("+19005550100", policy)[0] is KindNotDialled, "a list opens nothing else"
    assert verdict("+18095550100", policy)[0] is CountryNotDialled
    assert verdict("+12025550111", DiallingPolicy(OPEN, only=()))[0] is NotATestNumber


def test_the_callee_is_somebody_else():
    check_apart(PhoneNumber("+12025550111"), PhoneNumber("+12025550122"), field="calleeNbr")
    with pytest.raises(CalleeIsCaller, match="calleeNbr is the caller's number as well"):
        check_apart(PhoneNumber("+12025550111"), PhoneNumber("+12025550111"), field="calleeNbr")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12025550100", None),
        ("+18095550100", None),
        ("+18005550199", None),
        ("+443069990123", None),
        ("+19005550100", KindNotDialled),
        ("+447012345678", KindNotDialled),
        ("+881612345678", NumberOfNoCountry),
        ("+447700900123", NumberNotInUse),
        ("+1911", EmergencyNumber),
        ("+4402079460123", NumberMiswritten),
    ],
)
def test_a_number_that_is_shown(number, expected):
    """Whatever its country; but calling it back must cost no more than a call to a company."""
    read = PhoneNumber.parse(number)
    if expected is None:
        check_shown(read, PLAN.describe(read), field="display number")
    else:
        with pytest.raises(expected, match=r"^display number "):
            check_shown(read, PLAN.describe(read), field="display number")


@given(st.from_regex(r"\+[1-9][0-9]{2,14}", fullmatch=True))
def test_every_number_gets_a_verdict(number):
    """Whatever the digits: a sentence, or a number in use whose country and kind the policy names."""
    read = PhoneNumber.parse(number)
    planned = PLAN.describe(read)
    kind, rule = verdict(number, DiallingPolicy(OPEN))
    if kind is DIALLED:
        assert planned.region in OPEN
        assert planned.kind in ORDINARY
        assert planned.e164 == number
    else:
        assert rule
        assert len("Invalid request.calleeNbr " + rule) <= 128


@given(
    st.builds(
        PlannedNumber,
        e164=st.just("+12025550111"),
        region=st.sampled_from(["US", "DO", NO_COUNTRY, None]),
        kind=st.sampled_from([None, *NumberKind]),
        possible=st.booleans(),
        emergency=st.booleans(),
        short=st.booleans(),
    )
)
def test_one_flaw_is_enough(planned):
    """Whatever a numbering plan may come to say: only what is good in every respect is dialled."""
    good = planned.possible and not (planned.emergency or planned.short)
    good = good and planned.region == "US" and planned.kind in ORDINARY
    try:
        DiallingPolicy(("US",)).check(PhoneNumber("+12025550111"), planned, field="calleeNbr")
    except NumberRefused:
        assert not good
    else:
        assert good

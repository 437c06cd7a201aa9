"""Which numbers may be dialled or shown. Invariant: numbers are judged by the numbering plan, never by their prefix.

The rules are checked in this order, and the first that fails is reported:

    emergency or short · impossible · miswritten · no country · not in use · number type not allowed ·
    country not allowed · in the sandbox, not a test number

Country code 1 shows why prefixes do not work: +1 202 is the US, +1 809 the Dominican Republic, +1 900 premium-rate. The
called party must not set the price of a call: so no premium-rate, shared-cost, personal, pager, voicemail or
company-wide numbers, and no networks without a country, such as satellites.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from duologue.domain.errors import NumberRefused, NumberRule
from duologue.domain.numbers.phone_number import PhoneNumber

NO_COUNTRY = "001"
"""UN M.49's code for the world: the region of numbers that belong to no country."""

_PREFIX = re.compile(r"(\+[1-9][0-9]{3,11}):([A-Z]{2})")


class NumberKind(StrEnum):
    """The type of a number in its numbering plan."""

    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    """The plan does not distinguish the two, as in the US."""
    TOLL_FREE = "toll_free"
    VOIP = "voip"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    """A company-wide number (UAN): the plan does not give its price."""
    VOICEMAIL = "voicemail"


ORDINARY = frozenset(
    {
        NumberKind.FIXED_LINE,
        NumberKind.MOBILE,
        NumberKind.FIXED_LINE_OR_MOBILE,
        NumberKind.TOLL_FREE,
        NumberKind.VOIP,
    }
)
"""Types that are always dialled; others only if the operator allows them."""

SHOWABLE = ORDINARY | {NumberKind.COMPANY}
"""Types allowed as display numbers: calling one back costs at most as much as calling a company."""


@dataclass(frozen=True, slots=True)
class PlannedNumber:
    """A number as its numbering plan describes it.

    `e164`: its correct form. `region`: ISO 3166-1 alpha-2, NO_COUNTRY, or None if it has no single region.
    `kind`: None if the number is not in use. `assigned`: its country code exists.
    `possible`: its length is valid there.
    `emergency`, `short`: the digits after the country code are such a number in some country with that code.
    """

    e164: str
    region: str | None
    kind: NumberKind | None
    assigned: bool = True
    possible: bool = True
    emergency: bool = False
    short: bool = False


def prefixes_in_use(text: str) -> dict[str, str]:
    """The operator's list of prefixes that are newer than the numbering plan: prefix → region.

    `text`: such as `+1621:US,+1837:US`; empty: none. At least four digits, so that +1 is opened by area code only.

    Raises:
        ValueError: written otherwise.
    """
    found = {text: _PREFIX.fullmatch(text) for text in filter(None, text.split(","))}
    if wrong := [text for text, match in found.items() if match is None]:
        raise ValueError(f"{wrong[0]} is not a prefix of at least four digits and a region, such as +1621:US")
    return dict(match.groups() for match in found.values() if match)  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class DiallingPolicy:
    """`countries`: ISO 3166-1 alpha-2 codes that may be dialled. `kinds`: number types that may be dialled.

    `only`: E.164 numbers that may be dialled, and no others; None: no such restriction.
    """

    countries: Collection[str]
    kinds: Collection[NumberKind] = ORDINARY
    only: Collection[str] | None = None

    def check(self, number: PhoneNumber, planned: PlannedNumber, *, field: str) -> None:
        """Check a number to be dialled.

        Raises:
            NumberRefused: for the first broken rule; names `field`.
        """
        _check_in_use(number, planned, field)
        if planned.kind not in self.kinds:
            raise NumberRefused(
                field, f"is a {_words(planned.kind)} number; the platform does not dial those", NumberRule.KIND
            )
        if planned.region not in self.countries:
            raise NumberRefused(
                field, f"is a number of {planned.region}; the app may not dial there", NumberRule.COUNTRY
            )
        if self.only is not None and number.e164 not in self.only:
            raise NumberRefused(field, "is not on the app's list of test numbers", NumberRule.NOT_A_TEST_NUMBER)


def check_shown(number: PhoneNumber, planned: PlannedNumber, *, field: str) -> None:
    """Check a display number, which may be of any country, if it is not known whether the line owns it.

    Raises:
        NumberRefused: names `field`.
    """
    _check_in_use(number, planned, field)
    if planned.kind not in SHOWABLE:
        raise NumberRefused(
            field, f"is a {_words(planned.kind)} number; those cannot be a display number", NumberRule.KIND
        )


def check_apart(caller: PhoneNumber, callee: PhoneNumber, *, field: str) -> None:
    """Raises NumberRefused with CALLEE_IS_CALLER; names `field`."""
    if caller == callee:
        raise NumberRefused(field, "is the caller's number as well", NumberRule.CALLEE_IS_CALLER)


def _check_in_use(number: PhoneNumber, planned: PlannedNumber, field: str) -> None:
    if planned.emergency:
        raise NumberRefused(field, "is an emergency number", NumberRule.EMERGENCY)
    if planned.short:
        raise NumberRefused(field, "is a short number; those work only inside one country", NumberRule.SHORT)
    if not planned.assigned:
        raise NumberRefused(field, "has a country code that does not exist", NumberRule.IMPOSSIBLE)
    if not planned.possible:
        raise NumberRefused(field, "has the wrong number of digits for its country", NumberRule.IMPOSSIBLE)
    if planned.e164 != number.e164:
        raise NumberRefused(
            field, "has a trunk prefix or the like after its country code; leave that out", NumberRule.MISWRITTEN
        )
    if planned.region == NO_COUNTRY:
        raise NumberRefused(field, "belongs to no country, as those of satellites do", NumberRule.NO_COUNTRY)
    if planned.kind is None:
        raise NumberRefused(field, "is in no range of numbers known to be in use", NumberRule.NOT_IN_USE)


def _words(kind: NumberKind | None) -> str:
    return "" if kind is None else kind.replace("_", "-")

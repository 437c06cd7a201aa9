"""Which numbers are dialled. Law: judged by what the numbering plan says of a number, never by how it begins.

In this order, and the first that fails is told:

    emergency or short · impossible · miswritten · of no country · not in use · of a kind not dialled ·
    of a country not allowed · in the sandbox, not on the list of test numbers

Country code 1 shows why a prefix says nothing: +1 202 is the US, +1 809 the Dominican Republic, +1 900 costs by the
minute. Whoever is dialled never decides what the call costs: so no premium, shared-cost, personal, pager, voicemail or
company-wide number, and none of the networks that belong to no country, satellites among them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from duologue.domain.errors import NumberRefused, NumberRule
from duologue.domain.phone_number import PhoneNumber

NO_COUNTRY = "001"
"""UN M.49's code of the world: the numbering plan's region of numbers that belong to no country."""


class NumberKind(StrEnum):
    """What a number is for, as numbering plans sort them."""

    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    """The plan does not tell the two apart, as in the US."""
    TOLL_FREE = "toll_free"
    VOIP = "voip"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    """A number for all of an enterprise (UAN): what a call to it costs, its plan does not say."""
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
"""Dialled always. Every other kind only where the operator says so."""

SHOWABLE = ORDINARY | {NumberKind.COMPANY}
"""What may be shown as the number that calls: whoever calls it back pays no more than for a call to a company."""


@dataclass(frozen=True, slots=True)
class PlannedNumber:
    """A number as the numbering plan reads it.

    `e164`: as it should be written. `region`: ISO 3166-1 alpha-2, NO_COUNTRY, or None if no single one has it.
    `kind`: None if no such number is in use. `possible`: it has as many digits as numbers there have.
    `emergency`, `short`: its digits after the country code are such a number somewhere under that code.
    """

    e164: str
    region: str | None
    kind: NumberKind | None
    possible: bool = True
    emergency: bool = False
    short: bool = False


@dataclass(frozen=True, slots=True)
class DiallingPolicy:
    """`countries`: ISO 3166-1 alpha-2 codes. `kinds`: what may be dialled there.

    `only`: the numbers of a list and no other (E.164); None: there is no such list.
    """

    countries: Collection[str]
    kinds: Collection[NumberKind] = ORDINARY
    only: Collection[str] | None = None

    def check(self, number: PhoneNumber, planned: PlannedNumber, *, field: str) -> None:
        """Judge a number that shall be dialled.

        Raises:
            NumberRefused: for the first rule that is broken. Names `field`.
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
    """Judge a number that shall be shown as the one that calls; of which country it is does not matter.

    Raises:
        NumberRefused: names `field`.
    """
    _check_in_use(number, planned, field)
    if planned.kind not in SHOWABLE:
        raise NumberRefused(field, f"is a {_words(planned.kind)} number; those are not shown", NumberRule.KIND)


def check_apart(caller: PhoneNumber, callee: PhoneNumber, *, field: str) -> None:
    """Raises NumberRefused, by the rule CALLEE_IS_CALLER: one telephone cannot be both legs. Names `field`."""
    if caller == callee:
        raise NumberRefused(field, "is the caller's number as well", NumberRule.CALLEE_IS_CALLER)


def _check_in_use(number: PhoneNumber, planned: PlannedNumber, field: str) -> None:
    if planned.emergency:
        raise NumberRefused(field, "is an emergency number", NumberRule.EMERGENCY)
    if planned.short:
        raise NumberRefused(field, "is a short number; those work only inside one country", NumberRule.SHORT)
    if not planned.possible:
        raise NumberRefused(field, "has not as many digits as the numbers of its country", NumberRule.IMPOSSIBLE)
    if planned.e164 != number.e164:
        raise NumberRefused(
            field, "has a trunk prefix or the like after its country code; leave that out", NumberRule.MISWRITTEN
        )
    if planned.region == NO_COUNTRY:
        raise NumberRefused(field, "belongs to no country, as those of satellites do", NumberRule.NO_COUNTRY)
    if planned.kind is None:
        raise NumberRefused(field, "is in no range of numbers that is in use", NumberRule.NOT_IN_USE)


def _words(kind: NumberKind | None) -> str:
    return "" if kind is None else kind.replace("_", "-")

"""The numbering plans of all countries, from libphonenumber (package `phonenumbers`).

It is imported on first use: processes that only stop calls do not need it.
"""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Set
from functools import cache

from duologue.domain.numbers.dialling_policy import NumberKind, PlannedNumber
from duologue.domain.numbers.phone_number import PhoneNumber

_log = logging.getLogger(__name__)
_NANP = re.compile(r"\+1(?:[2-9][0-9]{2}){2}[0-9]{4}")
"""Country code 1: neither an area code nor an exchange begins with 0 or 1 (NANPA: each is NXX with N 2 to 9)."""


class LibphonenumberPlan:
    """Implements `usecases.ports.outside.NumberPlan`."""

    def __init__(self, in_use: Callable[[], Mapping[str, str]] = dict) -> None:
        """`in_use`: returns prefix → region of ranges that the library does not know yet. What it knows counts first.

        Such numbers are taken for ordinary ones of the region. `in_use` is called only for a number that is unknown.
        """
        self._in_use = in_use

    def describe(self, number: PhoneNumber) -> PlannedNumber:
        import phonenumbers  # costs tens of milliseconds

        try:
            read = phonenumbers.parse(number.e164)
        except phonenumbers.NumberParseException as error:  # no such country code, or too few digits after it
            assigned = error.error_type != phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
            return PlannedNumber(number.e164, region=None, kind=None, assigned=assigned, possible=False)
        assert read.country_code is not None, "a number with a plus sign has one"
        national = phonenumbers.national_significant_number(read)
        regions = phonenumbers.region_codes_for_country_code(read.country_code)
        region, kind = phonenumbers.region_code_for_number(read), _kinds().get(phonenumbers.number_type(read))
        if kind is None and (listed := self._listed_region(number.e164, regions)):
            region, kind = listed, NumberKind.FIXED_LINE_OR_MOBILE
        return PlannedNumber(
            e164=phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164),
            region=region,
            kind=kind,
            possible=phonenumbers.is_possible_number(read),
            emergency=any(phonenumbers.is_emergency_number(national, region) for region in regions),
            short=phonenumbers.is_valid_short_number(read),
        )

    def regions(self) -> Set[str]:
        from phonenumbers import SUPPORTED_REGIONS

        return SUPPORTED_REGIONS

    def _listed_region(self, e164: str, regions: Collection[str]) -> str | None:
        """The region of the longest listed prefix of a number whose country code belongs to `regions`."""
        if e164.startswith("+1") and not _NANP.fullmatch(e164):
            return None
        listed = self._in_use()
        prefix = max(filter(e164.startswith, listed), key=len, default=None)
        if prefix is None:
            return None
        if listed[prefix] not in regions:
            _log.warning("prefix is not of its region; ignored", extra={"prefix": prefix, "region": listed[prefix]})
            return None
        return listed[prefix]


@cache
def _kinds() -> dict[int, NumberKind]:
    """Without UNKNOWN, which the library returns for numbers that are not in use."""
    from phonenumbers import PhoneNumberType

    return {
        PhoneNumberType.FIXED_LINE: NumberKind.FIXED_LINE,
        PhoneNumberType.MOBILE: NumberKind.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
        PhoneNumberType.VOIP: NumberKind.VOIP,
        PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
        PhoneNumberType.PAGER: NumberKind.PAGER,
        PhoneNumberType.UAN: NumberKind.COMPANY,
        PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
    }

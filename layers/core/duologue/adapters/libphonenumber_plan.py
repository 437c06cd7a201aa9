"""The numbering plans of all countries, from libphonenumber (package `phonenumbers`).

It is imported on first use: processes that only stop calls do not need it.
"""

from functools import cache

from duologue.domain.dialling_policy import NumberKind, PlannedNumber
from duologue.domain.phone_number import PhoneNumber


class LibphonenumberPlan:
    """Implements `usecases.ports.outside.NumberPlan`."""

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
        return PlannedNumber(
            e164=phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164),
            region=phonenumbers.region_code_for_number(read),
            kind=_kinds().get(phonenumbers.number_type(read)),
            possible=phonenumbers.is_possible_number(read),
            emergency=any(phonenumbers.is_emergency_number(national, region) for region in regions),
            short=phonenumbers.is_valid_short_number(read),
        )


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

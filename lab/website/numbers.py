"""Telephone numbers: parsed as people type them, formatted as people read them."""

import re

_SEPARATORS = re.compile(r"[\s()\-./\N{EN DASH}\N{NON-BREAKING HYPHEN}]")
_LONGEST_TYPED = 40
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
"""The maximum: ITU-T E.164 §6.2.1. The minimum is ours: shorter ones are service numbers of a country."""

EXAMPLE = "+1 202 555 0111"


class InvalidNumber(ValueError):
    """The message says what is wrong and what to enter instead; it is shown beside the field."""


def parse_number(typed: str) -> str:
    """E.164 with the plus sign. Separators are ignored; "00" means the plus sign, "(0)" is dropped.

    Raises:
        InvalidNumber
    """
    if not typed.strip():
        raise InvalidNumber(f"Enter the number to call, for example {EXAMPLE}.")
    if len(typed) > _LONGEST_TYPED:
        raise InvalidNumber("This is too long for a telephone number.")
    number = _SEPARATORS.sub("", typed.replace("(0)", ""))
    if number.startswith("00"):
        number = "+" + number[2:]
    if not re.fullmatch(r"\+?[0-9]*", number):
        raise InvalidNumber(f"Only digits, spaces and a + at the beginning, for example {EXAMPLE}.")
    if not number.startswith("+"):
        raise InvalidNumber(f"Begin with + and the country code, for example {EXAMPLE}.")
    if number.startswith("+0"):
        raise InvalidNumber(f"A country code does not begin with 0. For example {EXAMPLE}.")
    if len(number) - 1 < _FEWEST_DIGITS:
        raise InvalidNumber(f"Some digits are missing. A complete number looks like {EXAMPLE}.")
    if len(number) - 1 > _MOST_DIGITS:
        raise InvalidNumber(f"No number has more than {_MOST_DIGITS} digits.")
    return number


def formatted(e164: str) -> str:
    """North American numbers as people there write them: "+1 202 555 0111"; others stay as they are."""
    if e164.startswith("+1") and len(e164) == 12:
        return "\N{NO-BREAK SPACE}".join(("+1", e164[2:5], e164[5:8], e164[8:]))
    return e164

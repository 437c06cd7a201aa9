"""Telephone numbers as people type them, and as people read them."""

import re

_SEPARATORS = re.compile(r"[\s()\-./\N{EN DASH}\N{NON-BREAKING HYPHEN}]")
_LONGEST_TYPED = 40
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
"""The most: ITU-T E.164 §6.2.1. The fewest is ours: shorter ones are a country's service numbers."""

EXAMPLE = "+1 202 555 0111"


class WrongNumber(ValueError):
    """The text says what is wrong and what to type instead; it is shown beside the field."""


def read_number(typed: str) -> str:
    """E.164 with the plus sign, whatever separators were typed; "00" stands for the plus, "(0)" for nothing.

    Raises:
        WrongNumber
    """
    if not typed.strip():
        raise WrongNumber(f"Enter the number that we should call, for example {EXAMPLE}.")
    if len(typed) > _LONGEST_TYPED:
        raise WrongNumber("This is too long for a telephone number.")
    number = _SEPARATORS.sub("", typed.replace("(0)", ""))
    if number.startswith("00"):
        number = "+" + number[2:]
    if not re.fullmatch(r"\+?[0-9]*", number):
        raise WrongNumber(f"Only digits, spaces and a + at the beginning, for example {EXAMPLE}.")
    if not number.startswith("+"):
        raise WrongNumber(f"Begin with + and the country code, for example {EXAMPLE}.")
    if number.startswith("+0"):
        raise WrongNumber(f"A country code does not begin with 0. For example {EXAMPLE}.")
    if len(number) - 1 < _FEWEST_DIGITS:
        raise WrongNumber(f"Some digits are missing. A whole number looks like {EXAMPLE}.")
    if len(number) - 1 > _MOST_DIGITS:
        raise WrongNumber(f"No number has more than {_MOST_DIGITS} digits.")
    return number


def spoken(e164: str) -> str:
    """As people in its country write it: "+1 202 555 0111"; another country's stays as it is."""
    if e164.startswith("+1") and len(e164) == 12:
        return "\N{NO-BREAK SPACE}".join(("+1", e164[2:5], e164[5:8], e164[8:]))
    return e164

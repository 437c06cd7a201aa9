"""What a minute of a leg is estimated to cost, by the longest prefix of the number.

The default is no price list. It is the maintainers' estimate of 2026-11, rounded up: a few cents in North America and
Western Europe, and so much for the Caribbean codes that look American and for everything else that a cap is reached
early rather than late. Import your carrier's list (`duologue rates import`).
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from duologue.domain.accounting.charges import MICRO
from duologue.domain.errors import InvalidField
from duologue.domain.numbers.phone_number import PhoneNumber

MOST_RATES = 5000
_PREFIX = re.compile(r"\+[1-9]?[0-9]{0,14}")
_MOST_USD = 100

Rates = Mapping[str, int]
"""Prefix → micro-USD a minute. The prefix `+` is every number."""

_CENTS: Mapping[int, str] = {
    2: "+1",
    5: "+30 +31 +32 +33 +34 +351 +353 +39 +41 +43 +44 +45 +46 +47 +48 +49 +61 +64 +81",
    10: "+447 +336 +337 +4915 +4916 +4917 +393 +346 +3519 +55 +52 +86 +91",
    40: "+1242 +1246 +1264 +1268 +1284 +1340 +1345 +1441 +1473 +1649 +1658 +1664 +1670 +1671 +1684 +1721 +1758 +1767"
    " +1784 +1787 +1809 +1829 +1849 +1868 +1869 +1876 +1939",
    100: "+",
}
ESTIMATES: Rates = {prefix: cents * MICRO // 100 for cents, prefixes in _CENTS.items() for prefix in prefixes.split()}


def rate_of(number: PhoneNumber, rates: Rates) -> int:
    """Micro-USD a minute. A list without `+` estimates what it does not have by its most expensive rate."""
    e164 = number.e164
    prefix = next((e164[:end] for end in range(len(e164), 0, -1) if e164[:end] in rates), None)
    return max(rates.values()) if prefix is None else rates[prefix]


def read_rate(prefix: str, usd: str) -> tuple[str, int]:
    """The rate that a line of a file has: a prefix, and USD a minute. Raises InvalidField."""
    try:
        price = Decimal(usd)
    except InvalidOperation:
        price = Decimal(-1)
    if not _PREFIX.fullmatch(prefix) or not price.is_finite() or not 0 <= price <= _MOST_USD:
        raise InvalidField("rate", f"must be a prefix such as +44 and USD a minute, 0 to {_MOST_USD}, such as 0.05")
    return prefix, int(price * MICRO)


def check_rates(rates: Rates) -> Rates:
    """Raises InvalidField: there is none, or too many."""
    if not 1 <= len(rates) <= MOST_RATES:
        raise InvalidField("rates", f"must be 1 to {MOST_RATES}")
    return rates

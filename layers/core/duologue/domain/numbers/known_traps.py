"""Ranges that charge or reach something else than a person, although the numbering plan calls them ordinary.

They are denied unless the operator allows them (`duologue deny allow`). Which ranges are misused this month is sold as
data and changes weekly: nothing of that kind is here; `duologue deny import` takes it. Each entry names
the document that assigns its range. Of these only the sources on Russia's were read for this list; the others are named
from general knowledge and are to be checked before anybody relies on them. Patterns: domain/numbers/deny_list.py.
"""

from typing import NamedTuple


class Trap(NamedTuple):
    pattern: str
    why: str
    source: str


_CO_CODES = "ATIS-0300051, Central Office Code (NXX) Assignment Guidelines, codes that are not assigned to customers"
_NANPA = "NANPA, special area codes (nanpa.com)"
_CANADA = "CNA, Canadian Non-Geographic Code Assignment Guideline (cnac.ca)"
_E164 = "ITU-T, list of E.164 assigned country codes (annex to Operational Bulletin 1114)"
_RUSSIA = "Wikipedia, Telephone numbers in Abkhazia, and +7; Interfax 2009-09-28"

TRAPS = (
    # North America, in every area code
    Trap("+1NXX976", "pay-per-call exchange", _CO_CODES),
    Trap("+1NXX5551212", "directory assistance, charged per call", _CO_CODES),
    Trap("+1NXX950", "carrier access codes (Feature Group B)", _CO_CODES),
    Trap("+1NXX958", "plant test codes", _CO_CODES),
    Trap("+1NXX959", "plant test codes", _CO_CODES),
    *(Trap(f"+1NXX{n}11", "no exchange: N11 is a service code", _CO_CODES) for n in range(2, 10)),
    # North America, area codes that are none
    Trap("+1700", "services of the caller's own carrier", _NANPA),
    Trap("+1710", "services of the US government", _NANPA),
    Trap("+1900", "premium-rate", _NANPA),
    Trap("+1456", "inbound international services", _NANPA),
    *(
        Trap(f"+1{code}", "Canadian non-geographic services, such as satellite and caller-paid", _CANADA)
        for code in (600, 622, 633, 644, 655, 677, 688)
    ),
    # Russia's country code, other territories
    Trap("+7840", "Abkhazia, fixed", _RUSSIA),
    Trap("+7940", "Abkhazia, mobile", _RUSSIA),
    Trap("+7850", "South Ossetia, fixed", _RUSSIA),
    Trap("+7998", "South Ossetia, mobile", _RUSSIA),
    # Satellites within a country's plan
    Trap("+61147", "satellite", "ACMA, Telecommunications Numbering Plan 2015, schedule on satellite services"),
    # No country: networks and services of the ITU
    Trap("+808", "international shared cost", _E164),
    Trap("+870", "Inmarsat", _E164),
    Trap("+878", "universal personal telecommunications", _E164),
    Trap("+881", "global mobile satellite systems", _E164),
    Trap("+882", "international networks, used for revenue share", _E164),
    Trap("+883", "international networks, used for revenue share", _E164),
    Trap("+979", "international premium rate", _E164),
)

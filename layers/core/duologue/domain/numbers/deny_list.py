"""Numbers that are not dialled although the numbering plan calls them ordinary: deny lists and the do-not-call list.

A pattern is the beginning of a number in E.164, in which N stands for 2 to 9 and X for any digit: `+1NXX976`. The
longest pattern that a number begins with decides; of two of the same length the one that allows. An app's own patterns
only deny, and nothing on the platform's list opens what they deny.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from duologue.domain.errors import InvalidField, NumberRefused, NumberRule
from duologue.domain.numbers.known_traps import TRAPS
from duologue.domain.numbers.phone_number import PhoneNumber

MOST_PATTERNS = 2000
"""Of the platform, since they are read with each callback."""
MOST_PATTERNS_OF_APP = 500
_PATTERN = re.compile(r"\+[1-9N][0-9NX]{0,14}")
_MOST_WHY = 80


class Verdict(StrEnum):
    DENY = "deny"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the operator has decided about a pattern. `why`: for the operator; an SP does not see it."""

    verdict: Verdict
    why: str = ""


Entries = Mapping[str, Entry]
"""By pattern."""
KNOWN_TRAPS: Entries = {trap.pattern: Entry(Verdict.DENY, trap.why) for trap in TRAPS}
"""Denied unless the operator allows them."""


def check_pattern(text: str) -> str:
    """Raises InvalidField."""
    if not _PATTERN.fullmatch(text):
        raise InvalidField("pattern", f"{text} must be a plus sign and up to 15 of 0-9, N (2 to 9) and X (any digit)")
    return text


def is_broad(pattern: str) -> bool:
    """Whether a pattern has at most one digit before its wildcards: `+1`, `+1NXX`, `+4`, `+N`.

    Those match every number of a country code of one digit or of many countries, and are rather a longer pattern that
    was cut off. Two digits and more, such as +44 or +252, are an ordinary decision about one country.
    """
    return len(pattern.rstrip("NX")) <= len("+1")


def check_why(text: str) -> str:
    """Raises InvalidField."""
    if len(text) > _MOST_WHY or not (text.isprintable() or not text):
        raise InvalidField("reason", f"must be at most {_MOST_WHY} printable characters")
    return text


def is_denied(number: PhoneNumber, *lists: Entries) -> bool:
    """Whether the longest matching pattern of the lists denies. Of the same pattern the later list's entry counts."""
    entries: dict[str, Entry] = {}
    for each in lists:
        entries |= each
    matching = (pattern for pattern in entries if matches(pattern, number))
    deciding = max(matching, key=lambda pattern: (len(pattern), entries[pattern].verdict is Verdict.ALLOW), default="")
    return bool(deciding) and entries[deciding].verdict is Verdict.DENY


def matches(pattern: str, number: PhoneNumber) -> bool:
    """Whether a number begins as the pattern says."""
    e164 = number.e164
    if e164.startswith(pattern):
        return True
    if len(pattern) > len(e164) or not ("N" in pattern or "X" in pattern):
        return False
    return all(
        digit == wanted or wanted == "X" or (wanted == "N" and digit in "23456789")
        for wanted, digit in zip(pattern, e164, strict=False)
    )


@dataclass(frozen=True, slots=True)
class Denials:
    """What is listed about some numbers, beside the known traps.

    `entries`: the platform's list. `do_not_call`, `shown`: those of the numbers that are on the do-not-call list, and
    those that are display numbers of an app: a call to one would come back in.
    """

    entries: Entries
    do_not_call: Collection[PhoneNumber] = ()
    shown: Collection[PhoneNumber] = ()

    def check(self, number: PhoneNumber, of_app: Iterable[str], *, field: str) -> None:
        """Check a number to be dialled, which the plan knows. `of_app`: the patterns that the app must not dial.

        Raises:
            NumberRefused: names `field`.
        """
        if number in self.shown:
            raise NumberRefused(field, "is a display number of this platform", NumberRule.DISPLAY_NUMBER)
        if is_denied(number, KNOWN_TRAPS, self.entries) or any(matches(pattern, number) for pattern in of_app):
            raise NumberRefused(field, "is in a range that is not dialled", NumberRule.DENIED)
        if number in self.do_not_call:
            raise NumberRefused(field, "is on the do-not-call list", NumberRule.DO_NOT_CALL)

"""Rules of number rewriting in the grammar of Kamailio's dialplan module.

Its expressions are PCRE's. That is Python's grammar for everything that a rule needs, but for `fullmatch` and for the
names of groups in a replacement.
"""

import re
from collections.abc import Iterable

from pstn.trunks.trunk_file import Rewrite

_REFERENCE = re.compile(r"\\g<(\w+)>|\\([1-9][0-9]?)")


def rules(written: Iterable[Rewrite]) -> list[tuple[str, str]]:
    """Pairs of expression and replacement.

    Raises:
        ValueError: the dialplan module cannot have such a rule.
    """
    return [(rf"\A(?:{each.match})\z", _replacement(each)) for each in written]


def _replacement(rule: Rewrite) -> str:
    groups = re.compile(rule.match).groupindex

    def digit(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        number = groups.get(name) or int(name)
        if not 0 < number < 10:
            raise ValueError(f"{rule.replace!r}: a replacement can name the groups 1 to 9")
        return f"\\{number}"

    return _REFERENCE.sub(digit, rule.replace)

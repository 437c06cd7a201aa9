"""The search for telephone numbers in what more people see than the store: executions, queues, logs, object keys."""

import re
from collections.abc import Iterable

_OURS = r"(?:202|212|312)55501\d\d"
"""The digits of every phone and display number of these tests, with or without the country code, in any notation."""
_BETWEEN = re.compile(r"(?<=\d)[ .()/-]{1,2}(?=\d)")


def telephone_numbers_in(texts: Iterable[str], digits: str = _OURS) -> list[str]:
    """Each text that holds one, cut to what is around it. `digits`: a pattern of national numbers."""
    pattern = re.compile(digits)
    found = []
    for text in texts:
        for form in (text, _BETWEEN.sub("", text)):
            if number := pattern.search(form):
                found.append(form[max(0, number.start() - 80) : number.end() + 40])
                break
    return found

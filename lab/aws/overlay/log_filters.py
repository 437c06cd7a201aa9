"""Filter patterns of log events.

AWS: of terms that begin with `?`, one must be there; of all others each, and none that begins with `-`. A term in
double quotes may have spaces. Terms are case-sensitive.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax-for-Metric-Filters.html

MiniStack: knows neither `?` nor spaces in quotes, and ignores case. Patterns in braces or brackets stay as it has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lab.aws.ministack import ministack

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def _compiled(stock: Any) -> Any:
    def compiled(raw: str) -> Callable[[str], bool]:
        if not raw.strip() or raw.strip()[0] in "{[":
            matches: Callable[[str], bool] = stock(raw)
            return matches
        terms = [(sign, re.sub(r"\\(.)", r"\1", quoted) or bare) for sign, quoted, bare in _TERM.findall(raw)]
        some, never = ([text for sign, text in terms if sign == which] for which in "?-")
        every = [text for sign, text in terms if not sign]

        def match(message: str) -> bool:
            if any(text in message for text in never) or not all(text in message for text in every):
                return False
            # With other terms AWS ignores those with `?`.
            return bool(every) or not some or any(text in message for text in some)

        return match

    return compiled


def apply() -> None:
    """Replace how patterns are read."""
    logs = ministack("services.cloudwatch_logs")
    logs._compile_filter_pattern = _compiled(logs._compile_filter_pattern)

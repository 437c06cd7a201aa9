"""Logs: one JSON object per line, without anything that identifies a person.

Powertools' formatter on the root logger, not its Logger, which configures one logger and copies its settings to others
that exist at that time. Messages of the lower layers, which do not know Powertools, and of botocore and urllib3 would
otherwise be written unmasked by Lambda's own handler.
Telephone numbers print masked by their class; tokens, secrets and query strings are never logged.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

_NEXT = r"(?:(?: (?![0-9]{4}-[0-9]{2}-[0-9]{2}\b|[0-9]{1,2}:[0-9])|[.-])?[0-9])"  # of no date or time that follows
_NUMBER = re.compile(
    r"(\+|%2[Bb])("
    r"[1-9][0-9]{6,14}(?![0-9])"
    r"|1[ .-]?(?:[0-9]{3}|\([0-9]{3}\))[ .-]?[0-9]{3}[ .-]?[0-9]{4}(?![0-9])"
    r"|(?![0-9]+\.[0-9]+(?!\.?[0-9]))"  # a decimal
    rf"[2-9](?:{_NEXT}{{6,12}}|[0-9]{{0,2}}[ -]?\([0-9]{{1,5}}\){_NEXT}{{4,10}})(?![0-9]))"
)
"""With its plus sign, which a URL encodes: in one piece, or else in groups as people write it.

Of groups, as many as a number has: ten digits after +1, thirteen in all elsewhere.
"""
_BETWEEN = str.maketrans("", "", " .()-")


def mask(text: str) -> str:
    """Mask telephone numbers, except for the first three and the last two digits."""
    return _NUMBER.sub(lambda number: number[1] + _masked_digits(number[2].translate(_BETWEEN)), text)


def _masked_digits(digits: str) -> str:
    return f"{digits[:3]}{'*' * (len(digits) - 5)}{digits[-2:]}"


def set_up(context: object = None) -> None:
    """Log everything from INFO up to standard error as JSON lines with the request id of `context`."""
    root = logging.getLogger()
    ours = [each.formatter for each in root.handlers if isinstance(each.formatter, LambdaPowertoolsFormatter)]
    formatter = ours[0] if ours else _take_over(root)
    formatter.append_keys(function_request_id=getattr(context, "aws_request_id", None))


def _take_over(root: logging.Logger) -> LambdaPowertoolsFormatter:
    formatter = LambdaPowertoolsFormatter(
        json_serializer=_masked,
        utc=True,
        use_rfc3339=True,
        serialize_stacktrace=False,  # the line already has the stack trace as text
        service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root.handlers = [handler]
    root.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it logs where it found credentials, each time
    return formatter


def _masked(line: Mapping[str, Any]) -> str:
    return mask(json.dumps(line, default=str, ensure_ascii=False))

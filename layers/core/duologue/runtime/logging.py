"""Logs: one JSON object a line, with what was said of the call, and nothing that identifies a person.

Powertools' formatter on the root logger, and not its Logger: that takes over one logger, and passes its settings on to
those of other names that are there by then. What the layers below say, which know no Powertools, and what botocore and
urllib3 say, would be written unmasked by Lambda's own handler.
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

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def mask(text: str) -> str:
    """Hide every telephone number that slipped in, but for its first three digits and its last two."""
    return _NUMBER.sub(lambda number: number[0][:4] + "*" * (len(number[0]) - 6) + number[0][-2:], text)


def set_up(context: object = None) -> None:
    """Send everything from INFO up to standard error as JSON lines; each names the invocation that `context` is of."""
    root = logging.getLogger()
    ours = [each.formatter for each in root.handlers if isinstance(each.formatter, LambdaPowertoolsFormatter)]
    formatter = ours[0] if ours else _take_over(root)
    formatter.append_keys(function_request_id=getattr(context, "aws_request_id", None))


def _take_over(root: logging.Logger) -> LambdaPowertoolsFormatter:
    formatter = LambdaPowertoolsFormatter(
        json_serializer=_masked,
        utc=True,
        use_rfc3339=True,
        serialize_stacktrace=False,  # the trace is in the line already, as text
        service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root.handlers = [handler]
    root.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found credentials, each time
    return formatter


def _masked(line: Mapping[str, Any]) -> str:
    return mask(json.dumps(line, default=str, ensure_ascii=False))

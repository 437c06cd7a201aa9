"""Logs: one JSON object a line, with what was said of the call, and nothing that identifies a person.

The standard library does it: call_control must start quickly, and Lambda's own log format would add the request's
body on an error. Telephone numbers print masked by their class; tokens, secrets and query strings are never logged.
"""

import json
import logging
import os
import re
import sys
import time
from typing import Any

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class JsonLines(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", record.name),
            "said": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return mask(json.dumps(line, default=str, ensure_ascii=False))


def mask(text: str) -> str:
    """Hide every telephone number that slipped in, but for its first three digits and its last two."""
    return _NUMBER.sub(lambda number: number[0][:4] + "*" * (len(number[0]) - 6) + number[0][-2:], text)


def set_up() -> None:
    """Send everything from INFO up to standard error as JSON lines; a second call changes nothing."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root.handlers = [handler]
    root.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found credentials, each time

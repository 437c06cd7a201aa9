"""Load one built handler as Lambda does, and let it answer events; run by Lambda's own Python, on nothing else of ours.

Reads a search path as a JSON list, then events, one a line; writes its replies, one a line. An error is a reply too, as
Lambda writes it.
"""

import importlib
import json
import sys
import time
import traceback
from typing import Any


class Context:
    """The part of Lambda's context that functions and Powertools read."""

    function_name = "built"
    function_version = "$LATEST"
    memory_limit_in_mb = "1024"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:built"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def __init__(self) -> None:
        self._ends = time.monotonic() + 30

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time-out."""
        return int((self._ends - time.monotonic()) * 1000)


def main() -> None:
    replies, sys.stdout = sys.stdout, sys.stderr  # what a handler prints is not its reply
    sys.path[:0] = json.loads(sys.stdin.readline())
    handler = importlib.import_module("handler").handler
    for line in sys.stdin:
        print(json.dumps(_answer(handler, json.loads(line))), file=replies, flush=True)


def _answer(handler: Any, event: dict[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(handler(event, Context())))
    except Exception as error:  # noqa: BLE001 - told to the test, whatever it is
        return {
            "errorType": type(error).__name__,
            "errorMessage": str(error),
            "stackTrace": traceback.format_exc().splitlines(),
        }


if __name__ == "__main__":
    main()

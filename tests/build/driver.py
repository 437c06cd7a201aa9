"""Load one built handler as Lambda does, and let it answer events; run by Lambda's own Python, on nothing else of ours.

Reads {"path": […], "events": […]} from standard input; writes [{"reply": …} or {"error": …}, …] to standard output.
"""

import importlib
import json
import sys
import time
import traceback


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
    order = json.load(sys.stdin)
    sys.path[:0] = order["path"]
    replies_to, sys.stdout = sys.stdout, sys.stderr  # what a handler logs is not its reply
    handler = importlib.import_module("handler").handler
    answers = []
    for event in order["events"]:
        try:
            answers.append({"reply": json.loads(json.dumps(handler(event, Context())))})
        except Exception:  # noqa: BLE001 - told to the test, whatever it is
            answers.append({"error": traceback.format_exc()})
    json.dump(answers, replies_to)


if __name__ == "__main__":
    main()

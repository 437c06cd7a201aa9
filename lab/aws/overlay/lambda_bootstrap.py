"""Runs one Lambda function in its own process, in place of `awslambdaric`.

Started with `python -I -S`, so that nothing of the lab's own environment can be imported: only the standard library,
the function, its layers, and the packages of `lab.aws.runtime`. Exchanges frames (four bytes of length, then JSON) over
two pipes; what the function prints goes to the log.

Errors have the shape of the Python runtime: `errorType` is the exception's class name.
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import struct
import sys
import time
import traceback
from decimal import Decimal

TYPE_CHECKING = False  # importing `typing` would cost ten milliseconds per cold start
if TYPE_CHECKING:
    from typing import Any, BinaryIO


def read_frame(pipe: BinaryIO) -> Any:
    head = pipe.read(4)
    if len(head) < 4:
        return None
    return json.loads(pipe.read(struct.unpack(">I", head)[0]))


def write_frame(pipe: BinaryIO, value: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    body = json.dumps(value, ensure_ascii=False, default=plain).encode()
    pipe.write(struct.pack(">I", len(body)) + body)
    pipe.flush()


def plain(value: object) -> float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class Context:
    """The second argument of a handler."""

    client_context = None
    identity = None
    tenant_id = None

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.aws_request_id = invocation["request_id"]
        self.invoked_function_arn = invocation["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._ends_at = time.time() + invocation["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends_at - time.time()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class LogFormatter(logging.Formatter):
    """The runtime's text format; a function that sets its own handler keeps it."""

    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = f"[{record.levelname}]\t{at}.{int(record.msecs):03d}Z\t{self.request_id}\t{record.getMessage()}"
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def described(error: BaseException, kind: str = "", message: str = "", request_id: str = "") -> dict[str, Any]:
    trace = traceback.extract_tb(error.__traceback__)
    return {
        "errorMessage": message or str(error),
        "errorType": kind or type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list([line for line in trace if line.filename != __file__]),
    }


def load(handler: str) -> tuple[Any, dict[str, Any] | None]:
    """The handler `module.function` and None, or None and the error that AWS would report."""
    module_name, _, function_name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        return None, described(error, "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        return None, described(error, "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}")
    except Exception as error:  # noqa: BLE001 - the function's own code, whatever it raises
        return None, described(error)
    if not hasattr(module, function_name):
        missing = AttributeError(f"Handler '{function_name}' missing on module '{module_name}'")
        return None, described(missing, "Runtime.HandlerNotFound")
    return getattr(module, function_name), None


def answer(handler: Any, invocation: dict[str, Any]) -> dict[str, Any]:
    """The frame that answers one invocation."""
    LogFormatter.request_id = invocation["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = invocation.get("trace_id") or ""
    try:
        result = handler(invocation["event"], Context(invocation))
    except Exception as error:  # noqa: BLE001 - the function's own code, whatever it raises
        failure = described(error, request_id=invocation["request_id"])
        sys.stderr.write(f"[ERROR] {failure['errorType']}: {failure['errorMessage']}\n")
        sys.stderr.write("Traceback (most recent call last):\n" + "".join(failure["stackTrace"]))
        return {"error": failure}
    try:
        json.dumps(result, default=plain)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {"error": described(error, "Runtime.MarshalError", message, invocation["request_id"])}
    return {"result": result}


PASSED = [0.0]
"""Seconds that have passed in the cloud at once; each invocation brings the newest value."""
SLEPT = [0.0]
"""Seconds of this invocation's pauses that passed on its clock alone."""
_REAL_SHARE = 0.1


def shift_clock(skew: float) -> None:
    """Let the clock of this process be fast, or slow, and follow the cloud's. What is imported later sees only this.

    Once hours have passed at once, a pause (of an SDK before it repeats a request) takes a tenth of its time; the rest
    passes on this clock. Pauses of several threads add up, so that an invocation has less time, never more.
    """
    import datetime

    real, time_of_day, nanoseconds, pause = datetime.datetime, time.time, time.time_ns, time.sleep

    def ahead() -> float:
        return skew + PASSED[0] + SLEPT[0]

    def apart() -> datetime.timedelta:
        return datetime.timedelta(seconds=ahead())

    def sleep(seconds: float) -> None:
        share = _REAL_SHARE if PASSED[0] else 1.0
        pause(seconds * share)
        SLEPT[0] += seconds * (1 - share)

    class Kind(type):
        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, real)

    class Shifted(real, metaclass=Kind):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + apart()

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(datetime.UTC).replace(tzinfo=None) + apart()

    datetime.datetime = Shifted  # type: ignore[misc]
    time.time = lambda: time_of_day() + ahead()
    time.time_ns = lambda: nanoseconds() + int(ahead() * 1_000_000_000)
    time.sleep = sleep  # type: ignore[assignment]  # its stub has a parameter with another name


def run(requests_fd: int, replies_fd: int) -> None:
    requests, replies = os.fdopen(requests_fd, "rb"), os.fdopen(replies_fd, "wb")
    start = read_frame(requests)
    if start["clock"] is not None:
        shift_clock(start["clock"])
    sys.path[:0] = start["path"]
    sys.path.extend(start["runtime"])
    writer = logging.StreamHandler(sys.stdout)
    writer.setFormatter(LogFormatter())
    logging.getLogger().addHandler(writer)
    handler, failed = load(start["handler"])
    write_frame(replies, {"error": failed} if failed else {"ready": True})
    if failed:
        return
    while (invocation := read_frame(requests)) is not None:
        PASSED[0], SLEPT[0] = invocation["passed"], 0.0
        write_frame(replies, answer(handler, invocation))


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]))

"""Task tokens: their format, their lifetime, and the errors for tokens that are no longer valid.

AWS: `SendTaskSuccess` answers `InvalidToken` to a string that never was a token, `TaskTimedOut` once the task has
ended in any way ("the task token has either expired or the task associated with the token has already been closed"),
and `InvalidOutput` to an output that is not JSON. The heartbeat of a Lambda callback task counts from when the function
returns. What happens to a token that is sent before the task's call has returned is a switch: `early_completion`.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html

MiniStack: `TaskDoesNotExist` for all of these; a second success before the execution moves on overwrites the first; an
aborted execution keeps waiting; heartbeats are recorded and ignored; a token is a UUID.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from math import inf
from typing import Any

from lab.aws import switches
from lab.aws.ministack import ministack
from lab.aws.overlay import timing
from lab.aws.switches import EarlyCompletion

_TOKEN_BYTES = 675
"""As Base64, 900 characters.

AWS documents only a maximum length, 2048 (botocore's model, `TaskToken`). Tokens in public tests and logs since 2021
have 660 to 736 characters (132 to 204 of them a header with the names of the state machine and the execution, the other
532 the rest); 900 leaves a margin, so that what is metered here is not below AWS.
"""


def new_token() -> str:
    """A token that cannot be guessed, as long as AWS's."""
    return base64.b64encode(os.urandom(_TOKEN_BYTES)).decode()


@dataclass
class Waiting:
    """One attempt of a callback state, from the creation of its token to its end.

    `completion` has the output, the error, or `Halted`. `returned`: the call with the token has returned.
    """

    token: str
    execution: str
    early: EarlyCompletion = field(default_factory=lambda: switches.current().early_completion)
    beat_at: float = field(default_factory=time.monotonic)
    completion: Future[Any] = field(default_factory=Future)
    returned: bool = False


CLOSED_KEPT = 1000
"""Tokens of ended tasks that are remembered; to an older one the answer is InvalidToken."""


class Tokens:
    """All task tokens of this cloud. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Waiting] = {}
        self._closed: dict[bytes, None] = {}

    def open(self, token: str, execution: str) -> Waiting:
        """Start waiting for `token`, for the execution with this ARN."""
        waiting = Waiting(token, execution)
        with self._lock:
            self._open[token] = waiting
        return waiting

    def returned(self, waiting: Waiting) -> None:
        """The call with the token has returned: from now on its heartbeat counts, and no completion is early."""
        with self._lock:
            waiting.returned, waiting.beat_at = True, time.monotonic()

    def close(self, token: str) -> bool:
        """End the task: from now on its token gets TaskTimedOut. Returns whether it was still open."""
        with self._lock:
            if self._open.pop(token, None) is None:
                return False
            self._close(token)
            return True

    def finish(self, token: str, *, output: Any = None, error: tuple[str, str] | None = None) -> str | None:
        """Complete the task. Returns the error name, or None; the first completion wins."""
        with self._lock:
            waiting = self._open.get(token)
            if waiting is None:
                return self._refusal(token)
            if waiting.early == "refused" and not waiting.returned:
                return "TaskTimedOut"
            del self._open[token]
            self._close(token)
        if error is None:
            waiting.completion.set_result(output)
        else:
            waiting.completion.set_exception(ministack("services.stepfunctions")._ExecutionError(*error))
        return None

    def beat(self, token: str) -> str | None:
        """Record a heartbeat. Returns the error name, or None."""
        with self._lock:
            waiting = self._open.get(token)
            if waiting is None:
                return self._refusal(token)
            waiting.beat_at = time.monotonic()
        return None

    def stop(self, execution: str | None = None) -> None:
        """End the waits of one execution that was stopped from outside, or of all."""
        with self._lock:
            ended = [w for w in self._open.values() if execution is None or w.execution == execution]
            for waiting in ended:
                del self._open[waiting.token]
                self._close(waiting.token)
        for waiting in ended:
            waiting.completion.set_exception(timing.Halted())

    def _close(self, token: str) -> None:
        self._closed[_short(token)] = None
        if len(self._closed) > CLOSED_KEPT:
            del self._closed[next(iter(self._closed))]

    def _refusal(self, token: str) -> str:
        return "TaskTimedOut" if _short(token) in self._closed else "InvalidToken"


def _short(token: str) -> bytes:
    """What is kept of a token whose task has ended: a thirtieth of it."""
    return hashlib.blake2b(token.encode(), digest_size=16).digest()


TOKENS = Tokens()


def await_callback(waiting: Waiting, deadline: float | None, heartbeat: float | None) -> Any:
    """Block until the task is completed from outside; returns its output.

    `deadline` is of the monotonic clock, `heartbeat` in seconds.

    Raises:
        MiniStack's `_ExecutionError`: the task failed, `States.Timeout`, or `States.HeartbeatTimeout`.
    """
    failure = ministack("services.stepfunctions")._ExecutionError
    while not waiting.completion.done():
        beat_due = inf if heartbeat is None else waiting.beat_at + heartbeat
        due = min(inf if deadline is None else deadline, beat_due)
        if time.monotonic() < due:
            wait([waiting.completion], timing.left(due))
        elif not TOKENS.close(waiting.token):
            break  # completed at the same time: the completion won
        elif due == deadline:
            raise failure("States.Timeout", "Task timed out waiting for its callback")
        else:
            raise failure("States.HeartbeatTimeout", f"No heartbeat for {heartbeat} seconds")
    return waiting.completion.result()


_MESSAGES = {
    "InvalidToken": "Invalid Token: 'Invalid token'",
    "TaskTimedOut": "Task Timed Out: 'Provided task does not exist anymore'",
    "InvalidOutput": "Invalid Output: 'Output is not valid JSON'",
}


def _answer(refusal: str | None) -> Any:
    sf = ministack("services.stepfunctions")
    if refusal is None:
        return sf.json_response({})
    return sf.error_response_json(refusal, _MESSAGES[refusal], 400)


def _success(data: dict[str, Any]) -> Any:
    try:
        output = json.loads(data.get("output", "{}"))
    except ValueError:
        return _answer("InvalidOutput")
    return _answer(TOKENS.finish(data.get("taskToken", ""), output=output))


def _failure(data: dict[str, Any]) -> Any:
    error = (data.get("error") or "", data.get("cause") or "")
    return _answer(TOKENS.finish(data.get("taskToken", ""), error=error))


def _heartbeat(data: dict[str, Any]) -> Any:
    return _answer(TOKENS.beat(data.get("taskToken", "")))


def apply() -> None:
    """Replace SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat, except for tokens of activities."""
    sf = ministack("services.stepfunctions")
    for name, ours in {
        "_send_task_success": _success,
        "_send_task_failure": _failure,
        "_send_task_heartbeat": _heartbeat,
    }.items():
        setattr(sf, name, _unless_activity(getattr(sf, name), ours))


def _unless_activity(stock: Any, ours: Any) -> Any:
    def answer(data: dict[str, Any]) -> Any:
        tokens_of_activities = ministack("services.stepfunctions")._task_tokens
        return stock(data) if data.get("taskToken") in tokens_of_activities else ours(data)

    return answer

"""Task tokens: whose they are, how they end, and what Step Functions says to a token that no longer counts.

AWS: `SendTaskSuccess` answers `InvalidToken` to a string that never was a token, `TaskTimedOut` once the task has
ended in any way ("the task token has either expired or the task associated with the token has already been closed"),
and `InvalidOutput` to an output that is no JSON.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html

MiniStack: `TaskDoesNotExist` for all of these; a second success before the execution moves on overwrites the first; an
aborted execution keeps waiting; heartbeats are recorded and never looked at.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from lab.aws.engine import part
from lab.aws.overlay import timing

_FOR_EVER = 99_999_999.0


@dataclass
class Waiting:
    """One attempt of one callback state, from its token's birth to its end."""

    token: str
    execution: str
    scale: float = field(default_factory=timing.SCALE.get)
    beat_at: float = field(default_factory=timing.now)
    done: threading.Event = field(default_factory=threading.Event)
    output: Any = None
    error: tuple[str, str] | None = None
    stopped: bool = False


class Tokens:
    """All task tokens of this cloud. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Waiting] = {}
        self._closed: set[str] = set()

    def open(self, token: str, execution: str) -> Waiting:
        """Start to wait on `token` for the execution with this ARN."""
        waiting = Waiting(token, execution)
        with self._lock:
            self._open[token] = waiting
        return waiting

    def close(self, token: str) -> bool:
        """The task is over: whoever still holds the token hears TaskTimedOut. Whether it was still open."""
        with self._lock:
            if self._open.pop(token, None) is None:
                return False
            self._closed.add(token)
            return True

    def finish(self, token: str, *, output: Any = None, error: tuple[str, str] | None = None) -> str | None:
        """Complete the task. Returns the name of the refusal, or None; the first completion wins."""
        with self._lock:
            waiting = self._open.pop(token, None)
            if waiting is None:
                return "TaskTimedOut" if token in self._closed else "InvalidToken"
            self._closed.add(token)
            waiting.output, waiting.error = output, error
        waiting.done.set()
        return None

    def beat(self, token: str) -> str | None:
        """Note a sign of life. Returns the name of the refusal, or None."""
        with self._lock:
            waiting = self._open.get(token)
            if waiting is None:
                return "TaskTimedOut" if token in self._closed else "InvalidToken"
            waiting.beat_at = timing.now(waiting.scale)
        return None

    def stop(self, execution: str | None = None) -> None:
        """Wake the waits of one execution that was ended from outside, or of all."""
        with self._lock:
            ended = [w for w in self._open.values() if execution is None or w.execution == execution]
            for waiting in ended:
                del self._open[waiting.token]
                self._closed.add(waiting.token)
                waiting.stopped = True
        for waiting in ended:
            waiting.done.set()


TOKENS = Tokens()


def await_callback(waiting: Waiting, deadline: float | None, heartbeat: float | None) -> Any:
    """Block until the task is completed from outside; its output.

    `deadline` is on the clock of `timing.now`, `heartbeat` in seconds.

    Raises:
        MiniStack's `_ExecutionError`: the task failed, `States.Timeout`, or `States.HeartbeatTimeout`.
    """
    failure = part("services.stepfunctions")._ExecutionError
    while not waiting.done.is_set():
        now = timing.now()
        beat_due = waiting.beat_at + heartbeat if heartbeat is not None else now + _FOR_EVER
        due = min(deadline if deadline is not None else now + _FOR_EVER, beat_due)
        if now < due:
            timing.wait(waiting.done, min(due - now, 3600.0))
        elif not TOKENS.close(waiting.token):
            waiting.done.wait()  # completed at the same moment: the completion won
        elif deadline is not None and now >= deadline:
            raise failure("States.Timeout", "Task timed out waiting for its callback")
        else:
            raise failure("States.HeartbeatTimeout", f"No heartbeat for {heartbeat} seconds")
    if waiting.stopped:
        raise timing.Halted
    if waiting.error is not None:
        raise failure(*waiting.error)
    return waiting.output


_MESSAGES = {
    "InvalidToken": "Invalid Token: 'Invalid token'",
    "TaskTimedOut": "Task Timed Out: 'Provided task does not exist anymore'",
    "InvalidOutput": "Invalid Output: 'Output is not valid JSON'",
}


def _answer(refusal: str | None) -> Any:
    sf = part("services.stepfunctions")
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
    """Replace SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat; tokens of activities stay MiniStack's."""
    sf = part("services.stepfunctions")
    for name, ours in {
        "_send_task_success": _success,
        "_send_task_failure": _failure,
        "_send_task_heartbeat": _heartbeat,
    }.items():
        setattr(sf, name, _unless_activity(getattr(sf, name), ours))


def _unless_activity(stock: Any, ours: Any) -> Any:
    def answer(data: dict[str, Any]) -> Any:
        tokens_of_activities = part("services.stepfunctions")._task_tokens
        return stock(data) if data.get("taskToken") in tokens_of_activities else ours(data)

    return answer

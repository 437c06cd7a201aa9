"""Which errors a Retry or Catch matches, and how long a retry waits.

AWS: the wait before retry n is IntervalSeconds · BackoffRate^(n-1), at most MaxDelaySeconds, and with JitterStrategy
FULL a random share of that. `States.ALL` does not match `States.Runtime` or `States.DataLimitExceeded`;
`States.TaskFailed` matches everything but `States.Timeout`.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html

MiniStack: ignores MaxDelaySeconds and JitterStrategy, caps every wait at 60 s, and lets `States.ALL` match all.

A missed heartbeat: the guide lists `States.HeartbeatTimeout` as a separate name and also says that `States.Timeout`
covers it, and a recorded history shows `States.Timeout`. Both names match it here. It is not known which of two Catch
entries AWS would choose, so a state machine must send both to the same state.
"""

from __future__ import annotations

import random
from typing import Any

from lab.aws.ministack import ministack
from lab.aws.overlay import timing

_TERMINAL = {"States.Runtime", "States.DataLimitExceeded"}
_DEFAULT_ATTEMPTS = 3
_source = random.Random()


def matches(error_equals: list[str], error: str) -> bool:
    """Whether a retrier's or catcher's ErrorEquals matches this error."""
    if error in error_equals:
        return True
    if error == "States.HeartbeatTimeout" and "States.Timeout" in error_equals:
        return True
    if "States.ALL" in error_equals:
        return error not in _TERMINAL
    return "States.TaskFailed" in error_equals and error not in _TERMINAL | {"States.Timeout"}


def delay(retrier: dict[str, Any], done: int) -> float:
    """Seconds to wait before the next attempt after `done` retries by this retrier."""
    seconds = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** done
    if "MaxDelaySeconds" in retrier:
        seconds = min(seconds, float(retrier["MaxDelaySeconds"]))
    return _source.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds


class Retries:
    """The Retry field of one state during one visit: each retrier counts its own attempts."""

    def __init__(self, retriers: list[dict[str, Any]]) -> None:
        self._retriers = retriers
        self._done: dict[int, int] = {}

    @property
    def total(self) -> int:
        """Retries made so far: `$$.State.RetryCount`."""
        return sum(self._done.values())

    def again(self, error: str) -> bool:
        """Wait as the first matching retrier says and return True; or return False if no attempt is left."""
        for index, retrier in enumerate(self._retriers):
            if matches(retrier.get("ErrorEquals", []), error):
                done = self._done.get(index, 0)
                if done >= retrier.get("MaxAttempts", _DEFAULT_ATTEMPTS):
                    return False
                timing.sleep(delay(retrier, done))
                self._done[index] = done + 1
                return True
        return False


def _group_attempts(state: dict[str, Any], raw_input: Any, ctx: dict[str, Any], attempt: Any) -> Any:
    """Run a Parallel or Map state under its Retry and Catch."""
    sf = ministack("services.stepfunctions")
    entered, retries = ctx["State"], Retries(state.get("Retry", []))
    while True:
        ctx["State"] = {**entered, "RetryCount": retries.total}
        try:
            return attempt()
        except sf._ExecutionError as failed:
            if retries.again(failed.error):
                continue
            catcher = sf._find_matching_catcher(state.get("Catch", []), failed.error)
            if catcher is None:
                raise
            outcome = {"Error": failed.error, "Cause": failed.cause}
            language = sf._state_query_language(state, ctx)
            return sf._apply_catcher(catcher, raw_input, ctx, language, outcome), catcher["Next"]


def apply() -> None:
    """Replace error matching, the Retry of Parallel and Map, and every sleep of the interpreter."""
    sf = ministack("services.stepfunctions")
    sf._error_matches = matches
    sf._with_retry_and_catch = _group_attempts
    sf._scaled_sleep = timing.sleep

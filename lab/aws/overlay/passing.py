"""Hours that pass in the cloud at once, so that a delivery over three days can be played in a minute.

They pass for messages that are hidden or delayed in a queue, for the schedules of rules, and on the clock of every
function. They do not pass for executions, nor outside the cloud: let them pass while no call is up.

AWS refuses a request that was signed more than five minutes (S3: 15) from its own time. Here, once hours have passed,
requests are signed by two clocks, the functions' and this machine's, so their times are not compared any more.
"""

from __future__ import annotations

import time
from typing import Any

from lab.aws.ministack import ministack

_passed = 0.0
_jumps: list[tuple[float, float]] = []
"""When hours passed, by this machine's clock, and how many seconds."""


def seconds() -> float:
    """How far the clocks of functions are ahead of this machine's."""
    return _passed


def now() -> float:
    """The cloud's clock: seconds since the epoch."""
    return time.time() + _passed


def age(at: float) -> float:
    """How many seconds of the cloud have passed since a time of this machine's clock."""
    return time.time() - at + sum(jump for when, jump in _jumps if when >= at)


def let_pass(more: float) -> None:
    """Let so many seconds pass."""
    global _passed
    _passed += more
    _jumps.append((time.time(), more))
    sqs, rules = ministack("services.sqs"), ministack("services.eventbridge")
    with sqs._queues_lock:
        for queue in list(sqs._queues._data.values()):
            for message in queue["messages"]:
                message["visible_at"] -= more
    for rule in list(rules._rule_last_fired):
        rules._rule_last_fired[rule] -= more
    ministack("services.lambda_svc")._esm_wake.set()


def messages() -> list[float]:
    """For each message of a queue that feeds a function: when it can be received, in seconds of this machine's clock.

    In a FIFO queue a message waits for the one of its group that is in flight.
    """
    sqs, svc = ministack("services.sqs"), ministack("services.lambda_svc")
    sources = {mapping["EventSourceArn"].rpartition(":")[2] for _, _, mapping in svc._iter_all_esms()}
    queues = [queue for key, queue in list(sqs._queues._data.items()) if _name(key) in sources]
    found: list[float] = []
    for queue in queues:
        there, free_at = list(queue["messages"]), dict[str, float]()
        for message in there:
            if message["receive_count"] and message["group_id"]:
                group = message["group_id"]
                free_at[group] = max(free_at.get(group, 0.0), message["visible_at"])
        found += [max(message["visible_at"], free_at.get(message["group_id"], 0.0)) for message in there]
    return found


def _name(key: tuple[str, ...]) -> str:
    """Of a queue, by its place in MiniStack's store, which ends with its URL."""
    return key[-1].rpartition("/")[2]


def reset() -> None:
    """The next cloud begins at this machine's time."""
    global _passed
    _passed = 0.0
    _jumps.clear()


def _compared(stock: Any) -> Any:
    def failure(signature: Any, **more: Any) -> Any:
        return None if _passed else stock(signature, **more)

    return failure


def apply() -> None:
    """Let requests of both clocks in."""
    sigv4 = ministack("core.sigv4")
    sigv4.request_time_failure = _compared(sigv4.request_time_failure)

"""A batch of queue messages, worked through one by one; what must come again is given back, the rest is done with.

The order within a group holds: once a message of a group is given back, the group's later ones are too.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from duologue.adapters.metrics import count

_log = logging.getLogger(__name__)


class Context(Protocol):
    """What Lambda tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int: ...


def work_through(
    event: dict[str, Any], context: Context, work: Callable[[str], bool], *, time_for_one_ms: int, function: str
) -> dict[str, Any]:
    """Give each body to `work`, which says whether the message is done with. None is begun that may not end in time."""
    given_back: list[dict[str, str]] = []
    held_groups: set[str] = set()
    for record in event["Records"]:
        group = record["attributes"].get("MessageGroupId")
        in_time = context.get_remaining_time_in_millis() >= time_for_one_ms
        if not in_time or group in held_groups or not _done(record["body"], work, function):
            given_back.append({"itemIdentifier": record["messageId"]})
            if group is not None:
                held_groups.add(group)
    return {"batchItemFailures": given_back}


def _done(body: str, work: Callable[[str], bool], function: str) -> bool:
    try:
        return work(body)
    except Exception:  # noqa: BLE001 - one message that nothing can be made of must not hold up the rest of its batch
        _log.exception("unexpected")
        count("Unexpected", Function=function)
        return False

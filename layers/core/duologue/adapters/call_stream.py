"""The calls table's stream: which inserted items are facts and wake-ups."""

from collections.abc import Iterator
from typing import Any

from duologue.adapters.aws import from_item
from duologue.usecases.forward_facts import Committed

_FACT = "FACT#"


def committed_of(event: dict[str, Any]) -> Iterator[Committed]:
    """What was added, in the stream's order; template.yaml filters for inserts of facts and of items with `wakes`."""
    for record in event["Records"]:
        if record["eventName"] != "INSERT":
            continue
        row = from_item(record["dynamodb"]["NewImage"])
        is_fact = row["item"].startswith(_FACT)
        fact = int(row["item"].removeprefix(_FACT)) if is_fact else None
        if is_fact or "wakes" in row:
            yield Committed(row["call"], fact, row.get("wakes"))

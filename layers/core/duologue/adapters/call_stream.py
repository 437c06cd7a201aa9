"""Read the stream of the calls table: the facts of each inserted event."""

from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import (
    DynamoDBRecordEventName,
    DynamoDBStreamEvent,
)

from duologue.adapters.aws import from_item
from duologue.adapters.call_rows import STARTS, is_event, sequences_of
from duologue.adapters.rows_before import event_of_fact, is_fact
from duologue.domain.task_token import Wait
from duologue.usecases.forward_facts import Committed
from duologue.usecases.ports.notifying import UNKNOWN_APP, Notice


def committed_of(event: dict[str, Any]) -> Iterator[Committed]:
    """The inserted events, in stream order; template.yaml filters for them."""
    for record in DynamoDBStreamEvent(event).records:
        if record.event_name is not DynamoDBRecordEventName.INSERT or record.dynamodb is None:
            continue
        row = from_item(record.dynamodb["NewImage"])  # its own reading of an item makes every number a Decimal
        if is_fact(row["item"]):
            row |= event_of_fact(row["item"], row)
        elif not is_event(row["item"]):
            continue
        app = row.get("app", UNKNOWN_APP)
        notices = tuple(Notice(row["call"], number, row["item"], app) for number in sequences_of(row))
        resumes = Wait(row["resumes"]) if "resumes" in row else None
        yield Committed(row["call"], notices, resumes, starts_flow=STARTS in row)

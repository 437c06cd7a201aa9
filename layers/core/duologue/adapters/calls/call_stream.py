"""Read the stream of the calls table: the facts of each inserted event, and which calls began and ended."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import (
    DynamoDBRecordEventName,
    DynamoDBStreamEvent,
)

from duologue.adapters.basics.aws import from_item
from duologue.adapters.rows.call_rows import ASKED, CDR, STARTS, is_event, sequences_of
from duologue.adapters.rows.rows_before import event_of_fact, is_fact
from duologue.domain.calls.task_token import Wait
from duologue.usecases.notifying.forward_facts import Committed
from duologue.usecases.ports.notifying import UNKNOWN_APP, Notice


def committed_of(event: dict[str, Any]) -> Iterator[Committed]:
    """The inserted events, in stream order; template.yaml filters for them."""
    for row in _inserted(event):
        if is_fact(row["item"]):
            row |= event_of_fact(row["item"], row)
        elif not is_event(row["item"]):
            continue
        app = row.get("app", UNKNOWN_APP)
        notices = tuple(Notice(row["call"], number, row["item"], app) for number in sequences_of(row))
        resumes = Wait(row["resumes"]) if "resumes" in row else None
        yield Committed(row["call"], notices, resumes, starts_flow=STARTS in row)


class ListedCalls(NamedTuple):
    """The ids of calls that were accepted, and of calls that are over."""

    accepted: list[str]
    ended: list[str]


def listed_in(event: dict[str, Any]) -> ListedCalls:
    rows = list(_inserted(event))
    return ListedCalls(*([row["call"] for row in rows if row["item"] == item] for item in (ASKED, CDR)))


def _inserted(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for record in DynamoDBStreamEvent(event).records:
        if record.event_name is DynamoDBRecordEventName.INSERT and record.dynamodb is not None:
            yield from_item(record.dynamodb["NewImage"])  # its own reading of an item makes every number a Decimal

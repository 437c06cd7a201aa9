"""The calls of a person, in the index `by-app` of the calls table, by a keyed hash of the number.

| item  | `listed`                      | `listed_at`                        |
| ----- | ----------------------------- | ---------------------------------- |
| ASKED | `person#<hash of the caller>` | the epoch second of its acceptance |
| CALL  | `person#<hash of the callee>` | the same                           |

ASKED also has `ends`: hashes of the last four digits of both numbers, for the lists of calls (list_rows.py).

No table has the key (kms_data_keys.py). A call costs two units for it, no item and no scan. A withheld number is listed
nowhere. Calls that were accepted before the calls table was sealed are not listed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import outside, to_item
from duologue.adapters.rows.call_rows import ASKED, CALL, Row
from duologue.adapters.rows.list_rows import last_digits
from duologue.adapters.rows.sealed_rows import RowSeal
from duologue.domain.calls.call import Call
from duologue.domain.calls.outcome import Party
from duologue.domain.numbers.phone_number import WITHHELD, PhoneNumber
from duologue.usecases.ports.people import CallOfPerson

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "calls table"
INDEX = "by-app"
_LISTED = {Party.CALLER: ASKED, Party.CALLEE: CALL}


class DynamoPeople:
    """Implements `usecases.ports.people.People`."""

    def __init__(self, client: "DynamoDBClient", calls: str, rows: RowSeal) -> None:
        self._client = client
        self._calls = calls
        self._rows = rows

    def calls_of(self, number: PhoneNumber) -> Sequence[CallOfPerson]:
        parties = {item: party for party, item in _LISTED.items()}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._calls,
            IndexName=INDEX,
            KeyConditionExpression="listed = :listed",
            ExpressionAttributeValues=to_item({":listed": listed_as(self._rows, number)}),
        )
        with outside(_WHAT):
            return [
                CallOfPerson(item["call"]["S"], parties[item["item"]["S"]]) for page in pages for item in page["Items"]
            ]

    def delete(self, call: CallOfPerson) -> None:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._calls,
            KeyConditionExpression="#call = :call",
            ProjectionExpression="#call, #item",
            ExpressionAttributeNames={"#call": "call", "#item": "item"},
            ExpressionAttributeValues=to_item({":call": call.call_id}),
            ConsistentRead=True,
        )
        with outside(_WHAT):
            keys = [item for page in pages for item in page["Items"]]
            found_by = _LISTED[call.party]  # this one last
            for key in sorted(keys, key=lambda key: key["item"]["S"] == found_by):
                self._client.delete_item(TableName=self._calls, Key=key)


def listings(call: Call, rows: RowSeal) -> dict[str, Row]:
    """What lists a new call among those of its parties, by item."""
    second = int(call.accepted_at.timestamp())
    listed: dict[str, Row] = {ASKED: {}, CALL: {}}
    for leg in (call.caller, call.callee):
        if leg.number != WITHHELD:
            at: dict[str, Any] = {"listed": listed_as(rows, leg.number), "listed_at": f"{second:010d}"}
            listed[_LISTED[leg.party]] = at
    digits = {last_digits(leg.number) for leg in (call.caller, call.callee)} - {""}
    listed[ASKED] |= {"ends": " ".join(sorted(map(rows.hash_of, digits)))} if digits else {}
    return listed


def listed_as(rows: RowSeal, number: PhoneNumber) -> str:
    return f"person#{rows.hash_of(number.e164)}"

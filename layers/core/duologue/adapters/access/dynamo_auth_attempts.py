"""Used nonces and failed authentication attempts, in the accounts table.

| pk                    | sk         | what                                                                        |
| --------------------- | ---------- | --------------------------------------------------------------------------- |
| NONCE#<app>#<hash>    | NONCE      | a used nonce, and which request used it                                     |
| FAILURES#<app>#<hash> | a `Proof`  | recent failures from one address; writes are conditional on the version; no |
|                       |            | app: log-ins with unknown app keys                                          |

Each has its own partition, so that a busy app does not overload one. DynamoDB deletes expired rows up to days late, so
their time is checked. Functions only use `GetItem` and `UpdateItem`, which their roles already allow.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, from_item, outside, to_item
from duologue.domain.access.attempts import Attempt, Failures, Proof
from duologue.domain.errors import DuologueError, NonceUsed, RaceLost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_MOST_SOURCE = 64
"""Characters; an IPv6 address has 45 at most."""


class DynamoAuthAttempts:
    """Implements `usecases.ports.accounts.AuthAttempts` and `AuthLocks`."""

    def __init__(
        self, client: "DynamoDBClient", table: str, counted: Callable[[Attempt, Failures], None] = lambda *_: None
    ) -> None:
        """`counted`: gets each failure that was counted."""
        self._client = client
        self._table = table
        self._counted = counted

    def use_nonce(self, app_key: str, nonce: str, until: datetime, now: datetime) -> None:
        """One conditional write: of all requests with one nonce, only one succeeds."""
        # The SDK repeats a write whose response was lost; the id of the request shows that this is no replay.
        self._update(
            {"pk": f"NONCE#{app_key}#{_hash(nonce)}", "sk": "NONCE"},
            "SET expires_at = :until, taken_by = :taker",
            "attribute_not_exists(pk) OR expires_at < :now OR taken_by = :taker",
            {":until": _second(until), ":now": _second(now), ":taker": uuid4().hex},
            NonceUsed(app_key),
        )

    def failures(self, attempt: Attempt) -> Failures:
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=to_item(_place(attempt)), ConsistentRead=True)
        if "Item" not in found:
            return Failures()
        return _failures(from_item(found["Item"]))

    def save_failures(self, attempt: Attempt, failures: Failures) -> None:
        values: dict[str, Any] = {
            ":failed": json.dumps([at.isoformat() for at in failures.at]),
            ":until": failures.locked_until.isoformat() if failures.locked_until else "",
            ":version": failures.version + 1,
            ":read": failures.version,
            ":source": attempt.source[:_MOST_SOURCE],
        }
        change = "SET failed_at = :failed, locked_until = :until, version = :version, #source = :source"
        if failures.ends_at is not None:
            values[":ends"] = _second(failures.ends_at) + 1
            change += ", expires_at = :ends"
        # An expired and deleted row counts as version 0, whatever version was read.
        condition = "version = :read OR attribute_not_exists(pk)"
        names = {"ExpressionAttributeNames": {"#source": "source"}}
        self._update(_place(attempt), change, condition, values, RaceLost(attempt.app_key), **names)
        self._counted(attempt, failures)

    def all_failures(self) -> Iterator[tuple[Attempt, Failures]]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="begins_with(pk, :failures) AND attribute_exists(#source)",  # older rows have a hash only
            ExpressionAttributeNames={"#source": "source"},
            ExpressionAttributeValues=to_item({":failures": "FAILURES#"}),
        )
        with outside(_WHAT):
            for page in pages:
                for row in map(from_item, page["Items"]):
                    app_key = row["pk"].removeprefix("FAILURES#").rpartition("#")[0]
                    yield Attempt(app_key, Proof(row["sk"]), row["source"]), _failures(row)

    def forget(self, attempt: Attempt) -> None:
        with outside(_WHAT):
            self._client.delete_item(TableName=self._table, Key=to_item(_place(attempt)))

    def _update(
        self,
        key: dict[str, str],
        change: str,
        condition: str,
        values: dict[str, Any],
        refusal: DuologueError,
        **names: Any,
    ) -> None:
        try:
            with outside(_WHAT):
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(key),
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item(values),
                    **names,
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise refusal from error


def _failures(row: dict[str, Any]) -> Failures:
    until = row["locked_until"]
    return Failures(
        tuple(datetime.fromisoformat(at) for at in json.loads(row["failed_at"])),
        datetime.fromisoformat(until) if until else None,
        row["version"],
    )


def _place(attempt: Attempt) -> dict[str, str]:
    return {"pk": f"FAILURES#{attempt.app_key}#{_hash(attempt.source)}", "sk": attempt.proof.value}


def _hash(text: str) -> str:
    """A valid key for text of any length and characters."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _second(at: datetime) -> int:
    """Epoch seconds, as DynamoDB's TTL needs."""
    return int(at.timestamp())

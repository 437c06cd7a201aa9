"""Nonces and wrong attempts, in the accounts table.

| pk                    | sk         | what                                                                        |
| --------------------- | ---------- | --------------------------------------------------------------------------- |
| NONCE#<app>#<hash>    | NONCE      | a nonce that was used, and by which request                                 |
| FAILURES#<app>#<hash> | a `Proof`  | recent wrong attempts from one address; every write names the version it read |

Each has a partition of its own, so that a busy app does not fill one. The time to live is late by up to days, so
whether a row still counts is asked by its time. Only `UpdateItem`: the function that needs it may do that already.
"""

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, from_item, outside, to_item
from duologue.domain.attempts import Attempt, Failures
from duologue.domain.errors import DuologueError, NonceUsed, RaceLost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"


class DynamoAuthAttempts:
    """Plays `usecases.ports.Gate`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def use_nonce(self, app_key: str, nonce: str, until: datetime, now: datetime) -> None:
        """One conditional write: of any number of requests with one nonce, one is let in."""
        # The SDK repeats a write whose answer was lost: by the name of its taker, that is not a replay.
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
        row = from_item(found["Item"])
        until = row["locked_until"]
        return Failures(
            tuple(datetime.fromisoformat(at) for at in json.loads(row["failed_at"])),
            datetime.fromisoformat(until) if until else None,
            row["version"],
        )

    def save_failures(self, attempt: Attempt, failures: Failures) -> None:
        values: dict[str, Any] = {
            ":failed": json.dumps([at.isoformat() for at in failures.at]),
            ":until": failures.locked_until.isoformat() if failures.locked_until else "",
            ":version": failures.version + 1,
            ":read": failures.version,
        }
        change = "SET failed_at = :failed, locked_until = :until, version = :version"
        if failures.ends_at is not None:
            values[":ends"] = _second(failures.ends_at) + 1
            change += ", expires_at = :ends"
        # A row that the time to live took away is as good as one of version 0, whatever version was read.
        condition = "version = :read OR attribute_not_exists(pk)"
        self._update(_place(attempt), change, condition, values, RaceLost(attempt.app_key))

    def _update(
        self, key: dict[str, str], change: str, condition: str, values: dict[str, Any], refusal: DuologueError
    ) -> None:
        try:
            with outside(_WHAT):
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(key),
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item(values),
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise refusal from error


def _place(attempt: Attempt) -> dict[str, str]:
    return {"pk": f"FAILURES#{attempt.app_key}#{_hash(attempt.source)}", "sk": attempt.proof.value}


def _hash(text: str) -> str:
    """Of any length and any characters, a key that the table takes."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _second(at: datetime) -> int:
    """The unit of the table's time to live."""
    return int(at.timestamp())

"""Conditional writes to DynamoDB, single and in transactions, and their errors."""

from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside, to_value
from duologue.adapters.basics.jittered_pause import pause
from duologue.domain.errors import DuologueError, OutsideUnavailable, StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Write = tuple[dict[str, Any], DuologueError]
"""One write (`{"Put": …}`, `{"Update": …}`), and the error to raise if its condition fails."""

_NOT_NOW = {"None", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Temporary reasons for a cancelled transaction; "None" stands for a write without a reason."""
_TRIES = 3
"""Of a transaction that was cancelled for lack of throughput, which the SDK does not repeat."""
COUNTS_KEPT = timedelta(days=2)
_HELD = "TransactionConflictException"
"""A running transaction holds the item of a single write."""


def transact(client: "DynamoDBClient", what: str, *writes: Write, besides: dict[str, Any] | None = None) -> str | None:
    """Write all or nothing. Raises the error of the first write whose condition fails.

    `besides`: a further write, which must not cost the others: if it alone fails, all is written again without it, and
    its reason is returned, such as ConditionalCheckFailed. While another transaction holds its item, a race is lost.

    Raises:
        StoreBusy: another transaction holds one of the items.
        OutsideUnavailable: `what` is unavailable or throttled.
    """
    refusal = _refusal(client, what, [write for write, _ in writes] + ([] if besides is None else [besides]))
    if refusal is None:
        return None
    reasons = _reasons(refusal)
    if besides is not None and set(reasons[:-1]) <= {"None"} and reasons[-1] != "TransactionConflict":
        transact(client, what, *writes)
        return reasons[-1]
    for reason, (_, meaning) in zip(reasons, writes, strict=False):
        if reason == "ConditionalCheckFailed":
            raise meaning from refusal
    if "TransactionConflict" in reasons:
        raise StoreBusy("another transaction holds one of the items") from refusal
    if set(reasons) <= _NOT_NOW:
        raise OutsideUnavailable(f"{what}: {', '.join(sorted(set(reasons)))}") from refusal
    raise refusal


def _refusal(client: "DynamoDBClient", what: str, items: list[dict[str, Any]]) -> ClientError | None:
    """Write in one transaction, again while it is cancelled for lack of throughput; why it was cancelled at last."""
    for tried in count(1):
        try:
            with outside(what):
                client.transact_write_items(TransactItems=items)  # type: ignore[arg-type]
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            if tried == _TRIES or not set(_reasons(error)) <= _NOT_NOW:
                return error
            pause(tried)
        else:
            break
    return None


def _reasons(cancelled: ClientError) -> list[str]:
    return [str(reason.get("Code")) for reason in cancelled.response.get("CancellationReasons", [])]


def count_up(table: str, key: dict[str, Any], now: datetime, most: int) -> dict[str, Any]:
    """The write that counts one in attribute `n` of an item, which expires; its condition fails at `most`."""
    expires = int((now + COUNTS_KEPT).timestamp())
    update = {
        "Key": key,
        "UpdateExpression": "SET expires_at = :expires ADD n :one",
        "ConditionExpression": "attribute_not_exists(n) OR n < :most",
        "ExpressionAttributeValues": {":one": to_value(1), ":most": to_value(most), ":expires": to_value(expires)},
    }
    return {"Update": {"TableName": table} | update}


def write_one(client: "DynamoDBClient", what: str, write: Write) -> None:
    """One Put or Update, at half the price of a transaction. Raises its error, StoreBusy, OutsideUnavailable."""
    [(kind, request)] = write[0].items()
    try:
        with outside(what):
            if kind == "Put":
                client.put_item(**request)
            else:
                client.update_item(**request)
    except ClientError as error:
        raise _meaning(error, write[1]) from error


def _meaning(error: ClientError, refusal: DuologueError) -> Exception:
    if code_of(error) == "ConditionalCheckFailedException":
        return refusal
    return StoreBusy("a transaction holds the item") if code_of(error) == _HELD else error

"""Reading several items of DynamoDB at once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import outside
from duologue.adapters.basics.jittered_pause import pause
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES = 5
"""With the longest pauses they take 150 ms more than the requests (R17)."""


def read_all(client: "DynamoDBClient", what: str, wanted: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The existing items by table. `wanted`: RequestItems of a BatchGetItem.

    What DynamoDB leaves unprocessed is asked for again; botocore does not do that.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html

    Raises:
        OutsideUnavailable: `what` is unavailable or throttled.
    """
    items: dict[str, list[dict[str, Any]]] = {table: [] for table in wanted}
    for asked in range(_TRIES):
        with outside(what):
            found = client.batch_get_item(RequestItems=wanted)
        for table, some in found["Responses"].items():
            items[table] += some
        wanted = found.get("UnprocessedKeys") or {}
        if not wanted:
            return items
        pause(asked)
    raise OutsideUnavailable(f"{what}: UnprocessedKeys")

"""Links to recordings in the accounts table, by the hash of their token: `LINK#<hash>` / `LINK`."""

from datetime import datetime
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.domain.errors import UnknownLink
from duologue.domain.media.recording_link import Link

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"


class DynamoLinks:
    """Implements `usecases.ports.recordings.Links`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def keep(self, token_hash: str, link: Link) -> None:
        row = {"app": link.app, "key": link.key, "ends_at": link.ends_at.isoformat()}
        ends = {"expires_at": int(link.ends_at.timestamp())}
        with outside(_WHAT):
            self._client.put_item(TableName=self._table, Item=to_item(_key(token_hash) | row | ends))

    def find(self, token_hash: str) -> Link:
        with outside(_WHAT):
            found = self._client.get_item(TableName=self._table, Key=to_item(_key(token_hash)), ConsistentRead=True)
        if "Item" not in found:
            raise UnknownLink("no such token")
        row = from_item(found["Item"])
        return Link(row["app"], row["key"], datetime.fromisoformat(row["ends_at"]))


def _key(token_hash: str) -> dict[str, str]:
    return {"pk": f"LINK#{token_hash}", "sk": "LINK"}

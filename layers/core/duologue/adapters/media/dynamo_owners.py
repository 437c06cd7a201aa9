"""The owner of recordings, from the accounts table (rows: dynamo_accounts.py), without reading secrets."""

from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.domain.errors import AccountInactive, UnknownApp
from duologue.domain.media.recording_link import Owner

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoOwners:
    """Implements `usecases.ports.recordings.Owners`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def owner(self, app_key: str) -> Owner:
        app = self._row(f"APP#{app_key}", "APP")
        if not app:
            raise UnknownApp(f"no app {app_key}")
        if not (app.get("active", True) and self._row(f"SP#{app['sp']}", "SP").get("active")):
            raise AccountInactive(app_key)
        return Owner(app_key, stereo=app.get("stereo_recordings", False))

    def _row(self, pk: str, sk: str) -> dict[str, Any]:
        with outside("accounts table"):
            found = self._client.get_item(
                TableName=self._table,
                Key=to_item({"pk": pk, "sk": sk}),
                ConsistentRead=True,
                ProjectionExpression="sp, active, stereo_recordings",
            )
        return from_item(found.get("Item", {}))

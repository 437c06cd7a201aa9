"""Accounts and tokens in one DynamoDB table.

| pk              | sk       | what                                                                             |
| --------------- | -------- | -------------------------------------------------------------------------------- |
| SP#<id>         | SP       | an SP's account                                                                  |
| USERNAME#<name> | SP       | whose user name it is, so that no two SPs have the same                          |
| APP#<key>       | APP      | an app; its secrets as KMS sealed them                                           |
| APP#<key>       | TOKENS   | the app's register of tokens (hashes only); every write names the version it read |
| APP#<key>       | SLOTS    | the app's calls in progress; kept by `dynamo_calls`                              |
"""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.app_rows import app_of, plain_attributes
from duologue.adapters.aws import code_of, from_item, outside, to_item
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.domain.accounts import App, Sp
from duologue.domain.errors import AccountExists, DuologueError, RaceLost, UnknownApp, UnknownSp
from duologue.domain.tokens import LOG_IN_WINDOW, Grant, Register

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_REMEMBER = timedelta(days=1)
"""How long a register stays after its last token, so that a late client is told "expired" and not "unknown"."""


class DynamoAccounts:
    """Plays `usecases.ports.AccountBook` and `Tokens`."""

    def __init__(self, client: "DynamoDBClient", table: str, secrets: KmsSecrets) -> None:
        self._client = client
        self._table = table
        self._secrets = secrets

    def sp(self, sp_id: str) -> Sp:
        row = self._row(f"SP#{sp_id}", "SP")
        if row is None:
            raise UnknownSp(sp_id)
        return Sp(id=row["id"], username=row["username"], password_hash=row["password_hash"], active=row["active"])

    def app(self, key: str) -> App:
        row = self._row(f"APP#{key}", "APP")
        if row is None:
            raise UnknownApp(key)
        return app_of(row, lambda sealed: self._secrets.open(key, sealed))

    def add_sp(self, sp: Sp) -> None:
        row = {"id": sp.id, "username": sp.username, "password_hash": sp.password_hash, "active": sp.active}
        items = (
            to_item({"pk": f"SP#{sp.id}", "sk": "SP"} | row),
            to_item({"pk": f"USERNAME#{sp.username}", "sk": "SP", "id": sp.id}),
        )
        puts = [
            {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
            for item in items
        ]
        try:
            with outside(_WHAT):
                self._client.transact_write_items(TransactItems=puts)  # type: ignore[arg-type]
        except ClientError as error:
            if "ConditionalCheckFailed" not in str(error):
                raise
            raise AccountExists(f"the SP {sp.id} or the user name {sp.username} exists") from error

    def add_app(self, app: App) -> None:
        self.sp(app.sp)
        item = to_item(plain_attributes(app)) | self._sealed(app)
        self._put(f"APP#{app.key}", "APP", item, AccountExists(f"the app {app.key} exists"))

    def register(self, app_key: str) -> Register:
        row = self._row(f"APP#{app_key}", "TOKENS")
        if row is None:
            return Register()
        grants = tuple(_grant(kept) for kept in json.loads(row["grants"]))
        log_ins = tuple(datetime.fromisoformat(at) for at in json.loads(row["log_ins"]))
        return Register(grants, log_ins, row["version"])

    def save(self, app_key: str, register: Register) -> None:
        ends = [grant.refresh_ends_at for grant in register.grants] + [at + LOG_IN_WINDOW for at in register.log_ins]
        row: dict[str, Any] = {
            "grants": json.dumps([_kept(grant) for grant in register.grants]),
            "log_ins": json.dumps([at.isoformat() for at in register.log_ins]),
            "version": register.version + 1,
        }
        if ends:
            row["expires_at"] = int((max(ends) + _REMEMBER).timestamp())
        if register.version:
            self._put(f"APP#{app_key}", "TOKENS", to_item(row), RaceLost(app_key), version=register.version)
        else:
            self._put(f"APP#{app_key}", "TOKENS", to_item(row), RaceLost(app_key))

    def _sealed(self, app: App) -> dict[str, Any]:
        names = {"secret": app.secret, "older_secret": app.older_secret}
        return {name: {"B": self._secrets.seal(app.key, text)} for name, text in names.items() if text is not None}

    # ---- the table

    def _row(self, pk: str, sk: str) -> dict[str, Any] | None:
        with outside(_WHAT):
            key = to_item({"pk": pk, "sk": sk})
            found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return from_item(found["Item"]) if "Item" in found else None

    def _put(self, pk: str, sk: str, item: dict[str, Any], refusal: DuologueError, version: int | None = None) -> None:
        """Write an item that is new, or that still has the version it was read at; else raise `refusal`."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if version is not None:
            values = to_item({":read": version})
            condition = {"ConditionExpression": "version = :read", "ExpressionAttributeValues": values}
        try:
            with outside(_WHAT):
                self._client.put_item(TableName=self._table, Item=to_item({"pk": pk, "sk": sk}) | item, **condition)
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise refusal from error


def _kept(grant: Grant) -> list[Any]:
    ends = (grant.access_ends_at.isoformat(), grant.refresh_ends_at.isoformat())
    return [grant.access_hash, grant.refresh_hash, *ends, grant.replaced]


def _grant(kept: list[Any]) -> Grant:
    access, refresh, access_ends, refresh_ends, replaced = kept
    ends = datetime.fromisoformat(access_ends), datetime.fromisoformat(refresh_ends)
    return Grant(access, refresh, *ends, replaced=replaced)

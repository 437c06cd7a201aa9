"""Accounts and tokens in one DynamoDB table.

| pk              | sk       | what                                                                             |
| --------------- | -------- | -------------------------------------------------------------------------------- |
| SP#<id>         | SP       | an SP's account                                                                  |
| USERNAME#<name> | SP       | reserves a user name for one SP                                                  |
| APP#<key>       | APP      | an app; its secrets encrypted by KMS                                             |
| APP#<key>       | TOKENS   | the app's token register (hashes only); writes are conditional on the version    |
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.app_rows import app_of, plain_attributes
from duologue.adapters.aws import code_of, from_item, outside, to_item
from duologue.adapters.dynamo_slots import remove_slots
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.domain.accounts import App, Sp
from duologue.domain.errors import (
    AccountExists,
    DuologueError,
    InvalidField,
    OutsideUnavailable,
    RaceLost,
    UnknownApp,
    UnknownSp,
)
from duologue.domain.tokens import LOG_IN_WINDOW, Grant, Register
from duologue.usecases.until_written import no_pause, until_written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table"
_REMEMBER = timedelta(days=1)
"""How long a register outlives its last token, so that a late client gets "expired", not "unknown"."""


class DynamoAccounts:
    """Implements `usecases.ports.accounts.AccountBook` and `Tokens`."""

    def __init__(self, client: "DynamoDBClient", table: str, secrets: KmsSecrets) -> None:
        self._client = client
        self._table = table
        self._secrets = secrets

    def sp(self, sp_id: str) -> Sp:
        row = self._row(f"SP#{sp_id}", "SP")
        if row is None:
            raise UnknownSp(f"no SP {sp_id}")
        return Sp(id=row["id"], username=row["username"], password_hash=row["password_hash"], active=row["active"])

    def app(self, key: str) -> App:
        return self._opened(self._app_row(key))

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

    def change_app(self, key: str, change: Callable[[App], App]) -> App:
        """Write only what changed; unchanged secrets keep their ciphertext."""

        def once() -> App:
            row = self._app_row(key)
            app = self._opened(row)
            changed = change(app)
            if changed == app:
                return app
            before = to_item(plain_attributes(app)) | self._sealed(app, other_than=changed)
            after = to_item(plain_attributes(changed)) | self._sealed(changed, other_than=app)
            self._rewrite(f"APP#{key}", "APP", before, after, row.get("version", 0))
            return changed

        return until_written(once, no_pause, f"app {key}")

    def set_sp_active(self, sp_id: str, *, active: bool) -> None:
        self._set_of_sp(sp_id, "active", active)

    def set_password(self, sp_id: str, password_hash: str) -> None:
        self._set_of_sp(sp_id, "password_hash", password_hash)

    def remove_app(self, key: str) -> None:
        unless_active = {
            "ConditionExpression": "active = :no",
            "ExpressionAttributeValues": to_item({":no": False}),
        }
        deletes = (
            self._delete(f"APP#{key}", "APP", **unless_active),
            remove_slots(self._table, key),
            self._delete(f"APP#{key}", "TOKENS"),
        )
        try:
            with outside(_WHAT):
                self._client.transact_write_items(TransactItems=deletes)  # type: ignore[arg-type]
        except ClientError as error:
            failed = [reason["Code"] == "ConditionalCheckFailed" for reason in error.response["CancellationReasons"]]
            if not any(failed):
                raise OutsideUnavailable(f"{_WHAT}: {code_of(error)}") from error
            self._app_row(key)
            why = (
                "is active: suspend it first" if failed[0] else "has calls in progress: remove it when they have ended"
            )
            raise InvalidField("app", why) from error

    def remove_sp(self, sp_id: str) -> None:
        sp = self.sp(sp_id)
        if apps := self._apps_of(sp_id):
            raise InvalidField("SP", f"has apps: remove them first ({', '.join(apps)})")
        deletes = [self._delete(f"SP#{sp.id}", "SP"), self._delete(f"USERNAME#{sp.username}", "SP")]
        with outside(_WHAT):
            self._client.transact_write_items(TransactItems=deletes)  # type: ignore[arg-type]

    def _apps_of(self, sp_id: str) -> list[str]:
        """The keys of an SP's apps. Reads the whole table, as only the removal of an SP wants to know."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="sk = :app AND sp = :sp",
            ExpressionAttributeValues=to_item({":app": "APP", ":sp": sp_id}),
            ConsistentRead=True,
        )
        with outside(_WHAT):
            return sorted(item["key"]["S"] for page in pages for item in page["Items"])

    def _delete(self, pk: str, sk: str, **condition: Any) -> dict[str, Any]:
        return {"Delete": {"TableName": self._table, "Key": to_item({"pk": pk, "sk": sk})} | condition}

    def app_in(self, key: str, items: Iterable[Mapping[str, Any]]) -> App:
        """The app among items of this table. Raises UnknownApp."""
        rows = [from_item(item) for item in items if item["pk"]["S"] == f"APP#{key}" and item["sk"]["S"] == "APP"]
        if not rows:
            raise UnknownApp(f"no app {key}")
        return self._opened(rows[0])

    def app_with_register(self, app_key: str) -> tuple[App, Register]:
        keys = [to_item({"pk": f"APP#{app_key}", "sk": sk}) for sk in ("APP", "TOKENS")]
        with outside(_WHAT):
            found = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
        if found.get("UnprocessedKeys"):  # throttled
            raise OutsideUnavailable(f"{_WHAT}: UnprocessedKeys")
        items = found["Responses"].get(self._table, [])
        tokens = [from_item(item) for item in items if item["sk"]["S"] == "TOKENS"]
        return self.app_in(app_key, items), _register(tokens[0] if tokens else None)

    def register(self, app_key: str) -> Register:
        return _register(self._row(f"APP#{app_key}", "TOKENS"))

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

    def _set_of_sp(self, sp_id: str, name: str, value: str | bool) -> None:
        names, values, none = {"#name": name}, to_item({":value": value}), UnknownSp(f"no SP {sp_id}")
        self._update(f"SP#{sp_id}", "SP", "SET #name = :value", "attribute_exists(pk)", names, values, none)

    # ---- an app

    def _app_row(self, key: str) -> dict[str, Any]:
        row = self._row(f"APP#{key}", "APP")
        if row is None:
            raise UnknownApp(f"no app {key}")
        return row

    def _opened(self, row: dict[str, Any]) -> App:
        return app_of(row, lambda sealed: self._secrets.open(row["key"], sealed))

    def _sealed(self, app: App, other_than: App | None = None) -> dict[str, Any]:
        """The encrypted secrets of an app; with `other_than`, only those that differ from that state of the app."""
        names = {"secret": app.secret, "older_secret": app.older_secret}
        known = {"secret": other_than.secret, "older_secret": other_than.older_secret} if other_than else {}
        changed = {name: text for name, text in names.items() if text is not None and known.get(name) != text}
        return {name: {"B": self._secrets.seal(app.key, text)} for name, text in changed.items()}

    # ---- the table

    def _row(self, pk: str, sk: str) -> dict[str, Any] | None:
        with outside(_WHAT):
            key = to_item({"pk": pk, "sk": sk})
            found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return from_item(found["Item"]) if "Item" in found else None

    def _rewrite(self, pk: str, sk: str, before: dict[str, Any], after: dict[str, Any], version: int) -> None:
        """Change the attributes that differ, if the version is still the one read. Raises RaceLost."""
        kept = {name: value for name, value in after.items() if before.get(name) != value}
        gone = [name for name in before if name not in after]
        names = {f"#{place}": name for place, name in enumerate([*kept, *gone])}
        values = {f":{place}": value for place, value in enumerate(kept.values())}
        change = "SET version = :next" + "".join(f", #{place} = :{place}" for place in range(len(kept)))
        if gone:
            change += " REMOVE " + ", ".join(f"#{place}" for place in range(len(kept), len(names)))
        # An app that was never changed has no version.
        condition = "version = :read" if version else "attribute_exists(pk) AND attribute_not_exists(version)"
        values |= to_item({":next": version + 1} | ({":read": version} if version else {}))
        self._update(pk, sk, change, condition, names, values, RaceLost(pk))

    def _update(
        self,
        pk: str,
        sk: str,
        change: str,
        condition: str,
        names: dict[str, str],
        values: dict[str, Any],
        refusal: DuologueError,
    ) -> None:
        try:
            with outside(_WHAT):
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"pk": pk, "sk": sk}),
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise refusal from error

    def _put(self, pk: str, sk: str, item: dict[str, Any], refusal: DuologueError, version: int | None = None) -> None:
        """Put an item if it is new, or if its version is still the one read; else raise `refusal`."""
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


def app_key(key: str) -> dict[str, Any]:
    """The key of an app's item, to read it together with other items."""
    return to_item({"pk": f"APP#{key}", "sk": "APP"})


def _register(row: dict[str, Any] | None) -> Register:
    if row is None:
        return Register()
    grants = tuple(_grant(kept) for kept in json.loads(row["grants"]))
    log_ins = tuple(datetime.fromisoformat(at) for at in json.loads(row["log_ins"]))
    return Register(grants, log_ins, row["version"])


def _kept(grant: Grant) -> list[Any]:
    ends = (grant.access_ends_at.isoformat(), grant.refresh_ends_at.isoformat())
    return [grant.access_hash, grant.refresh_hash, *ends, grant.replaced, grant.instead_of, grant.chain]


def _grant(kept: list[Any]) -> Grant:
    access, refresh, access_ends, refresh_ends, replaced, *more = kept
    instead_of, chain, *_ = (*more, "", "")  # older versions wrote neither, or the first only
    ends = datetime.fromisoformat(access_ends), datetime.fromisoformat(refresh_ends)
    return Grant(access, refresh, *ends, replaced=replaced, instead_of=instead_of, chain=chain or instead_of or refresh)

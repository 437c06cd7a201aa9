"""Accounts and tokens in one DynamoDB table.

| pk              | sk       | what                                                                             |
| --------------- | -------- | -------------------------------------------------------------------------------- |
| SP#<id>         | SP       | an SP's account                                                                  |
| USERNAME#<name> | SP       | reserves a user name for one SP                                                  |
| NUMBER#<E.164>  | NUMBER   | the SP that a display number belongs to (dynamo_account_book.py)                 |
| APP#<key>       | APP      | an app; its secrets encrypted by KMS                                             |
| APP#<key>       | TOKENS   | the app's token register (hashes only); writes are conditional on the version    |
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.basics.aws import code_of, from_item, outside, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import Write, write_one
from duologue.adapters.rows.app_rows import app_of, plain_attributes
from duologue.adapters.rows.endpoint_health_row import health_reset
from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.tokens import LOG_IN_WINDOW, Grant, Register
from duologue.domain.errors import DuologueError, RaceLost, UnknownApp, UnknownSp
from duologue.usecases.ports.accounts import Access
from duologue.usecases.until_written import no_pause, until_written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WHAT = "accounts table"
_REMEMBER = timedelta(days=1)
"""How long a register outlives its last token, so that a late client gets "expired", not "unknown"."""


class DynamoAccounts:
    """Implements `usecases.ports.accounts.AppBook`, `Sps` and `Tokens`: what functions do with accounts."""

    def __init__(self, client: "DynamoDBClient", table: str, secrets: KmsSecrets) -> None:
        self._client = client
        self._table = table
        self._secrets = secrets
        self._sp_ids: dict[str, str] = {}
        """Of the apps that were read: an app never changes its SP."""

    def sp(self, sp_id: str) -> Sp:
        return sp_of(self._sp_row(sp_id))

    def app(self, key: str) -> App:
        return self._opened(self._app_row(key))

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
            self._write_app(app, changed, self._rewrite(app_key(key), before, after, row.get("version", 0)))
            return changed

        return until_written(once, no_pause, f"app {key}")

    def app_in(self, key: str, items: Iterable[Mapping[str, Any]]) -> App:
        """The app among items of this table. Raises UnknownApp."""
        rows = [from_item(item) for item in items if item["pk"]["S"] == f"APP#{key}" and item["sk"]["S"] == "APP"]
        if not rows:
            raise UnknownApp(f"no app {key}")
        return self._opened(rows[0])

    def reset_endpoints(self, app_key: str) -> None:
        """Forget failures and switched-off URLs of the app's endpoints, so that they are posted to again."""
        with suppress(UnknownApp):  # there is nothing to forget
            write_one(self._client, WHAT, health_reset(self._table, app_key))

    def access_of(self, app_key: str) -> Access:
        keys = [to_item({"pk": f"APP#{app_key}", "sk": sk}) for sk in ("APP", "TOKENS")]
        if app_key in self._sp_ids:
            keys.append(to_item({"pk": f"SP#{self._sp_ids[app_key]}", "sk": "SP"}))
        items = read_all(self._client, WHAT, {self._table: {"Keys": keys, "ConsistentRead": True}})[self._table]
        rows = {item["sk"]["S"]: from_item(item) for item in items}
        app = self.app_in(app_key, items)
        sp = sp_of(rows["SP"]) if "SP" in rows and rows["SP"]["id"] == app.sp else self.sp(app.sp)
        self._sp_ids[app_key] = app.sp
        return Access(app, _register(rows.get("TOKENS")), sp)

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

    # ---- an SP, an app

    def _sp_row(self, sp_id: str) -> dict[str, Any]:
        row = self._row(f"SP#{sp_id}", "SP")
        if row is None:
            raise UnknownSp(f"no SP {sp_id}")
        return row

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
        with outside(WHAT):
            key = to_item({"pk": pk, "sk": sk})
            found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return from_item(found["Item"]) if "Item" in found else None

    def _write_app(self, _before: App, _after: App, write: Write) -> None:
        """Write the changed row of an app. Raises RaceLost."""
        write_one(self._client, WHAT, write)

    def _rewrite(self, key: dict[str, Any], before: dict[str, Any], after: dict[str, Any], version: int) -> Write:
        """Change the attributes that differ, if the version is still the one read."""
        kept = {name: value for name, value in after.items() if before.get(name) != value}
        gone = [name for name in before if name not in after]
        names = {f"#{place}": name for place, name in enumerate([*kept, *gone])}
        values = {f":{place}": value for place, value in enumerate(kept.values())}
        change = "SET version = :next" + "".join(f", #{place} = :{place}" for place in range(len(kept)))
        if gone:
            change += " REMOVE " + ", ".join(f"#{place}" for place in range(len(kept), len(names)))
        condition, read = version_is(version)
        values |= to_item({":next": version + 1}) | read
        return {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": change,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            }
        }, RaceLost("app")

    def _put(self, pk: str, sk: str, item: dict[str, Any], refusal: DuologueError, version: int | None = None) -> None:
        """Put an item if it is new, or if its version is still the one read; else raise `refusal`."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if version is not None:
            values = to_item({":read": version})
            condition = {"ConditionExpression": "version = :read", "ExpressionAttributeValues": values}
        try:
            with outside(WHAT):
                self._client.put_item(TableName=self._table, Item=to_item({"pk": pk, "sk": sk}) | item, **condition)
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise refusal from error


def sp_of(row: Mapping[str, Any]) -> Sp:
    limit = row.get("calls_per_second", 0)
    return Sp(row["id"], row["username"], row["password_hash"], active=row["active"], calls_per_second=limit)


def app_key(key: str) -> dict[str, Any]:
    """The key of an app's item, to read it together with other items."""
    return to_item({"pk": f"APP#{key}", "sk": "APP"})


def version_is(version: int) -> tuple[str, dict[str, Any]]:
    """The condition that an app's row still has this version, and its values. 0: it was never changed and has none."""
    if version:
        return "version = :read", to_item({":read": version})
    return "attribute_exists(pk) AND attribute_not_exists(version)", {}


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

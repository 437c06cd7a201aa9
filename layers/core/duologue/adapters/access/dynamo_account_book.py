"""Accounts as the operator manages them, in the table of dynamo_accounts.py.

A display number belongs to one SP, because calls to it belong to somebody: item NUMBER#<E.164> has its `sp` and, as a
set, the keys of the `apps` that show it. `answers` is the app that answers unknown callers: the first that showed it,
until the operator names another. If that app no longer shows the number, it is the first of `apps`, alphabetically.

Invariant: each number of an app is in such an item, of the app's SP; both are written in one transaction. Rows older
than this rule are claimed by `duologue number claim`. Without `apps` a number is nobody's: DynamoDB keeps no empty set.

Invariant: each app's SP exists. Adding an app counts up the version of the SP's row, which is removed only if that
version is the one read before its apps were looked for.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from duologue.adapters.access.dynamo_accounts import WHAT, DynamoAccounts, app_key, sp_of, version_is
from duologue.adapters.access.dynamo_directory import DynamoDirectory, listed, unlisted
from duologue.adapters.basics.aws import outside, to_item
from duologue.adapters.basics.dynamo_writes import Write, transact, write_one
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.calls.dynamo_slots import close_slots, open_slots, slots_in_use
from duologue.adapters.rows.app_rows import app_of, plain_attributes
from duologue.adapters.rows.slots_before import remove_set
from duologue.domain.access.accounts import App, Sp
from duologue.domain.errors import AccountExists, InvalidField, NumberTaken, RaceLost, UnknownSp
from duologue.usecases.access.check_app import MOST_NUMBERS_CHANGED
from duologue.usecases.ports.accounts import ListedApp
from duologue.usecases.until_written import no_pause, until_written

_CLOCK = SystemClock()
_CLOSED_FOR = timedelta(days=1)
"""Much longer than a request lasts."""
_MOST_WRITES = 100
"""In one transaction."""


class DynamoAccountBook(DynamoAccounts):
    """Implements `usecases.ports.accounts.AccountBook`."""

    def add_sp(self, sp: Sp) -> None:
        row = {"id": sp.id, "username": sp.username, "password_hash": sp.password_hash, "active": sp.active}
        taken = AccountExists(f"the SP {sp.id} or the user name {sp.username} exists")
        rows = ({"pk": f"SP#{sp.id}", "sk": "SP"} | row, {"pk": f"USERNAME#{sp.username}", "sk": "SP", "id": sp.id})
        accounts = [(self._new(to_item(item)), taken) for item in rows]
        transact(self._client, WHAT, *accounts, listed(self._table, f"SP#{sp.id}"))

    def set_sp_active(self, sp_id: str, *, active: bool) -> None:
        self._set_of_sp(sp_id, "active", active)

    def set_sp_calls_per_second(self, sp_id: str, most: int) -> None:
        self._set_of_sp(sp_id, "calls_per_second", most)

    def set_password(self, sp_id: str, password_hash: str) -> None:
        self._set_of_sp(sp_id, "password_hash", password_hash)

    def add_app(self, app: App) -> None:
        self.sp(app.sp)  # before its numbers are judged
        item = app_key(app.key) | to_item(plain_attributes(app)) | self._sealed(app)
        writes = (
            self._change_of_sp(app.sp, "ADD version :value", 1),
            (self._new(item), AccountExists(f"the app {app.key} exists")),
            listed(self._table, f"APP#{app.key}"),
        )
        until_written(
            lambda: self._with_numbers(app, set(app.display_numbers), (), *writes), no_pause, f"app {app.key}"
        )

    def remove_app(self, key: str) -> None:
        def once() -> None:
            row = self._app_row(key)
            numbers = set(row["display_numbers"].split())
            if row["active"]:
                raise InvalidField("app", "is active: suspend it first")
            if len(numbers) > MOST_NUMBERS_CHANGED:
                raise InvalidField("app", f"has more than {MOST_NUMBERS_CHANGED} display numbers: remove some first")
            busy = InvalidField("app", "has calls in progress: remove it when they have ended")
            with self._no_free_slot(key, row["concurrent_calls"], busy):
                if slots_in_use(self._client, self._table, key):  # greater numbers, from before the limit was lowered
                    raise busy
                deletes = (
                    (self._delete(f"APP#{key}", "APP", **_unchanged(row)), RaceLost(key)),
                    (remove_set(self._table, key), busy),
                    (self._delete(f"APP#{key}", "TOKENS"), RaceLost(key)),
                    unlisted(self._table, f"APP#{key}"),
                )
                transact(self._client, WHAT, *deletes, *(self._release(number, key) for number in sorted(numbers)))

        until_written(once, no_pause, f"app {key}")

    @contextmanager
    def _no_free_slot(self, key: str, limit: int, busy: InvalidField) -> Iterator[None]:
        """Close all slots of an app, and open them again if what follows fails. Raises `busy`: a call holds one.

        A request that is under way may have read the app before it was suspended. From here on it gets no slot, as if
        all were taken, and the app's calls can be counted.
        """
        expires = int((_CLOCK.now() + _CLOSED_FOR).timestamp())
        some = [range(limit)[first : first + _MOST_WRITES] for first in range(0, limit, _MOST_WRITES)]
        closed: list[range] = []
        try:
            for numbers in some:
                transact(self._client, WHAT, *close_slots(self._table, key, numbers, expires, busy))
                closed.append(numbers)
            yield
        except BaseException:  # whatever it is, also an interrupt: the app is still there, and may be resumed
            for numbers in closed:
                transact(self._client, WHAT, *open_slots(self._table, key, numbers))
            raise

    def remove_sp(self, sp_id: str) -> None:
        def once() -> None:
            row = self._sp_row(sp_id)
            if apps := sorted(app.app_key for app in self.listed_apps(thorough=True) if app.sp == sp_id):
                raise InvalidField("SP", f"has apps: remove them first ({', '.join(apps)})")
            account = self._delete(f"SP#{sp_id}", "SP", **_unchanged(row))
            name = self._delete(f"USERNAME#{row['username']}", "SP")
            entry = unlisted(self._table, f"SP#{sp_id}")
            transact(self._client, WHAT, (account, RaceLost(sp_id)), (name, RaceLost(sp_id)), entry)

        until_written(once, no_pause, f"SP {sp_id}")

    def app_without_secrets(self, key: str) -> App:
        return app_of(self._app_row(key), lambda _sealed: "")

    def listed_apps(self, *, thorough: bool = False) -> Iterator[ListedApp]:
        for row in self._directory.accounts("APP", thorough=thorough):
            numbers = tuple(row["display_numbers"].split())
            yield ListedApp(row["key"], row["sp"], numbers, active=row.get("active", True))

    def listed_sps(self) -> Iterator[Sp]:
        return map(sp_of, self._directory.accounts("SP"))

    @property
    def _directory(self) -> DynamoDirectory:
        return DynamoDirectory(self._client, self._table)

    def is_display_number(self, number: str) -> bool:
        return self._row(f"NUMBER#{number}", "NUMBER") is not None

    def display_numbers(self) -> Iterator[str]:
        """The item of a number stays when no app shows it any more."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="sk = :number",
            ExpressionAttributeValues=to_item({":number": "NUMBER"}),
            ProjectionExpression="pk",
        )
        with outside(WHAT):
            for page in pages:
                yield from (item["pk"]["S"].removeprefix("NUMBER#") for item in page["Items"])

    def claim_number(self, number: str, app_key: str, sp: str) -> None:
        def once() -> None:
            self._check_owners({number}, sp)
            write_one(self._client, WHAT, self._claim(number, app_key, sp))

        until_written(once, no_pause, "display number")

    def set_answering_app(self, number: str, app_key: str) -> None:
        self._app_row(app_key)
        update = self._of_number(number, app_key, "SET answers = :app")
        update["ConditionExpression"] = "contains(apps, :app)"
        update["ExpressionAttributeValues"] = to_item({":app": app_key})
        refusal = InvalidField("display number", f"{number} is not shown by the app {app_key}")
        write_one(self._client, WHAT, ({"Update": update}, refusal))

    def _write_app(self, before: App, after: App, write: Write) -> None:
        had, has = set(before.display_numbers), set(after.display_numbers)
        if had == has:
            super()._write_app(before, after, write)
        else:
            self._with_numbers(after, has - had, had - has, write)

    def _with_numbers(self, app: App, claimed: Collection[str], released: Collection[str], *writes: Write) -> None:
        """Write an app's row together with its numbers. Raises NumberTaken, RaceLost, the errors of `writes`."""
        self._check_owners(claimed, app.sp)
        claims = [self._claim(number, app.key, app.sp) for number in sorted(claimed)]
        transact(self._client, WHAT, *writes, *claims, *(self._release(number, app.key) for number in sorted(released)))

    def _check_owners(self, numbers: Collection[str], sp: str) -> None:
        """Raises NumberTaken."""
        for number in sorted(numbers):
            row = self._row(f"NUMBER#{number}", "NUMBER")
            if row is not None and row.get("apps") and row["sp"] != sp:
                raise NumberTaken(number, row["sp"])

    def _claim(self, number: str, key: str, sp: str) -> Write:
        update = self._of_number(number, key, "SET sp = :sp, answers = if_not_exists(answers, :app) ADD apps :apps")
        update["ConditionExpression"] = "attribute_not_exists(apps) OR sp = :sp"
        update["ExpressionAttributeValues"] |= to_item({":sp": sp, ":app": key})
        return {"Update": update}, RaceLost("display number")

    def _release(self, number: str, key: str) -> Write:
        return {"Update": self._of_number(number, key, "DELETE apps :apps")}, RaceLost("display number")

    def _of_number(self, number: str, key: str, change: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": to_item({"pk": f"NUMBER#{number}", "sk": "NUMBER"}),
            "UpdateExpression": change,
            "ExpressionAttributeValues": {":apps": {"SS": [key]}},
        }

    def _delete(self, pk: str, sk: str, **condition: Any) -> dict[str, Any]:
        return {"Delete": {"TableName": self._table, "Key": to_item({"pk": pk, "sk": sk})} | condition}

    def _new(self, item: dict[str, Any]) -> dict[str, Any]:
        put = {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        return {"Put": put}

    def _set_of_sp(self, sp_id: str, name: str, value: str | int) -> None:
        change = self._change_of_sp(sp_id, "SET #name = :value", value, ExpressionAttributeNames={"#name": name})
        write_one(self._client, WHAT, change)

    def _change_of_sp(self, sp_id: str, change: str, value: str | int, **names: dict[str, str]) -> Write:
        """`change` names the value `:value`. Its condition fails if there is no such SP."""
        update = {
            "TableName": self._table,
            "Key": to_item({"pk": f"SP#{sp_id}", "sk": "SP"}),
            "UpdateExpression": change,
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": to_item({":value": value}),
        }
        return {"Update": update | names}, UnknownSp(f"no SP {sp_id}")


def _unchanged(row: dict[str, Any]) -> dict[str, Any]:
    """The condition of a write that a row still has the version that was read."""
    condition, values = version_is(row.get("version", 0))
    return {"ConditionExpression": condition} | ({"ExpressionAttributeValues": values} if values else {})

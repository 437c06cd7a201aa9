"""Calls in DynamoDB. A change is written entirely or not at all.

                    version is the one read ──no──▶ RaceLost
    save ──▶        EVENT is new            ──no──▶ EventAlreadyProcessed   (R12)
                    CDR is new              ──no──▶ CdrAlreadyWritten       (R10)
                    the slot is freed
                    MEMORY is the newest    ──no──▶ all but that            (docs/decisions/0014)

A change without event and facts is one UpdateItem; any other is one transaction. Rows and keys: `call_rows.py`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, outside, to_item, to_value
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import Write, transact, write_one
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.calls.dynamo_people import listings
from duologue.adapters.calls.dynamo_slots import free
from duologue.adapters.calls.remembering import write_remembering
from duologue.adapters.rows.call_rows import (
    ASKED,
    CALL,
    CDR,
    HUNG_UP,
    STARTS,
    TOKEN,
    asked_row,
    call_of_rows,
    call_row,
    cdr_row,
    event_key,
    event_row,
    listing,
    own_event_key,
    token_of,
    written_time,
)
from duologue.adapters.rows.rows_before import in_todays_terms, token_in
from duologue.adapters.rows.sealed_rows import RowSeal, opened_item
from duologue.adapters.rows.slots_before import IN_SET
from duologue.adapters.rows.sweep_index import OPEN, OVER, listed_as
from duologue.call_control.facts import Fact
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call
from duologue.domain.calls.due import RECONCILIATION, due_by
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import (
    CallAlreadyAccepted,
    CallerHungUp,
    CdrAlreadyWritten,
    EventAlreadyProcessed,
    RaceLost,
    StaleAttempt,
)
from duologue.domain.memory.call_memory import CallMemory
from duologue.usecases.ports.call_changes import Change, ProcessedEvent, SavedCall

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CLOCK = SystemClock()
WHAT = "calls table"
_HUNG_UP_KEPT = timedelta(hours=1)
"""Much longer than the network repeats the event that reports the call."""


class DynamoCalls:
    """Implements `usecases.ports.calls.Calls`."""

    def __init__(
        self,
        client: "DynamoDBClient",
        calls: str,
        accounts: str,
        keep: timedelta,
        rows: RowSeal,
        now: Callable[[], datetime] = _CLOCK.now,
    ) -> None:
        """`calls`, `accounts`: the tables' names. `keep`: retention of a call's items from its acceptance."""
        self.rows = rows
        self._now = now
        self._client = client
        self._calls = calls
        self._accounts = accounts
        self._keep = keep

    def load(self, call_id: str) -> SavedCall:
        return _saved(call_id, self._items(call_id))

    def load_for(self, call_id: str, network_call: str, event: str) -> tuple[SavedCall, ProcessedEvent | None]:
        key = event_key(network_call, event)
        items = self._items(call_id, key)
        saved = _saved(call_id, items)
        if key not in items:
            return saved, None
        return saved, processed_in(items[key], network_call, event)

    def save(self, change: Change) -> None:
        self.write(*self.writes(change), remembers=change.remembers)

    def store_token(self, call_id: str, token: TaskToken) -> None:
        row: dict[str, Any] = {"token": token.value, "waits_for": token.waits_for, "rank": token.rank}
        row["expires_at"] = token.rank // 1_000_000 + int(self._keep.total_seconds())
        put = {
            "TableName": self._calls,
            "Item": key_of(call_id, TOKEN) | to_item(row),
            "ConditionExpression": "attribute_not_exists(#rank) OR #rank <= :rank",
            "ExpressionAttributeNames": {"#rank": "rank"},
            "ExpressionAttributeValues": {":rank": to_value(token.rank)},
        }
        write_one(self._client, WHAT, ({"Put": put}, StaleAttempt(call_id)))

    def note_hang_up(self, call_id: str) -> None:
        expires = int((self._now() + _HUNG_UP_KEPT).timestamp())
        item = key_of(call_id, HUNG_UP) | to_item({"expires_at": expires})
        write_one(self._client, WHAT, ({"Put": {"TableName": self._calls, "Item": item}}, RaceLost(call_id)))

    def task_token(self, call_id: str) -> TaskToken | None:
        with outside(WHAT):
            found = self._client.get_item(TableName=self._calls, Key=key_of(call_id, TOKEN), ConsistentRead=True)
        return token_of(from_item(found["Item"])) if "Item" in found else None

    # ---- writes, also for transactions of other adapters

    def new(self, call: Call, close_by: datetime, slot: str = "", reserved: str = "") -> list[Write]:
        """The writes of a new call, which may be over already. `slot`: the name of what it holds.

        `reserved`: what it holds of its day (dynamo_day_budget.py).
        """
        listed = listings(call, self.rows)
        row, exists = call_row(call) | {"version": 1} | listed[CALL], CallAlreadyAccepted(call.id)
        holds = {"slot": slot} | ({"reserved": reserved} if reserved else {})
        asked = self._put(call, ASKED, asked_row(call) | holds | listed[ASKED]), exists
        if call.ended_at is not None:
            row |= self._over(call)
            cdr = [(self._put(call, CDR, cdr_row(cdr_of(call, 1, self._keep))), exists)]
            return [(self._put(call, CALL, row), exists), asked, *cdr]
        row |= {OPEN: listed_as(OPEN, call.id), "close_by": written_time(close_by)}
        return [(self._put(call, CALL, row), exists), asked]

    def caller_is_there(self, call: Call) -> Write:
        """A check for the transaction that begins a call: of it and `note_hang_up` the second knows of the first."""
        check = {
            "TableName": self._calls,
            "Key": key_of(call.id, HUNG_UP),
            "ConditionExpression": "attribute_not_exists(#item)",
            "ExpressionAttributeNames": {"#item": "item"},
        }
        return {"ConditionCheck": check}, CallerHungUp(call.id)

    def new_event(self, call: Call, facts: tuple[Fact, ...], event: ProcessedEvent, *, starts_flow: bool) -> Write:
        """The write of the event that begins a call."""
        row = event_row(call.app, 1, facts) | {"answer": event.answer} | ({STARTS: True} if starts_flow else {})
        row |= listing(call, 1, self._second(0))
        return self._put(call, event_key(event.network_call, event.key), row), EventAlreadyProcessed(call.id)

    def writes(self, change: Change, *, withdrawn: bool = False) -> list[Write]:
        """The writes of a change, in the order in which their refusals are reported.

        `withdrawn`: the call does not count as one of its day.
        """
        call = change.after
        second = self._second(change.before.event_second)
        writes: list[Write] = [(self._update(change, second), RaceLost(call.id))]
        event = change.processed
        if event is not None or change.facts or change.resumes is not None:
            first = call.facts - len(change.facts) + 1
            row = event_row(call.app, first, change.facts)
            row |= listing(call, first, second) if change.facts else {}
            row |= {} if change.resumes is None else {"resumes": change.resumes}
            if event is None:
                writes.append((self._put(call, own_event_key(change.before.version), row), RaceLost(call.id)))
            else:
                row["answer"] = event.answer
                item = event_key(event.network_call, event.key)
                writes.append((self._put(call, item, row), EventAlreadyProcessed(call.id)))
        if change.finalizes:
            cdr = cdr_of(call, change.before.version + 1, self._keep)
            writes.append((self._put(call, CDR, cdr_row(cdr)), CdrAlreadyWritten(call.id)))
            writes += free(self._accounts, call, change.before.slot)
            if change.before.reserved:
                from duologue.adapters.calls.dynamo_day_budget import settle  # few apps have ceilings

                writes.append(settle(self._accounts, call, change.before.reserved, withdrawn=withdrawn))
        return writes

    def write(self, *writes: Write, remembers: CallMemory | None = None) -> None:
        if remembers is not None:
            write_remembering(self._client, WHAT, self._accounts, remembers, *writes)
        elif len(writes) == 1:
            write_one(self._client, WHAT, writes[0])
        else:
            transact(self._client, WHAT, *writes)

    def _update(self, change: Change, second: int) -> dict[str, Any]:
        """Set only what changed."""
        before, after = call_row(change.before.call), call_row(change.after)
        sets: dict[str, Any] = {name: value for name, value in after.items() if before.get(name) != value}
        removes = sorted(before.keys() - after.keys())
        if change.facts:
            sets["event_second"] = second
        if change.dial_mark is not None:
            sets["dial_mark"] = change.dial_mark
        if change.clears_dial_mark:
            removes.append("dial_mark")
        if change.finalizes:
            sets |= self._over(change.after)
        elif (due := _new_close_by(change)) is not None:
            sets["close_by"] = written_time(due)
        names = {f"#{place}": name for place, name in enumerate([*sets, *removes])}
        assigned = "".join(f", #{place} = :{place}" for place in range(len(sets)))
        removed = ", ".join(f"#{place}" for place in range(len(sets), len(names)))
        values = {f":{place}": to_value(value) for place, value in enumerate(sets.values())}
        version = {":before": to_value(change.before.version), ":next": to_value(change.before.version + 1)}
        request = {
            "TableName": self._calls,
            "Key": key_of(change.after.id, CALL),
            "UpdateExpression": f"SET version = :next{assigned}" + (f" REMOVE {removed}" if removed else ""),
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": values | version,
        }
        return {"Update": request | ({"ExpressionAttributeNames": names} if names else {})}

    def _over(self, call: Call) -> dict[str, str]:
        """What puts a call that is over among those to be reconciled."""
        return {OPEN: listed_as(OVER, call.id), "close_by": written_time(self._now() + RECONCILIATION)}

    def _second(self, before: int) -> int:
        """The second of an event, never before that of the call's previous one, whatever the clocks say."""
        return max(int(self._now().timestamp()), before)

    def _put(self, call: Call, item: str, row: dict[str, Any]) -> dict[str, Any]:
        expires = int((call.accepted_at + self._keep).timestamp())
        whole = key_of(call.id, item) | to_item(self.rows.closed(call.id, item, row)) | to_item({"expires_at": expires})
        return {
            "Put": {
                "TableName": self._calls,
                "Item": whole,
                "ConditionExpression": "attribute_not_exists(#item)",
                "ExpressionAttributeNames": {"#item": "item"},
            }
        }

    def _items(self, call_id: str, *more: str) -> dict[str, dict[str, Any]]:
        """The existing rows of a call by sort key: CALL, ASKED, TOKEN and `more`."""
        keys = [key_of(call_id, item) for item in (CALL, ASKED, TOKEN, *more)]
        found = read_all(self._client, WHAT, {self._calls: {"Keys": keys, "ConsistentRead": True}})
        return {item["item"]["S"]: opened_item(self.rows, item) for item in found[self._calls]}


def processed_in(row: Mapping[str, Any], network_call: str, event: str) -> ProcessedEvent:
    """The processed event of its row."""
    resumes = Wait(row["resumes"]) if "resumes" in row else None
    return ProcessedEvent(network_call, event, row["answer"], resumes)


def key_of(call_id: str, item: str) -> dict[str, Any]:
    return to_item({"call": call_id, "item": item})


def _new_close_by(change: Change) -> datetime | None:
    """The due time to store (domain/calls/due.py); None: keep the stored one, which may be earlier but never later."""
    if change.after.ended_at is not None:
        return None
    due, stored = due_by(change.after), change.before.close_by
    return due if change.postpones or stored is None or due < stored else None


def _saved(call_id: str, items: Mapping[str, dict[str, Any]]) -> SavedCall:
    items = in_todays_terms(items)
    call, row = call_of_rows(call_id, items), items[CALL]
    look_at = datetime.fromisoformat(row["close_by"]) if "close_by" in row else None
    return SavedCall(
        call=call,
        version=row["version"],
        task_token=token_of(items[TOKEN]) if TOKEN in items else token_in(row),
        dial_mark=row.get("dial_mark"),
        event_second=row.get("event_second", 0),
        close_by=look_at if call.ended_at is None else None,
        reconcile_at=None if call.ended_at is None else look_at,
        slot=items[ASKED].get("slot", IN_SET),
        reserved=items[ASKED].get("reserved", ""),
    )

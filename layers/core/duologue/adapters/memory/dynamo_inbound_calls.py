"""Calls to display numbers: everything that decides about one is read at once, and its answer is one transaction.

    find    NUMBER#<display>  ─┐
            NUMBER#<dialler>   │
            MEMORY of the pair ├─ one BatchGetItem
            EVENT              │
            APP and SP rows   ─┘  of the apps that this process has needed for the display number before

A second read is made only if other apps are needed, which is known from the first. So what is remembered here spares a
read, and no setting is older than the call.

| pk              | sk                | what                                                                          |
| --------------- | ----------------- | ----------------------------------------------------------------------------- |
| COUNT#<display> | UNCONNECTED#<min> | n: recorded calls of that minute (epoch) to a display number that rang nobody |
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.aws import from_item, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import Write, count_up, write_one
from duologue.adapters.basics.numbered_places import Choose, choose, take_each
from duologue.adapters.calls.dynamo_calls import DynamoCalls, key_of, processed_in
from duologue.adapters.calls.dynamo_slots import slot_name, slots_of, take_pair
from duologue.adapters.rows.app_rows import app_of
from duologue.adapters.rows.call_rows import event_key
from duologue.adapters.rows.memory_rows import memory_key, memory_of
from duologue.adapters.rows.sealed_rows import opened_item
from duologue.domain.accounting.acceptance_limits import NO_LIMITS
from duologue.domain.calls.due import due_by
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.errors import TooManyCalls
from duologue.domain.memory.call_memory import CallMemory, InboundApp
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.call_changes import ProcessedEvent
from duologue.usecases.ports.memories import Found, InboundAnswer, InboundEvent, NumberOwner

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WHAT = "accounts table and calls table"
_MOST_APPS = 4
"""Whose rows are read for a display number before it is known that they are needed."""
_MOST_NUMBERS = 1000

RowKey = tuple[str, str]
Rows = Mapping[RowKey, dict[str, Any]]
"""Rows of the accounts table, by pk and sk."""


class DynamoInboundCalls:
    """Implements `usecases.ports.memories.InboundCalls`."""

    def __init__(
        self, client: "DynamoDBClient", accounts: str, calls_table: str, calls: DynamoCalls, choose: Choose = choose
    ) -> None:
        """`accounts`, `calls_table`: the tables' names. `calls`: writes the calls. `choose`: as in DynamoAcceptance."""
        self._client = client
        self._accounts = accounts
        self._calls_table = calls_table
        self._calls = calls
        self._choose = choose
        self._needed: dict[PhoneNumber, tuple[RowKey, ...]] = {}
        """By display number, the rows of its SP and apps, the newest first."""

    def find(
        self, display: PhoneNumber, dialler: PhoneNumber | None, key: MemoryKey | None, event: InboundEvent | None
    ) -> Found:
        guessed = self._needed.get(display, ())
        wanted = {_number(display), *guessed} | ({_number(dialler)} if dialler else set())
        rows, processed = self._read(wanted | ({_memory(key)} if key else set()), event)
        owner = _owner(rows.get(_number(display)))
        memory = None if key is None else memory_of(rows.get(_memory(key)))
        needed = _rows_of(owner, memory)
        if missing := set(needed).difference(guessed):
            rows = {**rows, **self._read(missing, None)[0]}
        self._learn(display, needed, guessed)
        return Found(
            owner=owner,
            memory=memory,
            memory_app=None if memory is None or owner is None else _app(rows, memory.app, owner.sp),
            owner_app=None if owner is None else _app(rows, owner.app, owner.sp),
            dialler_is_ours=dialler is not None and _owner(rows.get(_number(dialler))) is not None,
            before=processed,
        )

    def accept(self, answer: InboundAnswer) -> None:
        call = answer.call
        if answer.slots is None:
            self._write(answer)
            return
        slots = slots_of(self._client, self._accounts, call, answer.slots)
        pair = take_pair(self._accounts, call)

        def take(of_day: Sequence[Write], reserved: str) -> None:
            def write(numbers: Sequence[int]) -> None:
                taking = (*pair, slots.take(*numbers), *of_day)
                self._write(answer, *taking, slot=slot_name(*numbers), reserved=reserved)

            take_each([slots], write, self._choose)

        if answer.limits is NO_LIMITS:
            take([], "")
            return
        from duologue.adapters.calls.dynamo_day_budget import day_counts, within  # few apps have ceilings

        counts = day_counts(self._accounts, call, answer.limits)
        within(
            self._client,
            self._accounts,
            call,
            answer.limits.budget,
            self._choose,
            lambda of_day, reserved: take([*counts, *of_day], reserved),
        )

    def _write(self, answer: InboundAnswer, *taking: Write, slot: str = "", reserved: str = "") -> None:
        event = self._calls.new_event(answer.call, answer.facts, answer.processed, starts_flow=bool(slot))
        new = self._calls.new(answer.call, due_by(answer.call), slot, reserved)
        new += [] if answer.call.ended_at is not None else [self._calls.caller_is_there(answer.call)]
        self._calls.write(event, *taking, *new, remembers=answer.remembers)

    def count_unconnected(self, display: PhoneNumber, now: datetime, most: int) -> bool:
        minute = int(now.timestamp()) // 60
        counter = to_item({"pk": f"COUNT#{display.e164}", "sk": f"UNCONNECTED#{minute}"})
        try:
            write_one(self._client, _WHAT, (count_up(self._accounts, counter, now, most), TooManyCalls(display.e164)))
        except TooManyCalls:
            return False
        return True

    def _read(self, wanted: Iterable[RowKey], event: InboundEvent | None) -> tuple[Rows, ProcessedEvent | None]:
        keys = [to_item({"pk": pk, "sk": sk}) for pk, sk in sorted(wanted)]
        item = "" if event is None else event_key(event.network_call, event.event_key)
        of_event: dict[str, Any] = {}
        if event is not None:
            of_event = {self._calls_table: {"Keys": [key_of(event.call_id, item)], "ConsistentRead": True}}
        wanted_items = {self._accounts: {"Keys": keys, "ConsistentRead": True}, **of_event}
        found = read_all(self._client, _WHAT, wanted_items)
        rows = [from_item(each) for each in found[self._accounts]]
        before = [opened_item(self._calls.rows, each) for each in found.get(self._calls_table, [])]
        processed = processed_in(before[0], event.network_call, event.event_key) if before and event else None
        return {(row["pk"], row["sk"]): row for row in rows}, processed

    def _learn(self, display: PhoneNumber, needed: tuple[RowKey, ...], guessed: tuple[RowKey, ...]) -> None:
        if len(self._needed) >= _MOST_NUMBERS:
            self._needed.clear()
        self._needed[display] = tuple(dict.fromkeys((*needed, *guessed)))[:_MOST_APPS]


def _number(number: PhoneNumber) -> RowKey:
    return f"NUMBER#{number.e164}", "NUMBER"


def _memory(key: MemoryKey) -> RowKey:
    where = memory_key(key)
    return where["pk"], where["sk"]


def _owner(row: Mapping[str, Any] | None) -> NumberOwner | None:
    """Without apps a number is nobody's (dynamo_account_book.py)."""
    if row is None or not row.get("apps"):
        return None
    answers = row.get("answers", "")
    return NumberOwner(row["sp"], answers if answers in row["apps"] else min(row["apps"]))


def _rows_of(owner: NumberOwner | None, memory: CallMemory | None) -> tuple[RowKey, ...]:
    """The rows of the owner, of its answering app, and of the memory's app. Another SP's memory is none."""
    if owner is None:
        return ()
    apps = [owner.app] if memory is None or memory.sp != owner.sp else [memory.app, owner.app]
    return (f"SP#{owner.sp}", "SP"), *((f"APP#{app}", "APP") for app in dict.fromkeys(apps))


def _app(rows: Rows, key: str, sp: str) -> InboundApp | None:
    """An app of the SP; None: there is none."""
    row, of = rows.get((f"APP#{key}", "APP")), rows.get((f"SP#{sp}", "SP"))
    if row is None or row["sp"] != sp:
        return None
    app = app_of(row, lambda _sealed: "")  # its secrets stay sealed
    return InboundApp.of(app, sp_is_active=of is not None and of["active"])

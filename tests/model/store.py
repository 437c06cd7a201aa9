"""The calls store of the model: one call, and each operation on it as the contract-tested fake answers it."""

from dataclasses import replace
from typing import Any, NamedTuple

from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import DuologueError
from duologue.usecases.ports.call_changes import Change, ProcessedEvent, SavedCall
from tests.fakes.calls import FakeCalls
from tests.model.programs import APP, CALL_ID, Op, Raised, Read
from tests.samples import NETWORK_CALL, NOW

_VERSION = 5


class Row(NamedTuple):
    """What is stored of the call. `processed`: the events that may still come again."""

    call: Call
    mark: str | None = None
    token: TaskToken | None = None
    has_cdr: bool = False
    holds_slot: bool = True
    processed: tuple[ProcessedEvent, ...] = ()


class Done(NamedTuple):
    """What an operation gave, and what it left behind. `wrote`: the version of the call was stepped."""

    result: Any
    row: Row
    resumes: Wait | None = None
    wrote: bool = False


def operate(op: Op, row: Row) -> Done:
    """A write is based on a read of this row: one based on an older read is refused (Library.lose_race)."""
    fake = _holding(row)
    try:
        result = _do(fake, op)
    except DuologueError as error:
        return Done(Raised(type(error)), row)
    after = fake.rows[CALL_ID]
    left = Row(
        call=after.call,
        mark=after.dial_mark,
        token=fake.tokens.get(CALL_ID),
        has_cdr=CALL_ID in fake.cdrs,
        holds_slot=CALL_ID in fake.slots[APP],
        processed=tuple(sorted(fake._processed.values(), key=lambda event: event.key)),
    )
    resumes = next((each.resumes for each in fake.committed if each.resumes is not None), None)
    return Done(result, left, resumes, wrote=after.version != _VERSION)


def _holding(row: Row) -> FakeCalls:
    fake = FakeCalls()
    fake.rows[CALL_ID] = SavedCall(row.call, _VERSION, None, row.mark, None if row.has_cdr else NOW)
    fake.facts[CALL_ID] = {}
    fake.slots[APP] = {CALL_ID} if row.holds_slot else set()
    fake._processed.update({(CALL_ID, event.network_call, event.key): event for event in row.processed})
    if row.token is not None:
        fake.tokens[CALL_ID] = row.token
    if row.has_cdr:
        fake.cdrs[CALL_ID] = cdr_of(row.call)
    return fake


def _do(fake: FakeCalls, op: Op) -> Any:
    match op.name, op.args:
        case "load", _:
            saved = fake.load(CALL_ID)
            return Read(saved.call, saved.dial_mark, saved.task_token)
        case "load_event", (event_key,):
            return fake.load_for(CALL_ID, NETWORK_CALL, event_key)[1]
        case "save", (Change() as change,):
            return fake.save(replace(change, before=replace(change.before, version=_VERSION)))
        case "store_token", (token,):
            return fake.store_token(CALL_ID, token)
        case _:
            return fake.task_token(CALL_ID)

"""Call memories as the SP reads and deletes them; `requests` has its changes, which are JSON.

The format's pages do not show its call memory API, so this one is ours, with the format's names: `displayNbr` is the
display number, `calleeNbr` the number that dials it, `callerNbr` the number that is rung. Times are as in histories.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duologue.domain.errors import InvalidField
from duologue.domain.memory.call_memory import CallMemory, OpenedMemory, SetBy, WhyNot
from duologue.domain.memory.memory_history import ExplainedMemory, MemoryChange, Pair
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.histories import present, written_time
from duologue.wire.huawei.query import read_number
from duologue.wire.huawei.results import Answer, success
from duologue.wire.huawei.session_id import session_id

MOST_LISTED = 100
_USUALLY_LISTED = 25
_LONGEST = 128
_WHOLE = re.compile(r"[0-9]{1,9}")

WHY_NOT = {
    WhyNot.LOOP: "calleeNbr is a display number itself; its calls are rejected",
    WhyNot.OTHER_SP: "the display number belongs to another SP",
    WhyNot.APP_INACTIVE: "the app of the remembered call was suspended or removed",
    WhyNot.MEMORY_OFF: "the app of the remembered call does not use call memory any more",
    WhyNot.COUNTRY: "the app of the remembered call may not dial the country of callerNbr any more",
}
"""All but those for which there is no memory to look up."""
_SET_BY = {
    SetBy.CALL: "the called party of sessionId was called from displayNbr at rememberedAt",
    SetBy.SP: "callerNbr was set by a request at rememberedAt",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """`cursor`: of the page before; None: from the beginning."""

    display: PhoneNumber
    limit: int
    cursor: str | None = None


def read_memory_query(query: Mapping[str, str]) -> Pair | Listing:
    """A pair, or without `calleeNbr` a page of a display number's memories. Raises InvalidField."""
    display = read_number(query, "displayNbr")
    if query.get("calleeNbr"):
        return Pair(display, read_number(query, "calleeNbr"))
    limit = _whole(query, "limit") if query.get("limit") else _USUALLY_LISTED
    if not 1 <= limit <= MOST_LISTED:
        raise InvalidField("limit", f"must be 1 to {MOST_LISTED}")
    cursor = query.get("cursor") or None
    if cursor is not None and len(cursor) > _LONGEST:
        raise InvalidField("cursor", f"must have 1 to {_LONGEST} characters")
    return Listing(display, limit, cursor)


def read_memory_deletion(query: Mapping[str, str]) -> tuple[Pair, int]:
    """The pair, and the version that the SP has seen. Raises InvalidField."""
    return Pair(read_number(query, "displayNbr"), read_number(query, "calleeNbr")), _whole(query, "version")


def memory_found(explained: ExplainedMemory, host: str) -> Answer:
    memory, reason = explained.memory, explained.why_not
    said = _memory(memory, explained.opened, host) | present(
        wouldRing=reason is None,
        reason=None if reason is None else str(reason),
        why=_SET_BY[memory.set_by] if reason is None else WHY_NOT[reason],
        history=[_change(change) for change in explained.changes],
    )
    return success(callMemory=said)


def memories_found(memories: Sequence[tuple[CallMemory, OpenedMemory]], cursor: str | None, host: str) -> Answer:
    """`cursor`: of the next page; None: this is the last."""
    return success(callMemories=[_memory(*each, host) for each in memories], **present(cursor=cursor))


def _memory(memory: CallMemory, opened: OpenedMemory, host: str) -> dict[str, Any]:
    return present(
        displayNbr=opened.display.e164,
        calleeNbr=opened.dialler.number.e164,
        callerNbr=opened.target.number.e164,
        setBy=str(memory.set_by),
        sessionId=session_id(memory.session, host),
        userData=opened.terms.user_data,
        rememberedAt=written_time(memory.remembered_at),
        expiresAt=written_time(memory.expires_at),
        version=memory.version,
    )


def _change(change: MemoryChange) -> dict[str, Any]:
    numbers = present(**{"from": change.before, "to": change.after})
    return {"at": written_time(change.at), "who": change.who, **numbers, "version": change.version}


def _whole(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    if not text:
        raise InvalidField(name, "is required")
    if not _WHOLE.fullmatch(text):
        raise InvalidField(name, "must be a whole number in the digits 0-9")
    return int(text)

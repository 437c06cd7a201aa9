"""The events of an app from a cursor: our addition to the format. Each has the body of its notification.

A cursor is a position as text, opaque to the SP; it is only good for the app's own events, so it needs no signature.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from duologue.call_control.app_events import CommittedFacts, EventPage, EventPosition, Replayed, UndeliveredFact
from duologue.domain.errors import InvalidField, UnknownNotification
from duologue.wire.huawei.deliveries import delivery_of
from duologue.wire.huawei.histories import present, written_time
from duologue.wire.huawei.notifications import event_of
from duologue.wire.huawei.query import read_moment
from duologue.wire.huawei.records import Records
from duologue.wire.huawei.results import Answer, success
from duologue.wire.huawei.standard_webhooks import message_id

MOST = 50
_POSITION = re.compile(r"([0-9]{1,10})#([0-9]{1,10}(?:_[0-9]{1,14}){3})#([0-9]{1,6})", re.ASCII)


def read_events_query(query: Mapping[str, str]) -> tuple[EventPosition | None, int]:
    """Position and limit. Raises InvalidField."""
    limit = query.get("limit") or str(MOST)
    if not re.fullmatch(r"[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= MOST:
        raise InvalidField("limit", f"must be 1 to {MOST}")
    cursor = query.get("after") or ""
    return (_read(cursor) if cursor else None), int(limit)


def events_found(page: EventPage, after: str, host: str, records: Records) -> Answer:
    """`after`: the cursor of the request, which is still the SP's if there is nothing new."""
    return success(
        events=[event for committed in page.events for event in _events(committed, host, records)],
        next=_written(page.events[-1].position) if page.events else after,
        more=page.more,
    )


def undelivered_found(found: Sequence[UndeliveredFact], after: str, limit: int) -> Answer:
    """`found`: one more than `limit` if there are more."""
    listed = found[:limit]
    return success(
        notifications=[
            {
                "id": message_id(each.position.call_id, each.position.first),
                "sequence": each.position.first,
                **delivery_of(each.delivery),
            }
            for each in listed
        ],
        next=_written(listed[-1].position) if listed else after,
        more=len(found) > limit,
    )


def read_replay(query: Mapping[str, str]) -> tuple[str, int] | tuple[datetime, datetime]:
    """Call id and sequence of one notification, or a span of time. Raises InvalidField, UnknownNotification."""
    if query.get("id"):
        call_id, _, sequence = query["id"].rpartition("-")
        if not re.fullmatch(r"[0-9_]{1,60}", call_id, re.ASCII) or not re.fullmatch(r"[0-9]{1,6}", sequence, re.ASCII):
            raise UnknownNotification("not the id of a notification")
        return call_id, int(sequence)
    since, until = read_moment(query, "from"), read_moment(query, "to")
    if until < since:
        raise InvalidField("to", "must not be earlier than from")
    return since, until


def replayed(done: Replayed) -> Answer:
    return success(**present(replayed=done.count, rest=written_time(done.rest)))


def _events(committed: CommittedFacts, host: str, records: Records) -> list[dict[str, Any]]:
    call = committed.call
    bodies = {
        sequence: event_of(call, fact, committed.cdr, host, records)
        for sequence, fact in sorted(committed.facts.items())
    }
    return [
        {"id": message_id(call.id, sequence), "sequence": sequence, "notification": body}
        for sequence, body in bodies.items()
        if body is not None
    ]


def _written(position: EventPosition) -> str:
    text = f"{position.second}#{position.call_id}#{position.first}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> EventPosition:
    wrong = InvalidField("after", "must be the `next` of an earlier answer")
    try:
        text = base64.b64decode(cursor[:200] + "=" * (-len(cursor[:200]) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    found = _POSITION.fullmatch(text)
    if found is None:
        raise wrong
    return EventPosition(int(found[1]), found[2], int(found[3]))

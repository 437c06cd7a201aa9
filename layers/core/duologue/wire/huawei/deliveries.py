"""How notifications were delivered, for the SP: our addition to the format. Times as in a look-up (histories.py)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from duologue.call_control.history import Attempt, Delivery, History, Ping
from duologue.domain.notifying.endpoint_health import Verdict
from duologue.wire.huawei.histories import present, written_time
from duologue.wire.huawei.notifications import EVENT_TYPES
from duologue.wire.huawei.results import Answer, success
from duologue.wire.huawei.session_id import session_id
from duologue.wire.huawei.standard_webhooks import message_id

NOW = {
    Verdict.POST: "posted",
    Verdict.PROBE: "posted",
    Verdict.WAIT: "paused",
    Verdict.SWITCHED_OFF: "switched off",
}
"""What happens to the notifications for a URL at present."""


def delivered(history: History, host: str) -> Answer:
    return success(**deliveries_of(history, host))


def deliveries_of(history: History, host: str) -> dict[str, Any]:
    """Every fact of the call that has a notification, in order."""
    return {
        "sessionId": session_id(history.call.id, host),
        "notifications": [
            present(
                id=message_id(history.call.id, sequence),
                sequence=sequence,
                eventType=EVENT_TYPES[type(fact)],
                at=written_time(fact.at),
                **delivery_of(history.deliveries.get(sequence)),
            )
            for sequence, fact in enumerate(history.facts, 1)
            if type(fact) in EVENT_TYPES
        ],
    }


def pinged(pings: Sequence[Ping]) -> Answer:
    return success(
        pings=[
            {
                "id": message_id(ping.id, 0),
                "acknowledged": ping.is_acknowledged,
                **_attempt(ping.attempt),
                "notifications": NOW[ping.now],
            }
            for ping in pings
        ]
    )


def delivery_of(delivery: Delivery | None) -> dict[str, Any]:
    """None: it was not attempted yet, or there is no URL for it."""
    if delivery is None:
        return {"state": "pending", "attempts": []}
    return present(
        state=str(delivery.state),
        nextAttemptAt=written_time(delivery.due),
        note=delivery.note or None,
        attempts=[_attempt(attempt) for attempt in delivery.attempts],
    )


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return present(
        url=attempt.url,
        at=written_time(attempt.at),
        milliseconds=attempt.took // timedelta(milliseconds=1),
        httpStatus=attempt.status,
        note=attempt.note or None,
        reply=attempt.reply or None,
    )

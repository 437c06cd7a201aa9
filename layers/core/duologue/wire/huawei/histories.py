"""The response to a look-up of a call: our addition to the format, in the format's terms where it has them.

Invariant: what did not happen is omitted, never null. Times are RFC 3339, UTC, to the millisecond. Codes are included
once the call is over; they are those of its `disconnect` event and its CDR.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from duologue.call_control.facts import (
    CallAccepted,
    CallEnded,
    CdrWritten,
    Fact,
    InboundCallRecorded,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.call_control.history import Delivery, DeliveryState, History
from duologue.domain.accounting.charges import MICRO, LegCharge
from duologue.domain.accounting.prices import aws_parts, usd_of
from duologue.domain.accounting.receipt import Receipt
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.media.recording import Recording
from duologue.wire.huawei.notifications import EVENT_TYPES
from duologue.wire.huawei.outcomes import codes_of
from duologue.wire.huawei.records import PLATFORM_NOTICE, record_name
from duologue.wire.huawei.results import Answer, success
from duologue.wire.huawei.session_id import call_id_of, session_id

PHASE_NAMES = {phase: phase.name.lower() for phase in Phase} | {Phase.CALLER_WAITING: "holding"}
FACT_NAMES: dict[type[Fact], str] = {
    CallAccepted: "accepted",
    InboundCallRecorded: "called_in",
    LegDialledRecorded: "dialled",
    LegRingingRecorded: "alerting",
    LegAnsweredRecorded: "answered",
    CallEnded: "ended",
    CdrWritten: "accounted",
}


def read_look_up(path: Mapping[str, str], host: str) -> str:
    """The call id in a path, which API Gateway passes on with the client's percent-encoding.

    Raises:
        UnknownCall: not an id of this host.
    """
    return call_id_of(unquote(path["sessionId"]), host)


def found(history: History, host: str) -> Answer:
    return success(**history_of(history, host))


def history_of(history: History, host: str) -> dict[str, Any]:
    call = history.call
    return present(
        **shown(call, host),
        ending=_ending(history),
        recording=_recording(call),
        receipt=None if history.cdr is None else receipt_shown(history.cdr.receipt),
        facts=[
            _fact(sequence, fact, history.deliveries.get(sequence)) for sequence, fact in enumerate(history.facts, 1)
        ],
    )


def shown(call: Call, host: str) -> dict[str, Any]:
    """What a list has of a call as well."""
    return present(
        sessionId=session_id(call.id, host),
        direction=1 if call.is_return_call else 0,
        phase=PHASE_NAMES[call.phase],
        acceptedAt=written_time(call.accepted_at),
        endedAt=written_time(call.ended_at),
        userData=call.user_data,
        caller=_leg(call.caller),
        callee=None if call.ending is EndReason.NOBODY_REMEMBERED else _leg(call.callee),
    )


def _leg(leg: Leg) -> dict[str, Any]:
    return present(
        number=leg.number.e164,
        displayNumber=leg.display_number.e164,
        dialledAt=written_time(leg.dialled_at),
        alertingAt=written_time(leg.alerting_at),
        answeredAt=written_time(leg.answered_at),
        endedAt=written_time(leg.ended_at),
        outcome=None if leg.outcome is None else str(leg.outcome.result),
    )


def _ending(history: History) -> dict[str, Any] | None:
    call = history.call
    if call.ending is None:
        return None
    ended_by = None if call.ended_by is None else str(call.ended_by)
    said: dict[str, Any] = present(reason=str(call.ending), endedBy=ended_by, networkError=call.network_error)
    if history.cdr is None:
        return said
    codes = codes_of(history.cdr)
    return said | {
        "stateCode": codes.state,
        "stateDesc": codes.text,
        "ulFailReason": codes.release,
        "sipStatusCode": codes.sip,
        "callOutUnaswRsn": codes.caller_cause,
        "fwdUnaswRsn": codes.callee_cause,
    }


def _recording(call: Call) -> dict[str, Any] | None:
    if call.recording is None:
        return None
    return present(
        recordObjectName=record_name(call.id),
        startedAt=written_time(call.recording.started_at),
        recordHintTone=call.audio.recording_notice or PLATFORM_NOTICE,
        noticesHeard=[_heard(party, call, call.recording) for party in Party],
        missingAt=written_time(call.recording.missing_at),
    )


def _heard(party: Party, call: Call, recording: Recording) -> dict[str, Any]:
    """The notices are played to one party after the other, and a recording starts only if both were (R15)."""
    between = (call.callee.answered_at, recording.started_at)
    return present(party=party.value, notBefore=written_time(between[0]), notAfter=written_time(between[1]))


def receipt_shown(receipt: Receipt | None) -> dict[str, Any] | None:
    """In USD. None: the release that accepted the call wrote none."""
    if receipt is None:
        return None
    parts = aws_parts(receipt)
    return {
        "usd": _usd(usd_of(receipt)),
        "telephone": {
            "usd": _usd(receipt.cost / MICRO),
            "legs": [_leg_charge(Party.CALLER, receipt.caller), _leg_charge(Party.CALLEE, receipt.callee)],
        },
        "aws": {
            "usd": _usd(sum(parts.values())),
            "pricesOf": receipt.prices,
            "parts": [
                {"part": name, "amount": getattr(receipt.aws, name), "usd": _usd(usd)}
                for name, usd in sorted(parts.items(), key=lambda part: -part[1])
            ],
        },
    }


def _leg_charge(party: Party, charge: LegCharge) -> dict[str, Any]:
    return {
        "party": str(party),
        "minutes": charge.minutes,
        "usdPerMinute": charge.rate / MICRO,
        "usd": _usd(charge.cost / MICRO),
    }


def _usd(amount: float) -> float:
    return round(amount, 9)


def _fact(sequence: int, fact: Fact, delivery: Delivery | None) -> dict[str, Any]:
    party = getattr(fact, "party", None)
    return present(
        sequence=sequence,
        fact=FACT_NAMES[type(fact)],
        party=None if party is None else str(party),
        at=written_time(fact.at),
        eventType=EVENT_TYPES.get(type(fact)),
        told=None if delivery is None else _delivery(delivery),
    )


def _delivery(delivery: Delivery) -> dict[str, Any]:
    """The last attempt; `attempts` includes it."""
    last = delivery.attempts[-1] if delivery.attempts else None
    return present(
        url=last and last.url,
        at=written_time(last.at if last else delivery.since),
        attempts=len(delivery.attempts),
        accepted=delivery.is_acknowledged,
        httpStatus=last and last.status,
        note=delivery.note or (last and last.note) or None,
        overtaken=delivery.state is DeliveryState.OVERTAKEN or None,
        nextAttemptAt=written_time(delivery.due),
    )


def present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def written_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""A call as a row of the calls table, and back. Flat, so that the state machine's conditions can name an attribute.

    call (partition key)   item (sort key)
    <call id>              CALL                                  the row below
                           FACT#000007                           kind, at, party, reason
                           HEARD#<network call>#000003           answer, wakes
                           CDR                                   the account, once
                           TOLD#000007                           what became of telling fact 7

Names the state machine writes itself: `taken_up_at`, `listener`, `ending`, `to_dial`, `to_end`, `version`
(statemachines/callback.asl.yaml).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from duologue.call_control.facts import FACTS, Fact
from duologue.call_control.history import Delivery, History
from duologue.domain.audio import Audio, EarlyMedia, Listeners
from duologue.domain.call import Call, NotifyTo
from duologue.domain.cdr import Cdr
from duologue.domain.leg import Leg
from duologue.domain.outcome import EndReason, Outcome, Party, Result
from duologue.domain.phone_number import PhoneNumber
from duologue.domain.recording import Recording

Row = dict[str, Any]
"""Plain values: str, int, bool. What is None is left out."""

_FACT_FIELDS: dict[str, Callable[[str], Any]] = {"at": datetime.fromisoformat, "party": Party, "reason": EndReason}
_AUDIO: dict[str, Callable[[str], Any]] = {
    "before_callee": str,
    "while_callee_rings": str,
    "last_minute": str,
    "last_minute_to": Listeners,
    "recording_notice": str,
    "early_media": EarlyMedia,
}
_LEG_TIMES = ("dialled_at", "alerting_at", "answered_at", "ended_at")


def row_of(call: Call) -> Row:
    """Everything a call knows. The adapter adds the keys, `version`, `open` and `close_by`."""
    row: dict[str, Any] = {
        "sp": call.sp,
        "app": call.app,
        "accepted_at": _time(call.accepted_at),
        "ring_limit_s": int(call.ring_limit.total_seconds()),
        "longest_talk_s": int(call.longest_talk.total_seconds()),
        "before_talk_s": int(call.before_talk.total_seconds()),
        "announces_end": call.announces_end,
        "bind_number": call.bind_number,
        "status_url": call.notify.status_url,
        "fee_url": call.notify.fee_url,
        "user_data": call.user_data,
        "wants_party_type": call.wants_party_type,
        "plays_before_callee": call.plays_before_callee,
        "wants_recording": call.wants_recording,
        "keep_recording_days": call.keep_recording_days,
        **{f"audio_{name}": getattr(call.audio, name) for name in _AUDIO},
        "prelude_at": _time(call.prelude_at),
        **_recording_row(call.recording),
        "taken_up_at": _time(call.taken_up_at),
        "network_call": call.network_call,
        "ending": call.ending,
        "ending_at": _time(call.ending_at),
        "ended_by": call.ended_by,
        "ended_at": _time(call.ended_at),
        "facts": call.facts,
        **_leg_row(call.caller),
        **_leg_row(call.callee),
    }
    return {name: _plain(value) for name, value in row.items() if value is not None}


def call_of(call_id: str, row: Row) -> Call:
    """The call of a row; attributes it does not know are passed over."""
    return Call(
        id=call_id,
        sp=row["sp"],
        app=row["app"],
        caller=_leg_of(Party.CALLER, row),
        callee=_leg_of(Party.CALLEE, row),
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        ring_limit=timedelta(seconds=row["ring_limit_s"]),
        longest_talk=timedelta(seconds=row["longest_talk_s"]),
        before_talk=timedelta(seconds=row.get("before_talk_s", 900)),
        announces_end=row.get("announces_end", False),
        bind_number=row["bind_number"],
        notify=NotifyTo(row.get("status_url"), row.get("fee_url")),
        user_data=row.get("user_data"),
        wants_party_type=row["wants_party_type"],
        plays_before_callee=row.get("plays_before_callee", False),
        wants_recording=row.get("wants_recording", False),
        keep_recording_days=row.get("keep_recording_days", 0),
        audio=_audio_of(row),
        prelude_at=_moment(row.get("prelude_at")),
        recording=_recording_of(row),
        taken_up_at=_moment(row.get("taken_up_at")),
        network_call=row.get("network_call"),
        ending=EndReason(row["ending"]) if "ending" in row else None,
        ending_at=_moment(row.get("ending_at")),
        ended_by=Party(row["ended_by"]) if "ended_by" in row else None,
        ended_at=_moment(row.get("ended_at")),
        facts=row["facts"],
    )


def fact_row(fact: Fact) -> Row:
    """`kind` is the fact's class."""
    return {"kind": type(fact).__name__, **{name: _plain(getattr(fact, name)) for name in fact.__dataclass_fields__}}


def fact_of(row: Row) -> Fact:
    kind = FACTS[row["kind"]]
    given: dict[str, Any] = {name: read(row[name]) for name, read in _FACT_FIELDS.items() if name in row}
    return kind(**given)


def history_of(call_id: str, rows: Mapping[str, Row]) -> History:
    """All items of a call, by their sort key and in its order."""
    facts = tuple(fact_of(row) for item, row in rows.items() if item.startswith("FACT#"))
    deliveries = {int(item.partition("#")[2]): _delivery(row) for item, row in rows.items() if item.startswith("TOLD#")}
    return History(call_of(call_id, rows["CALL"]), facts, deliveries)


def _delivery(row: Row) -> Delivery:
    return Delivery(
        attempt=row["attempt"],
        at=datetime.fromisoformat(row["at"]),
        url=row["url"],
        acknowledged=row["taken"],
        status=row["status"] or None,
        note=row["note"],
    )


def cdr_row(cdr: Cdr) -> Row:
    row = {
        "sp": cdr.sp,
        "app": cdr.app,
        "bind_number": cdr.bind_number,
        "accepted_at": cdr.accepted_at,
        "ended_at": cdr.ended_at,
        "reason": cdr.reason,
        "ended_by": cdr.ended_by,
        "user_data": cdr.user_data,
        "talk_ms": cdr.talk // timedelta(milliseconds=1),
        **_leg_row(cdr.caller),
        **_leg_row(cdr.callee),
    }
    return {name: _plain(value) for name, value in row.items() if value is not None}


def _leg_row(leg: Leg) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": leg.number.e164,
        "display_number": leg.display_number.e164,
        "network_id": leg.network_id,
    }
    row |= {name: getattr(leg, name) for name in _LEG_TIMES}
    if leg.outcome is not None:
        row |= {"result": leg.outcome.result, "sip_status": leg.outcome.sip_status}
    return {f"{leg.party}_{name}": value for name, value in row.items()}


def _leg_of(party: Party, row: Row) -> Leg:
    def read(name: str) -> Any:
        return row.get(f"{party}_{name}")

    result = read("result")
    return Leg(
        party=party,
        number=PhoneNumber(read("number")),
        display_number=PhoneNumber(read("display_number")),
        network_id=read("network_id"),
        outcome=Outcome(Result(result), read("sip_status")) if result is not None else None,
        **{name: _moment(read(name)) for name in _LEG_TIMES},
    )


def _audio_of(row: Row) -> Audio:
    given = {name: read(row[f"audio_{name}"]) for name, read in _AUDIO.items() if f"audio_{name}" in row}
    return Audio(**given)


def _recording_row(recording: Recording | None) -> dict[str, Any]:
    if recording is None:
        return {}
    return {
        "recording_key": recording.key,
        "recording_started_at": recording.started_at,
        "recording_deleted_at": recording.deleted_at,
    }


def _recording_of(row: Row) -> Recording | None:
    started_at = _moment(row.get("recording_started_at"))
    if started_at is None:
        return None
    return Recording(row["recording_key"], started_at, _moment(row.get("recording_deleted_at")))


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _plain(value: Any) -> str | int | bool:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool | int) else str(value)

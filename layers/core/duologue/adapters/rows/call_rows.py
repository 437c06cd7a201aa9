"""A call as items of the calls table, and back.

    call (partition key)   item (sort key)
    <call id>              CALL                        the mutable part; every change is conditional on its version
                           ASKED                       the immutable part, written once at acceptance
                           EVENT#<network call>#<key>  one processed event: its facts, its answer, what it resumes or
                                                       starts
                           EVENT#own#<version>         the same for an event of the platform itself
                           TOKEN                       the newest task token of the flow
                           HUNG_UP                     the caller of a call to a display number hung up before the call
                                                       was recorded; without other items if it never was
                           CDR                         written once; notifications and look-ups after the end read it
                           DELIVERY#000007             the delivery of fact 7: its attempts, and the next one's time

The first fact of a callback, CallAccepted, is derived from `accepted_at`; a call to a display number begins with the
facts of its first event. The parties' numbers are only in ASKED, and in the answers to the network; the adapters seal
them when they write and open them when they read (sealed_rows.py).

One subject, the rows of a call in both directions, so it is longer than the others: what writes an attribute and what
reads it stand together.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from duologue.adapters.rows.rows_before import is_fact
from duologue.call_control.facts import FACTS, CallAccepted, Fact
from duologue.call_control.history import Attempt, Delivery, DeliveryState, History
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call, NotifyTo, Origin
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import UnknownCall
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.media.recording import Recording
from duologue.domain.numbers.phone_number import PhoneNumber

CALL, ASKED, TOKEN, CDR, HUNG_UP = "CALL", "ASKED", "TOKEN", "CDR", "HUNG_UP"
STARTS = "starts"
"""Of an event: the flow of its call is to be started."""
_EVENT, _DELIVERY = "EVENT#", "DELIVERY#"

Row = dict[str, Any]
"""Plain values: str, int, bool, bytes. None is omitted."""

_FACT_FIELDS: dict[str, Callable[[str], Any]] = {"at": datetime.fromisoformat, "party": Party, "reason": EndReason}
_AUDIO: dict[str, Callable[[str], Any]] = {
    "before_callee": str,
    "while_callee_rings": str,
    "last_minute": str,
    "last_minute_to": AudioListeners,
    "recording_notice": str,
    "call_back": str,
}
_USUAL = Audio().last_minute_to
_LEG_TIMES = ("dialled_at", "alerting_at", "answered_at", "ended_at")


def event_key(network_call: str, key: str) -> str:
    return f"{_EVENT}{network_call}#{key}"


def own_event_key(version: int) -> str:
    """Key of an event of the platform itself. `version`: of the call as it was read."""
    return event_key("own", f"{version:06d}")


def is_event(item: str) -> bool:
    return item.startswith(_EVENT)


def delivery_key(sequence: int) -> str:
    return f"{_DELIVERY}{sequence:06d}"


def sequence_of_delivery(item: str) -> int:
    return int(item.removeprefix(_DELIVERY))


def asked_row(call: Call) -> Row:
    """The immutable part of a call. What is as usual is left out, so that most calls' rows are below 1 KB."""
    return _present(
        {
            "sp": call.sp,
            "app": call.app,
            "accepted_at": call.accepted_at,
            "ring_limit_s": int(call.ring_limit.total_seconds()),
            "longest_talk_s": int(call.longest_talk.total_seconds()),
            "before_talk_s": int(call.before_talk.total_seconds()),
            "announces_end": call.announces_end or None,
            "bind_number": call.bind_number,
            "status_url": call.notify.status_url,
            "fee_url": call.notify.fee_url,
            "user_data": call.user_data,
            "wants_party_type": call.wants_party_type or None,
            "plays_before_callee": call.plays_before_callee or None,
            "keep_recording_days": call.keep_recording_days or None,
            "origin": None if call.origin is Origin.CALLBACK else call.origin,
            "pair": call.pair,
            "rejects_failure": call.rejects_failure or None,
            "rates": None if call.rates is None else "#".join(map(str, call.rates)),
            **_memory_row(call.memory),
            **{f"audio_{name}": value for name in _AUDIO if (value := getattr(call.audio, name)) is not _USUAL},
            **_numbers_row(call.caller),
            **_numbers_row(call.callee),
        }
    )


def call_row(call: Call) -> Row:
    """The mutable part of a call. The adapter adds the keys, `version`, `dial_mark`, `open` and `close_by`."""
    return _present(
        {
            "wants_recording": call.wants_recording,
            "prelude_at": call.prelude_at,
            **_recording_row(call.recording),
            "taken_up_at": call.taken_up_at,
            "network_call": call.network_call,
            "dial_refusal": call.dial_refusal,
            "ending": call.ending,
            "ending_at": call.ending_at,
            "ended_by": call.ended_by,
            "ended_at": call.ended_at,
            "facts": call.facts,
            **_leg_row(call.caller),
            **_leg_row(call.callee),
        }
    )


def call_of_rows(call_id: str, rows: Mapping[str, Row]) -> Call:
    """The call of its items by sort key. Raises UnknownCall: one is missing; those of an old call expire one by one."""
    if not rows.keys() >= {CALL, ASKED}:
        raise UnknownCall(call_id)
    return call_of(call_id, rows[ASKED], rows[CALL])


def call_of(call_id: str, asked: Row, row: Row) -> Call:
    """The call of its two rows; unknown attributes are ignored."""
    return Call(
        id=call_id,
        sp=asked["sp"],
        app=asked["app"],
        caller=_leg_of(Party.CALLER, asked, row),
        callee=_leg_of(Party.CALLEE, asked, row),
        accepted_at=datetime.fromisoformat(asked["accepted_at"]),
        ring_limit=timedelta(seconds=asked["ring_limit_s"]),
        longest_talk=timedelta(seconds=asked["longest_talk_s"]),
        before_talk=timedelta(seconds=asked["before_talk_s"]),
        announces_end=asked.get("announces_end", False),
        bind_number=asked["bind_number"],
        notify=NotifyTo(asked.get("status_url"), asked.get("fee_url")),
        user_data=asked.get("user_data"),
        wants_party_type=asked.get("wants_party_type", False),
        plays_before_callee=asked.get("plays_before_callee", False),
        keep_recording_days=asked.get("keep_recording_days", 0),
        audio=_audio_of(asked),
        origin=Origin(asked.get("origin", Origin.CALLBACK)),
        memory=_memory_of(asked),
        pair=asked.get("pair"),
        rejects_failure=asked.get("rejects_failure", False),
        rates=_rates_of(asked),
        wants_recording=row["wants_recording"],
        prelude_at=_moment(row.get("prelude_at")),
        recording=_recording_of(row),
        taken_up_at=_moment(row.get("taken_up_at")),
        network_call=row.get("network_call"),
        dial_refusal=row.get("dial_refusal"),
        ending=EndReason(row["ending"]) if "ending" in row else None,
        ending_at=_moment(row.get("ending_at")),
        ended_by=Party(row["ended_by"]) if "ended_by" in row else None,
        ended_at=_moment(row.get("ended_at")),
        facts=row["facts"],
    )


def event_row(app: str, first: int, facts: Iterable[Fact]) -> Row:
    """`first`: the sequence of the first of the facts. `app`: so that who reads the stream need not read the call."""
    return {"app": app, "first": first, "facts": json.dumps([_written_fact(fact) for fact in facts])}


SHARDS = 8
"""Of each partition key of an index that many calls share: a partition takes 1,000 writes a second.

A constant: docs/decisions/0039 says why, and how it can grow while calls are in progress.
"""


def shard_of(call_id: str) -> int:
    return zlib.crc32(call_id.encode()) % SHARDS


def listed_in(app: str, shard: int) -> str:
    return f"{app}#{shard:02d}"


def listing(call: Call, first: int, second: int) -> Row:
    """What puts an event into the index by app (dynamo_app_events.py). `second`: since the epoch."""
    return {"listed": listed_in(call.app, shard_of(call.id)), "listed_at": f"{second:010d}#{call.id}#{first:06d}"}


def undelivered_in(app: str, shard: int) -> str:
    return f"{app}#undelivered#{shard:02d}"


def undelivered_listing(app: str, call_id: str, sequence: int, since: datetime) -> Row:
    """What puts a delivery that waits or was given up into the index by app."""
    listed_at = f"{int(since.timestamp()):010d}#{call_id}#{sequence:06d}"
    return {"listed": undelivered_in(app, shard_of(call_id)), "listed_at": listed_at}


def facts_of(row: Row) -> dict[int, Fact]:
    """The facts of one event, by sequence."""
    return dict(enumerate(map(_read_fact, json.loads(row["facts"])), row["first"]))


def sequences_of(row: Row) -> range:
    """The sequences of the facts of one event."""
    return range(row["first"], row["first"] + len(json.loads(row["facts"])))


def _written_fact(fact: Fact) -> dict[str, Any]:
    """`kind` is the fact's class."""
    return {"kind": type(fact).__name__, **{name: _plain(getattr(fact, name)) for name in fact.__dataclass_fields__}}


def _read_fact(written: Mapping[str, Any]) -> Fact:
    kind = FACTS[written["kind"]]
    given: dict[str, Any] = {name: read(written[name]) for name, read in _FACT_FIELDS.items() if name in written}
    return kind(**given)


def history_of(call_id: str, rows: Mapping[str, Row]) -> History:
    """The history of a call; `rows`: all its items by sort key. Raises UnknownCall."""
    call = call_of_rows(call_id, rows)
    facts: dict[int, Fact] = {1: CallAccepted(call.accepted_at)}
    deliveries: dict[int, Delivery] = {}
    sources: dict[int, str] = {}
    for item, row in rows.items():
        if is_event(item) or is_fact(item):
            facts |= facts_of(row)
            sources |= dict.fromkeys(sequences_of(row), item)
        elif item.startswith(_DELIVERY):
            deliveries[sequence_of_delivery(item)] = delivery_of(row)
    in_order = tuple(fact for _, fact in sorted(facts.items()))
    token = token_of(rows[TOKEN]) if TOKEN in rows else None
    return History(call, in_order, deliveries, cdr_of_rows(call, rows.get(CDR)), sources, token)


def token_of(row: Row) -> TaskToken:
    return TaskToken(row["token"], Wait(row["waits_for"]), row["rank"])


def delivery_row(delivery: Delivery) -> Row:
    return _present(
        {
            "state": delivery.state,
            "since": delivery.since,
            "attempts": json.dumps([_attempt_row(attempt) for attempt in delivery.attempts], ensure_ascii=False),
            "tries": delivery.tries,
            "put_off": delivery.put_off or None,
            "requested": delivery.requested or None,
            "due": delivery.due,
            "note": delivery.note or None,
            "version": delivery.version,
        }
    )


def delivery_of(row: Row) -> Delivery:
    return Delivery(
        state=DeliveryState(row["state"]),
        since=datetime.fromisoformat(row["since"]),
        attempts=tuple(map(_attempt_of, json.loads(row["attempts"]))),
        tries=row["tries"],
        put_off=row.get("put_off", 0),
        requested=row.get("requested", False),
        due=_moment(row.get("due")),
        note=row.get("note", ""),
        version=row["version"],
    )


def _attempt_row(attempt: Attempt) -> Row:
    row = {
        "at": attempt.at,
        "url": attempt.url,
        "status": attempt.status,
        "ms": attempt.took // timedelta(milliseconds=1),
        "note": attempt.note or None,
        "reply": attempt.reply or None,
    }
    return _present(row)


def _attempt_of(row: Row) -> Attempt:
    return Attempt(
        at=datetime.fromisoformat(row["at"]),
        url=row["url"],
        status=row.get("status"),
        took=timedelta(milliseconds=row["ms"]),
        note=row.get("note", ""),
        reply=row.get("reply", ""),
    )


def cdr_row(cdr: Cdr) -> Row:
    """The part of the CDR that the end determines; the rest is in ASKED, which is immutable too."""
    return _present(
        {
            "ended_at": cdr.ended_at,
            "reason": cdr.reason,
            "ended_by": cdr.ended_by,
            "talk_ms": cdr.talk // timedelta(milliseconds=1),
            "dial_refusal": cdr.dial_refusal,
            "receipt": None if cdr.receipt is None else cdr.receipt.text,
            **_recording_row(cdr.recording),
            **_leg_row(cdr.caller),
            **_leg_row(cdr.callee),
        }
    )


def cdr_of_rows(call: Call, row: Row | None) -> Cdr | None:
    """The CDR of its row and the immutable part of `call`. None: no row, so no CDR yet."""
    from duologue.domain.accounting.receipt import Receipt  # not while a person waits for the process to start

    if row is None:
        return None
    return Cdr(
        call_id=call.id,
        sp=call.sp,
        app=call.app,
        bind_number=call.bind_number,
        caller=_with_row(call.caller, row),
        callee=_with_row(call.callee, row),
        accepted_at=call.accepted_at,
        ended_at=datetime.fromisoformat(row["ended_at"]),
        reason=EndReason(row["reason"]),
        ended_by=Party(row["ended_by"]) if "ended_by" in row else None,
        user_data=call.user_data,
        wants_party_type=call.wants_party_type,
        recording=_recording_of(row),
        recording_notice=call.audio.recording_notice,
        dial_refusal=row.get("dial_refusal"),
        origin=call.origin,
        receipt=Receipt.parse(row["receipt"]) if "receipt" in row else None,
    )


def _rates_of(asked: Row) -> tuple[int, int] | None:
    if "rates" not in asked:
        return None
    caller, callee = map(int, asked["rates"].split("#"))
    return caller, callee


def _numbers_row(leg: Leg) -> dict[str, Any]:
    return {f"{leg.party}_number": leg.number.e164, f"{leg.party}_display_number": leg.display_number.e164}


def _leg_row(leg: Leg) -> dict[str, Any]:
    row: dict[str, Any] = {"network_id": leg.network_id}
    row |= {name: getattr(leg, name) for name in _LEG_TIMES}
    if leg.outcome is not None:
        row |= {"result": leg.outcome.result, "sip_status": leg.outcome.sip_status}
    return {f"{leg.party}_{name}": value for name, value in row.items()}


def _leg_of(party: Party, asked: Row, row: Row) -> Leg:
    number, display_number = asked[f"{party}_number"], asked[f"{party}_display_number"]
    return _with_row(Leg(party, PhoneNumber(number), PhoneNumber(display_number)), row)


def _with_row(leg: Leg, row: Row) -> Leg:
    """The leg with its attributes from a row."""

    def read(name: str) -> Any:
        return row.get(f"{leg.party}_{name}")

    result = read("result")
    return Leg(
        party=leg.party,
        number=leg.number,
        display_number=leg.display_number,
        network_id=read("network_id"),
        outcome=Outcome(Result(result), read("sip_status")) if result is not None else None,
        **{name: _moment(read(name)) for name in _LEG_TIMES},
    )


def _audio_of(row: Row) -> Audio:
    given = {name: read(row[f"audio_{name}"]) for name, read in _AUDIO.items() if f"audio_{name}" in row}
    return Audio(**given)


def _memory_row(memory: MemoryDraft | None) -> dict[str, Any]:
    if memory is None:
        return {}
    return {
        "memory_display": memory.key.display,
        "memory_pair": memory.key.pair,
        "memory_target": memory.target,
        "memory_sealed": memory.sealed,
        "memory_s": int(memory.period.total_seconds()),
    }


def _memory_of(asked: Row) -> MemoryDraft | None:
    if "memory_pair" not in asked:
        return None
    key = MemoryKey(asked["memory_display"], asked["memory_pair"])
    return MemoryDraft(key, asked["memory_target"], asked["memory_sealed"], timedelta(seconds=asked["memory_s"]))


def _recording_row(recording: Recording | None) -> dict[str, Any]:
    if recording is None:
        return {}
    return {
        "recording_key": recording.key,
        "recording_started_at": recording.started_at,
        "recording_deleted_at": recording.deleted_at,
        "recording_missing_at": recording.missing_at,
    }


def _recording_of(row: Row) -> Recording | None:
    started_at = _moment(row.get("recording_started_at"))
    if started_at is None:
        return None
    deleted_at, missing_at = _moment(row.get("recording_deleted_at")), _moment(row.get("recording_missing_at"))
    return Recording(row["recording_key"], started_at, deleted_at, missing_at)


def _present(row: Mapping[str, Any]) -> Row:
    return {name: _plain(value) for name, value in row.items() if value is not None}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _plain(value: Any) -> str | int | bool | bytes:
    if isinstance(value, datetime):
        return written_time(value)
    return value if isinstance(value, bool | int | bytes) else str(value)


def written_time(at: datetime) -> str:
    """UTC, in a form that sorts chronologically as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

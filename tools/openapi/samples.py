"""Calls whose encodings show every field that there is, and which of them may be missing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
from duologue.call_control.history import Attempt, Delivery, DeliveryState, History, Ping
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call, NotifyTo, Origin
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.media.recording import Recording
from duologue.domain.memory.call_memory import CallMemory, MemoryTerms, OpenedMemory, RememberedParty, SetBy, WhyNot
from duologue.domain.memory.memory_history import ExplainedMemory, MemoryChange
from duologue.domain.notifying.endpoint_health import Verdict
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.records import Records

HOST = "duologue.example.com"
RECORDS = Records(f"https://{HOST}", lambda app, call_id: "s4mpleLinkT0kenThatIsNoRealOne0123456789abc")
_ACCEPTED_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
_STATUS_URL = "https://sp.example.com/status"


def _at(seconds: float) -> datetime:
    return _ACCEPTED_AT + timedelta(seconds=seconds)


BARE = Call(
    id="3765175379_73324476_1689900735_20261123090000",
    sp="acme",
    app="k7Qm2Xw9Lr4Tz8Vb1Nc6Yd3Hf5Js0Gp2",
    caller=Leg(Party.CALLER, PhoneNumber("+12025550111"), PhoneNumber("+12025550100")),
    callee=Leg(Party.CALLEE, PhoneNumber("+12025550122"), PhoneNumber("+12025550101")),
    accepted_at=_ACCEPTED_AT,
    ring_limit=timedelta(seconds=30),
    longest_talk=timedelta(hours=24),
    bind_number="+12025550100",
    facts=1,
)
"""Accepted a moment ago, with nothing that is optional."""

UNTOUCHED = replace(BARE, ending=EndReason.NEVER_STARTED, ended_at=_at(120))
"""Over before anything was dialled."""

_DIALLED = replace(
    BARE,
    caller=replace(BARE.caller, dialled_at=_at(0.2), alerting_at=_at(3.1), answered_at=_at(8.4), ended_at=_at(60)),
    callee=replace(BARE.callee, dialled_at=_at(8.6), alerting_at=_at(11), answered_at=_at(15.2), ended_at=_at(59.8)),
)

TALKED = replace(
    _DIALLED,
    callee=replace(_DIALLED.callee, outcome=Outcome(Result.COMPLETED)),
    notify=NotifyTo(_STATUS_URL, "https://sp.example.com/fee"),
    user_data="order-17",
    wants_party_type=True,
    recording=Recording("recordings/1.wav", _at(17)),
    ending=EndReason.HUNG_UP,
    ended_by=Party.CALLEE,
    ended_at=_at(60),
    facts=9,
    rates=(20_000, 20_000),
)
"""With everything that a call can have, but a failure."""

UNANSWERED = replace(
    TALKED,
    callee=replace(TALKED.callee, answered_at=None, outcome=Outcome(Result.NO_ANSWER)),
    ending=EndReason.CALLEE_FAILED,
)
"""What only a failure has."""

REFUSED = replace(UNTOUCHED, ending=EndReason.DIAL_REFUSED, dial_refusal="AccessDeniedException")
"""The network refused to dial."""

RETURNED = replace(TALKED, origin=Origin.RETURN_CALL)
"""The callee of a callback called back, and was answered."""

NOBODY = replace(
    BARE, origin=Origin.RETURN_CALL, ending=EndReason.NOBODY_REMEMBERED, ended_at=_ACCEPTED_AT, user_data=None
)
"""Somebody called a display number, and nobody was rung."""

FACTS: tuple[Fact, ...] = (
    CallAccepted(_at(0)),
    InboundCallRecorded(_at(0)),
    *(kind(at, party) for party in Party for kind, at in ((LegDialledRecorded, _at(1)), (LegRingingRecorded, _at(2)))),
    *(LegAnsweredRecorded(_at(3), party) for party in Party),
    CallEnded(_at(60), EndReason.HUNG_UP),
    CdrWritten(_at(60)),
)

_TAKEN = Attempt(_at(12), _STATUS_URL, 200, timedelta(milliseconds=85), reply='{"resultcode":"0"}')
_TOO_SLOW = Attempt(_at(3), _STATUS_URL, None, timedelta(seconds=6), "too slow")
_REFUSED = Attempt(_at(6), _STATUS_URL, 503, timedelta(milliseconds=120), "not taken", "Service Unavailable")
_TOLD = {
    2: Delivery(DeliveryState.ACKNOWLEDGED, _at(6), (_REFUSED, Attempt(_at(12), _STATUS_URL, 200)), 2),
    3: Delivery(DeliveryState.OVERTAKEN, _at(3), (_TOO_SLOW,), 1),
    4: Delivery(DeliveryState.WAITING, _at(3), (_TOO_SLOW,), 1, _at(15)),
}

PINGS = (
    Ping(BARE.id, _TAKEN, True, Verdict.POST),
    Ping(BARE.id, _TOO_SLOW, False, Verdict.WAIT),
    Ping(BARE.id, _REFUSED, False, Verdict.SWITCHED_OFF),
)


def histories() -> Iterator[History]:
    yield History(BARE, FACTS[:1], {})
    yield History(replace(BARE, ending=EndReason.STOPPED), FACTS[:1], {})
    yield History(TALKED, FACTS, _TOLD, cdr_of(TALKED, writes=9, keep=timedelta(days=90)))
    assert TALKED.recording is not None
    yield History(replace(TALKED, recording=replace(TALKED.recording, missing_at=_at(960))), FACTS[:1], {})
    yield History(REFUSED, FACTS[:1], {}, cdr_of(REFUSED))
    yield History(NOBODY, FACTS[1:2], {}, cdr_of(NOBODY))


def _explained(user_data: str | None, why_not: WhyNot | None, *changes: MemoryChange) -> ExplainedMemory:
    key = MemoryKey("hash", "hash")
    times = (_at(0), _at(3600))
    memory = CallMemory(key, "acme", "app-1", BARE.id, "order", 1, SetBy.CALL, *times, "hash", b"encrypted")
    dialler, target = (RememberedParty(leg.number, "US") for leg in (BARE.callee, BARE.caller))
    terms = MemoryTerms(timedelta(seconds=30), timedelta(minutes=30), user_data=user_data)
    return ExplainedMemory(memory, OpenedMemory(BARE.callee.display_number, dialler, target, terms), why_not, changes)


MEMORIES = (
    _explained(None, None),
    _explained(
        "order-17",
        WhyNot.COUNTRY,
        MemoryChange(_at(60), "sp-1", "app-1 request-1", "+120******11", "+120******44", 2),
        MemoryChange(_at(90), "sp-1", "the operator", None, None, 3),
    ),
)
"""With and without what is optional."""

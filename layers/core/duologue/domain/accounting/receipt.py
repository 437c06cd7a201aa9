"""What one call costs, as it is written once, with its CDR: telephone minutes, and what the call uses of AWS.

Telephone minutes are charged by the rates that were in force when the call was accepted, and kept with it: whoever
writes the CDR reads no rates.

What it uses of AWS follows from what happened on the call: how often its row was written, its facts, the states that
its flow entered, its recording. Each of these is a number of requests and bytes, as `make bench` counts them; only
GB-seconds, bytes and reads of the deny lists are averages. So it is known before it is spent: each notification is
counted once, although retries follow, and so do look-ups. Not in it is what costs the same without a call, and what a
clock starts, such as the sweeper's reconciliation.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from duologue.domain.accounting.charges import LegCharge
from duologue.domain.calls.call import LAST_MINUTE, Call
from duologue.domain.calls.outcome import EndReason

PRICES = "2026-11-28"
"""The date of the price table (prices.py) by which new receipts are to be read."""


class Amounts(NamedTuple):
    """Of what AWS has a price for (prices.py). The order is that of the stored text: new ones go to the end."""

    state_transition: float = 0
    invocation: float = 0
    gb_second: float = 0
    api_request: float = 0
    queue_request: float = 0
    write_unit: float = 0
    read_unit: float = 0
    stored_gb_month: float = 0
    key_request: float = 0
    log_gb: float = 0
    object_request: float = 0
    object_gb_month: float = 0

    def times(self, number: float) -> "Amounts":
        return Amounts(*(number * each for each in self))

    def plus(self, *others: "Amounts") -> "Amounts":
        return Amounts(*map(sum, zip(self, *others, strict=True)))


@dataclass(frozen=True, slots=True)
class Receipt:
    """`aws`: what the call uses of it; `prices`: the date of the price table for that."""

    caller: LegCharge
    callee: LegCharge
    aws: Amounts = Amounts()
    prices: str = PRICES

    @property
    def cost(self) -> int:
        """Telephone charges of both legs in micro-USD."""
        return self.caller.cost + self.callee.cost

    @property
    def text(self) -> str:
        """As it is stored, in some 100 bytes: a CDR must stay below 1 KB."""
        telephone = (self.caller.minutes, self.caller.rate, self.callee.minutes, self.callee.rate)
        return " ".join((self.prices, *map(str, telephone), *(f"{amount:.4g}" for amount in self.aws)))

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        prices, *figures = text.split()
        caller, caller_rate, callee, callee_rate = map(int, figures[:4])
        amounts = map(float, figures[4 : 4 + len(Amounts._fields)])
        return cls(LegCharge(caller, caller_rate), LegCharge(callee, callee_rate), Amounts(*amounts), prices)


def receipt_of(call: Call, writes: int, keep: timedelta) -> Receipt | None:
    """The receipt of a call that is over; None: the release that accepted it kept no rates.

    `writes`: of the call's own row, from its acceptance to its end. `keep`: the retention of calls.
    """
    if call.rates is None:
        return None
    caller, callee = (
        LegCharge.of_leg(leg, rate) for leg, rate in zip((call.caller, call.callee), call.rates, strict=True)
    )
    return Receipt(caller, callee, Amounts(*(float(f"{each:.4g}") for each in _amounts(call, writes, keep))))


_MONTH_S = 365 / 12 * 86_400
_LOG_KB = 1e-6
_ACCEPTED = Amounts(invocation=1, gb_second=0.045, api_request=1, write_unit=9, read_unit=7.5, log_gb=1.24 * _LOG_KB)
"""callback_api. Writes: CALL 2, ASKED 2, the app's second 2, three entries in indexes. No KMS: its keys are opened once
per process."""
_CALLED_IN = Amounts(write_unit=7, read_unit=6)
"""What a call to a display number takes besides its first event. Writes: ASKED 2, the check whether its caller has hung
up 2, three entries in indexes."""
_SLOT = Amounts(write_unit=4)
_PAIR = Amounts(write_unit=6)
"""Taken and freed; besides, the answer moves the call's due time in an index."""
_LISTED = Amounts(invocation=1, gb_second=0.02, write_unit=9, read_unit=4, log_gb=0.25 * _LOG_KB)
"""outbox, into the lists of calls. Writes: the app's list 1 and 2, that of all calls 2, that of open ones 2, the count
2; besides, one for each number by which the call is found."""
_DIAL = Amounts(write_unit=1)
"""The mark of the caller's dial."""
_STATE = Amounts(state_transition=1, invocation=1, gb_second=0.052, write_unit=1, read_unit=4, log_gb=0.6 * _LOG_KB)
"""flow, which stores its token. One of the reads is the outbox's, who completes the wait again."""
_EVENT = Amounts(invocation=2, gb_second=0.079, write_unit=4, read_unit=4, log_gb=0.505 * _LOG_KB)
"""call_control and outbox. Writes: CALL 2, EVENT 2."""
_EVENT_WITH_FACTS = Amounts(queue_request=1, write_unit=1)
"""The outbox queues their notices; an entry in the index by app."""
_FACT = Amounts(invocation=1, gb_second=0.117, queue_request=2, read_unit=8, log_gb=1.0 * _LOG_KB)
"""notify_sp. GB-seconds: the SP answers after 0.2 s."""
_DELIVERY = Amounts(write_unit=1)
_END = Amounts(write_unit=4)
"""CDR 2, from one entry of an index to another 2."""
_REMEMBERED = Amounts(write_unit=2)
_RECORDED = Amounts(invocation=1, gb_second=0.5, queue_request=2, read_unit=3, key_request=1, object_request=2)
"""publish_recording: its queue, the network's file and the published one; the proof in the CDR's link."""
_STORED_BYTES = {
    "accepted": 2270,
    "flow": 1104,
    "event": 627,
    "delivery": 501,
    "cdr": 830,
    "memory": 366,
    "listed": 240,
}
"""With the 100 bytes that DynamoDB adds to each item."""
_RECORDED_BYTES_A_SECOND = 8000 * (2 * 2 + 1)
"""The network's file has two tracks of 16 bits, the published one has one of 8 bits; 8 kHz."""
_RECORDINGS_KEPT_DAYS = 7
"""The platform's usual retention, for an app that has none of its own."""
_GIVEN_UP = frozenset(
    {
        EndReason.CALLER_SILENT,
        EndReason.CALLEE_SILENT,
        EndReason.NO_ROOM,
        EndReason.DIAL_REFUSED,
        EndReason.LOST,
        EndReason.LONGEST_CALL,
    }
)
"""Ends that the flow decided: it gives up, and settles."""


def _amounts(call: Call, writes: int, keep: timedelta) -> Amounts:
    transitions, states = flow_of(call)
    later = writes - (not call.is_return_call)
    if call.network_call is None:  # nothing was dialled, however often it was tried: the end alone
        dials, events = max(0, later - 1), min(1, later)
    else:
        dials = int(not call.is_return_call)
        events = max(0, later - dials)
    notified = call.facts - (not call.is_return_call)
    steps, cdrs = max(0, notified - 1), min(1, notified)
    deliveries = steps * (call.notify.status_url is not None) + cdrs * (call.notify.fee_url is not None)
    remembers = call.memory is not None and call.callee.dialled_at is not None
    legs = (call.caller, call.callee)
    found_by = len({leg.number.e164[-4:] for leg in legs}) + len({leg.display_number for leg in legs})
    stored = {
        "accepted": 1,
        "flow": states > 0,
        "event": events,
        "delivery": deliveries,
        "cdr": 1,
        "memory": remembers,
        "listed": 2 + found_by,
    }
    byte_count = sum(_STORED_BYTES[kind] * number for kind, number in stored.items())
    holds_slot = not call.is_return_call or call.callee.dialled_at is not None
    # The end and the CDR are of one event, and so are a call that comes in and the dial of its callee.
    with_facts = max(1, notified - 1 - call.is_return_call)
    return (_CALLED_IN if call.is_return_call else _ACCEPTED).plus(
        _SLOT.times(holds_slot),
        _PAIR.times(holds_slot and call.pair is not None),
        _LISTED,
        Amounts(write_unit=found_by),
        _DIAL.times(dials),
        _STATE.times(states),
        Amounts(state_transition=transitions - states),
        _EVENT.times(events),
        _EVENT_WITH_FACTS.times(with_facts),
        _FACT.times(notified),
        _DELIVERY.times(deliveries),
        _END,
        _REMEMBERED.times(remembers),
        Amounts(stored_gb_month=byte_count / 1e9 * keep.total_seconds() / _MONTH_S),
        _recording(call),
    )


def _recording(call: Call) -> Amounts:
    if call.recording is None or call.ended_at is None:
        return Amounts()
    seconds = max(0.0, (call.ended_at - call.recording.started_at).total_seconds())
    days = call.keep_recording_days or _RECORDINGS_KEPT_DAYS
    months = timedelta(days=days).total_seconds() / _MONTH_S
    return _RECORDED.plus(Amounts(object_gb_month=seconds * _RECORDED_BYTES_A_SECOND / 1e9 * months))


def flow_of(call: Call) -> tuple[int, int]:
    """How many transitions the flow of a call that is over makes, and how many of the states ask the function flow."""
    if call.callee.dialled_at is None if call.is_return_call else call.taken_up_at is None:
        return 0, 0
    waits = 1 + (call.caller.answered_at is not None) + (call.callee.answered_at is not None)
    if call.ending in _GIVEN_UP:
        announced = call.ending is EndReason.LONGEST_CALL
        return waits + announced + 2, waits + announced + 2
    if call.callee.answered_at is None:
        return waits + 2, waits + 1  # the next state finds the call over
    talked = min(leg.ended_at or call.callee.answered_at for leg in (call.caller, call.callee))
    announced = call.announces_end and talked - call.callee.answered_at >= call.longest_talk - LAST_MINUTE
    return waits + announced, waits + announced

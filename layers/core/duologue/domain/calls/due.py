"""When an open call is due for the sweeper.

| A call that is         | is due                                                                                  |
| ---------------------- | --------------------------------------------------------------------------------------- |
| accepted               | `TAKE_UP` after that (R13)                                                              |
| taken up by its flow   | `before_talk` after its acceptance: by then all dials, ringing and prompts are over     |
| talking, or was        | its longest talk and `SWEEP_MARGIN` after the callee's answer                           |
| ending                 | `ENDING` after its reason was recorded, if that is earlier                              |

The stored time is never later than that, but may be earlier: it is written when the call is accepted, and only the
sweeper postpones it, when it finds that the call is not due yet. So a short call costs no write for it.
"""

from datetime import datetime, timedelta

from duologue.domain.calls.call import Call

TAKE_UP = timedelta(minutes=2)
"""How long an accepted call may wait for its flow to start; after that it is finalized without a dial."""
ENDING = timedelta(minutes=5)
"""Longer than the network's ring limit of two minutes, so that no call is finalized while a leg rings (R7)."""
SWEEP_MARGIN = timedelta(minutes=5)
"""Allowance for retries, and for the hang-ups after an end was requested."""

RECONCILIATION = timedelta(minutes=15)
"""From the write that ends a call until the sweeper compares what it left (usecases/accounting/reconcile_calls.py): by
then its notifications were attempted, its flow has ended and its recording has arrived."""


def due_by(call: Call) -> datetime:
    """The time by which an open call should be over; after it the sweeper looks at the call."""
    due = _due_by_phase(call)
    return due if call.ending_at is None else min(due, call.ending_at + ENDING)


def _due_by_phase(call: Call) -> datetime:
    if call.callee.answered_at is not None:
        return call.callee.answered_at + call.longest_talk + SWEEP_MARGIN
    return call.accepted_at + (TAKE_UP if call.taken_up_at is None else call.before_talk)

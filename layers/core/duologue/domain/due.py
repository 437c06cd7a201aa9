"""When a call is due for the sweeper. This is the rule's one home; the store never has a later time (see below).

| A call that is         | is due                                                                                  |
| ---------------------- | --------------------------------------------------------------------------------------- |
| accepted               | `TAKE_UP` after that (R13)                                                              |
| taken up by its flow   | `before_talk` after its acceptance: by then its dials, rings and prompts are over       |
| talking, or was        | its longest talk and `SWEEP_MARGIN` after the callee's answer                           |
| ending                 | `ENDING` after its reason was recorded, if that is sooner                               |

The time that is stored with a call may be earlier: it is written when the call is accepted, and moved forward only by
the sweeper, when it finds that the call is not due yet. So a short call costs no write for it, and it is never later.
"""

from datetime import datetime, timedelta

from duologue.domain.call import Call

TAKE_UP = timedelta(minutes=2)
"""How long an accepted call may wait for its flow to start; longer, and it is closed without a dial."""
ENDING = timedelta(minutes=5)
"""More than the network's own ring limit of two minutes: a leg that still rings is not closed over its head (R7)."""
SWEEP_MARGIN = timedelta(minutes=5)
"""What retries, and the hang-ups after an end that was asked for, may take besides."""


def due_by(call: Call) -> datetime:
    """By when an open call should be over; after that the sweeper looks at it. Pure: it follows from the call."""
    due = _due_by_phase(call)
    return due if call.ending_at is None else min(due, call.ending_at + ENDING)


def _due_by_phase(call: Call) -> datetime:
    if call.callee.answered_at is not None:
        return call.callee.answered_at + call.longest_talk + SWEEP_MARGIN
    return call.accepted_at + (TAKE_UP if call.taken_up_at is None else call.before_talk)

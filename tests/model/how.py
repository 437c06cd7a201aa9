"""How a step comes about."""

from enum import StrEnum


class How(StrEnum):
    """It must come in the end, it may, or it is a fault."""

    MUST = "must"
    MAY = "may"

    CRASH = "crash"  # of any function, before its first operation or after one that had an effect
    LOST_EVENT = "lost event"  # also: a start of the execution that never arrived
    REPEATED = "repeated event"  # also: a record of the stream
    LOST_WAKE_UP = "lost wake-up"  # the one at once, or the outbox's
    REFUSAL = "refusal"  # of a dial, another request, the bridge, a prompt
    UNSURE = "unsure"  # a request without an answer, whether it was carried out or not
    LATE_FUNCTION = "late function"  # the state machine gives an attempt up, and its function goes on
    TWIN = "invoked twice"  # a function, for the same attempt
    EARLY_TIMEOUT = "early time-out"
    EARLY_SWEEP = "early sweep"
    STORE = "store"  # out of reach for one operation, which is done or not


FAULTS = frozenset(How) - {How.MUST, How.MAY}
HARMLESS = frozenset({How.REPEATED, How.LOST_WAKE_UP, How.LATE_FUNCTION, How.TWIN})
"""After these a call ends as it would without a fault."""
MISLEADING = frozenset({How.LOST_EVENT, How.STORE, How.EARLY_SWEEP, How.EARLY_TIMEOUT})
"""After these the platform may not know what became of a call, and tell that it was lost."""

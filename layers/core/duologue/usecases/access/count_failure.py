"""Count wrong credentials, so that too many lock. Correct ones write nothing."""

from duologue.domain.access.attempts import MOST_FAILURES, Attempt
from duologue.domain.errors import AuthenticationLocked, RaceLost
from duologue.usecases.ports.accounts import AuthAttempts
from duologue.usecases.ports.outside import Clock


def count_failure(attempt: Attempt, *, auth_attempts: AuthAttempts, clock: Clock) -> None:
    """Count one failure. A lock is reported to the next attempt: this one is wrong anyway.

    Raises:
        OutsideUnavailable: storage is unavailable.
    """
    for _ in range(MOST_FAILURES):
        try:
            auth_attempts.save_failures(attempt, auth_attempts.failures(attempt).count(clock.now()))
        except RaceLost:
            continue
        except AuthenticationLocked:
            return
        return
    # Every race was lost to another failure, so enough were counted to lock.

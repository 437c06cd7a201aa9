"""Count a wrong proof, so that a few too many lock. A right one writes nothing."""

from duologue.domain.attempts import MOST_FAILURES, Attempt
from duologue.domain.errors import AuthenticationLocked, RaceLost
from duologue.usecases.ports.accounts import AuthAttempts
from duologue.usecases.ports.outside import Clock


def count_failure(attempt: Attempt, *, auth_attempts: AuthAttempts, clock: Clock) -> None:
    """Count one more. That it locks, or is locked, is told to the next attempt: this one is wrong in any case.

    Raises:
        OutsideUnavailable: storage is out of reach.
    """
    for _ in range(MOST_FAILURES):
        try:
            auth_attempts.save_failures(attempt, auth_attempts.failures(attempt).count(clock.now()))
        except RaceLost:
            continue
        except AuthenticationLocked:
            return
        return
    # Each race was lost to another one's failure: as many as lock were counted meanwhile.

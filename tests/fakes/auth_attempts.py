"""Nonces and wrong attempts in memory, with the same conditions as the real store, for any number of threads."""

from dataclasses import replace
from datetime import datetime
from threading import Lock

from duologue.domain.access.attempts import Attempt, Failures
from duologue.domain.errors import NonceUsed, OutsideUnavailable, RaceLost


class FakeAuthAttempts:
    """Plays `AuthAttempts`. `writes` counts what was written of failures."""

    def __init__(self) -> None:
        self.nonces: dict[tuple[str, str], datetime] = {}
        self.counted: dict[Attempt, Failures] = {}
        self.writes = 0
        self.out_of_reach = False
        self._lock = Lock()

    def use_nonce(self, app_key: str, nonce: str, until: datetime, now: datetime) -> None:
        self._reach()
        with self._lock:
            remembered = self.nonces.get((app_key, nonce))
            if remembered is not None and remembered >= now:
                raise NonceUsed(app_key)
            self.nonces[app_key, nonce] = until

    def failures(self, attempt: Attempt) -> Failures:
        self._reach()
        return self.counted.get(attempt, Failures())

    def save_failures(self, attempt: Attempt, failures: Failures) -> None:
        self._reach()
        with self._lock:
            if self.failures(attempt).version != failures.version:
                raise RaceLost(attempt.app_key)
            self.counted[attempt] = replace(failures, version=failures.version + 1)
            self.writes += 1

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("gate")

"""Put calls that began or ended into the lists of calls, and count what apps used."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.call_lists import Listing
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)
_LONGEST = timedelta(seconds=8)
"""After which nothing more is begun: notifications of later batches must not wait for lists."""
_AT_A_TIME = 10


@dataclass(frozen=True, slots=True)
class ListCalls:
    listing: Listing
    clock: Clock
    isolate: FailureIsolation

    def __call__(self, accepted: Sequence[str], ended: Sequence[str]) -> None:
        """Never raises: it must not hold up notifications. What is missed here, reconciliation repairs."""
        until = self.clock.now() + _LONGEST
        for work, calls in ((self.listing.add, accepted), (self.listing.end, ended)):
            for begin in range(0, len(calls), _AT_A_TIME):
                some = calls[begin : begin + _AT_A_TIME]
                if not self._done(work, some, until) and len(some) > 1:
                    for call_id in some:  # one of them must not keep the others out
                        self._done(work, [call_id], until)

    def _done(self, work: Callable[[Sequence[str]], None], calls: Sequence[str], until: datetime) -> bool:
        if self.clock.now() >= until:
            _log.warning("no time to list %s calls; reconciliation will do it", len(calls))
            return True
        done = False
        with self.isolate(calls[0]):
            try:
                work(calls)
                done = True
            except OutsideUnavailable:
                _log.warning("calls were not listed; reconciliation will do it", exc_info=True)
        return done

"""Put calls that began or ended into the lists of calls, and count what apps used."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.failure_isolation import FailureIsolation
from duologue.usecases.ports.call_lists import Listing

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListCalls:
    listing: Listing
    isolate: FailureIsolation

    def __call__(self, accepted: Sequence[str], ended: Sequence[str]) -> None:
        """Never raises: it must not hold up notifications. What is missed here, reconciliation repairs."""
        with self.isolate(" ".join([*accepted, *ended])):
            try:
                self.listing.add(accepted)
                self.listing.end(ended)
            except OutsideUnavailable:
                _log.warning("calls were not listed; reconciliation will do it", exc_info=True)

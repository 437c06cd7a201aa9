"""Limit the requests of an app, so that one SP does not take what others need (docs/decisions/0022)."""

from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.usecases.ports.accounts import RequestLimit
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class LimitRequests:
    limit: RequestLimit
    clock: Clock

    def __call__(self, app: App) -> None:
        """Count a request that neither places nor stops a callback.

        Raises:
            TooManyRequests: the app has sent too many within a second.
            OutsideUnavailable: storage is unavailable.
        """
        if app.requests_per_second:
            self.limit.count_request(app.key, self.clock.now(), app.requests_per_second)

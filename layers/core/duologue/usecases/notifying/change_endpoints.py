"""What the operator does about the endpoints of an app that are left alone."""

from collections.abc import Callable

from duologue.domain.errors import InvalidField
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.usecases.ports.notifying import NotificationLog
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import no_pause, until_written


def probe_now(app_key: str, url: str, *, log: NotificationLog, clock: Clock) -> EndpointHealth:
    """Let the next notification for the origin of a URL be the probe. Raises InvalidField: it is not left alone."""

    def change(health: EndpointHealth) -> EndpointHealth:
        changed = health.probed_from(url, clock.now())
        if changed is None:
            raise InvalidField("endpoint", f"{url} is not left alone")
        return changed

    return _changed(app_key, change, log, clock)


def switch_on(app_key: str, url: str, *, log: NotificationLog, clock: Clock) -> EndpointHealth:
    """Post to a URL again that answered 410. Raises InvalidField: it is not switched off."""

    def change(health: EndpointHealth) -> EndpointHealth:
        if url not in health.gone:
            raise InvalidField("endpoint", f"{url} is not switched off")
        return health.switched_on(url)

    return _changed(app_key, change, log, clock)


def _changed(
    app_key: str, change: Callable[[EndpointHealth], EndpointHealth], log: NotificationLog, clock: Clock
) -> EndpointHealth:
    def once() -> EndpointHealth:
        health = change(log.endpoint_health(app_key))
        log.save_health(app_key, health, clock.now())
        return health

    return until_written(once, no_pause, f"endpoints of app {app_key}")

"""Change an app's tokens, with optimistic locking."""

from collections.abc import Callable
from datetime import datetime

from duologue.domain.access.tokens import Register
from duologue.usecases.ports.accounts import Tokens
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import no_pause, until_written


def change_tokens(app_key: str, change: Callable[[Register, datetime], Register], tokens: Tokens, clock: Clock) -> None:
    """Apply `change` to the register and save it. Errors of `change` pass through; then nothing is written.

    Raises:
        OutsideUnavailable: too many changes at the same moment, or storage is unavailable.
    """

    def once() -> None:
        tokens.save(app_key, change(tokens.register(app_key), clock.now()))

    until_written(once, no_pause, f"app {app_key}")

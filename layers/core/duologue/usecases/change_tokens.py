"""Change an app's tokens: read the register, decide, write it if nobody else did meanwhile, else decide again."""

from collections.abc import Callable
from datetime import datetime

from duologue.domain.tokens import Register
from duologue.usecases.ports.accounts import Tokens
from duologue.usecases.ports.outside import Clock
from duologue.usecases.until_written import no_pause, until_written


def change_tokens(app_key: str, change: Callable[[Register, datetime], Register], tokens: Tokens, clock: Clock) -> None:
    """Write `change` of the register as it is now. What `change` raises is raised, and nothing is written.

    Raises:
        OutsideUnavailable: too many changes at the same moment, or storage is out of reach.
    """

    def once() -> None:
        tokens.save(app_key, change(tokens.register(app_key), clock.now()))

    until_written(once, no_pause, f"app {app_key}")

"""Change an app's tokens: read the register, decide, write it if nobody else did meanwhile, else decide again."""

from collections.abc import Callable
from datetime import datetime

from duologue.domain.errors import OutsideUnavailable, RaceLost
from duologue.domain.tokens import Register
from duologue.usecases.ports import Clock, Tokens

_TRIES = 12
"""Five log-ins a minute and a few refreshes at the same moment lose fewer races than that."""


def change_tokens(app_key: str, change: Callable[[Register, datetime], Register], tokens: Tokens, clock: Clock) -> None:
    """Write `change` of the register as it is now. What `change` raises is raised, and nothing is written.

    Raises:
        OutsideUnavailable: too many changes at the same moment, or storage is out of reach.
    """
    for _ in range(_TRIES):
        changed = change(tokens.register(app_key), clock.now())
        try:
            tokens.save(app_key, changed)
        except RaceLost:
            continue
        return
    raise OutsideUnavailable(f"app {app_key}: {_TRIES} races for its tokens lost in a row")

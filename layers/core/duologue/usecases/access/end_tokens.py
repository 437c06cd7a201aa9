"""Revoke all tokens of an app at once, for example after a leak."""

from duologue.usecases.access.change_tokens import change_tokens
from duologue.usecases.ports.accounts import Apps, Tokens
from duologue.usecases.ports.outside import Clock


def end_tokens(app_key: str, *, apps: Apps, tokens: Tokens, clock: Clock) -> None:
    """Idempotent.

    Raises:
        UnknownApp: there is no such app.
        OutsideUnavailable: too many changes at the same moment, or storage is unavailable.
    """
    apps.app(app_key)
    change_tokens(app_key, lambda register, now: register.end_all(), tokens, clock)

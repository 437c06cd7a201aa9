"""Rotate an app's secret with an overlap: the new and the previous one are valid until the older is retired.

rotate ──▶ two are valid; notifications are signed with the new one
   the SP's servers switch to the new one
retire ──▶ only the new one is valid
"""

from collections.abc import Callable
from dataclasses import replace

from duologue.domain.access.accounts import App
from duologue.domain.access.random_text import random_text
from duologue.domain.errors import InvalidField
from duologue.usecases.ports.accounts import AppBook

_LENGTH = 43
"""About 256 random bits."""


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    return random_text(_LENGTH, random_bytes)


def rotate_secret(app_key: str, *, apps: AppBook, random_bytes: Callable[[int], bytes]) -> App:
    """Give an app a new secret, which is returned and never shown again.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: the previous rotation is not finished: a third secret would revoke one that may still be used.
    """

    def rotated(app: App) -> App:
        if app.older_secret is not None:
            raise InvalidField("older secret", "is still valid: revoke it first, by app rotate-secret --retire-old")
        return replace(app, secret=secret, older_secret=app.secret)

    secret = new_secret(random_bytes)
    return apps.change_app(app_key, rotated)


def retire_secret(app_key: str, *, apps: AppBook) -> App:
    """Revoke the older secret at once, if there is one. Raises UnknownApp."""
    return apps.change_app(app_key, lambda app: replace(app, older_secret=None))

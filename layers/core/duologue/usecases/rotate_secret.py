"""Rotate an app's secret with an overlap: the new one and the one before are both good until the older is retired.

rotate ──▶ two are good; what the platform tells the app is signed with the new one
   the SP's servers take over the new one, each in its time
retire ──▶ only the new one is good
"""

from collections.abc import Callable
from dataclasses import replace

from duologue.domain.accounts import App
from duologue.domain.errors import InvalidField
from duologue.domain.random_text import random_text
from duologue.usecases.ports.accounts import AppBook

_LENGTH = 43
"""About 256 random bits."""


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    return random_text(_LENGTH, random_bytes)


def rotate_secret(app_key: str, *, apps: AppBook, random_bytes: Callable[[int], bytes]) -> App:
    """Give an app a new secret; it is in what is returned, and never shown again.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: the rotation before is not finished: a third secret would end one that servers may still use.
    """

    def rotated(app: App) -> App:
        if app.older_secret is not None:
            raise InvalidField("older secret", "is still good: retire it first")
        return replace(app, secret=secret, older_secret=app.secret)

    secret = new_secret(random_bytes)
    return apps.change_app(app_key, rotated)


def retire_secret(app_key: str, *, apps: AppBook) -> App:
    """End the older secret at once. Twice, or without one, changes nothing. Raises UnknownApp."""
    return apps.change_app(app_key, lambda app: replace(app, older_secret=None))

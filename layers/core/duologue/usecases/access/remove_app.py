"""Remove an app, with its prompts."""

from duologue.call_control.prompts import AppPrompt
from duologue.usecases.ports.accounts import AccountBook
from duologue.usecases.ports.outside import Prompts


def remove_app(app_key: str, *, accounts: AccountBook, store: Prompts) -> None:
    """Its notifications that are still to be retried become undelivered.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: it is active, or has calls in progress.
        OutsideUnavailable: a storage is unavailable. Prompts that are left are played by nobody.
    """
    app = accounts.app(app_key)
    accounts.remove_app(app_key)
    for name in app.prompts:
        store.remove(AppPrompt(app_key, name))

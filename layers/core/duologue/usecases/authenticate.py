"""Authenticate: whose request this is. Every business request passes here first."""

from duologue.domain.accounts import App
from duologue.domain.credentials import AccessToken, Credentials
from duologue.domain.errors import AccountInactive
from duologue.usecases.ports import Accounts, Clock, Tokens


def authenticate(credentials: Credentials, *, accounts: Accounts, tokens: Tokens, clock: Clock) -> App:
    """The app that a request is of.

    Raises:
        UnknownApp: there is no such app.
        InvalidToken: the token is unknown, ended, or another app's; TokenExpired: its time is over.
        AccountInactive: the app or its SP is suspended.
    """
    match credentials:
        case AccessToken(app_key, token):
            app = accounts.app(app_key)
            tokens.register(app_key).check_access(token, clock.now())
    _check_active(app, accounts)
    return app


def active_app(app_key: str, accounts: Accounts) -> App:
    """Raises UnknownApp, AccountInactive."""
    app = accounts.app(app_key)
    _check_active(app, accounts)
    return app


def _check_active(app: App, accounts: Accounts) -> None:
    if not (app.active and accounts.sp(app.sp).active):
        raise AccountInactive(app.key)

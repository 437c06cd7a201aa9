"""Authenticate: whose request this is. Every business request passes here first.

A token is looked up. A digest is judged in this order, each refusal with its own name: is the app known, is it locked,
is the time near, is the digest right (a wrong one is counted), is the account active, is the nonce new. The nonce comes
last: only who can make digests uses nonces up.
"""

from duologue.domain.accounts import App
from duologue.domain.attempts import Attempt, Proof, check_time, nonce_needed_until
from duologue.domain.credentials import AccessToken, AppDigest, Credentials
from duologue.domain.errors import AccountInactive, WrongDigest
from duologue.usecases.count_failure import count_failure
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


def authenticate(
    credentials: Credentials,
    *,
    accounts: Accounts,
    tokens: Tokens,
    auth_attempts: AuthAttempts,
    clock: Clock,
    source: str = "",
) -> App:
    """The app that a request is of. `source` is the address that it came from.

    Raises:
        UnknownApp: there is no such app.
        InvalidToken: the token is unknown, ended, or another app's; TokenExpired: its time is over.
        RequestStale, WrongDigest, NonceUsed, AuthenticationLocked: what is wrong with a digest.
        AccountInactive: the app or its SP is suspended.
        OutsideUnavailable: storage is out of reach.
    """
    match credentials:
        case AccessToken(app_key, token):
            app, register = tokens.app_with_register(app_key)
            register.check_access(token, clock.now())
            _check_active(app, accounts)
        case AppDigest():
            app = accounts.app(credentials.app_key)
            _check_digest(credentials, app, auth_attempts, clock, source)
            _check_active(app, accounts)
            auth_attempts.use_nonce(app.key, credentials.nonce, nonce_needed_until(credentials.created), clock.now())
    return app


def active_app(app_key: str, accounts: Accounts) -> App:
    """Raises UnknownApp, AccountInactive."""
    app = accounts.app(app_key)
    _check_active(app, accounts)
    return app


def _check_digest(digest: AppDigest, app: App, auth_attempts: AuthAttempts, clock: Clock, source: str) -> None:
    attempt = Attempt(app.key, Proof.DIGEST, source)
    auth_attempts.failures(attempt).check(clock.now())
    check_time(digest.created, clock.now())
    # A list, not a generator: every secret is tried, so that time does not tell which of them it was.
    if not any([digest.proves(secret) for secret in app.secrets]):
        count_failure(attempt, auth_attempts=auth_attempts, clock=clock)
        raise WrongDigest(app.key)


def _check_active(app: App, accounts: Accounts) -> None:
    if not (app.active and accounts.sp(app.sp).active):
        raise AccountInactive(app.key)

"""Authenticate: whose request this is. Every business request passes here first.

A token is looked up. A digest is judged in this order, each refusal with its own name: is the app known, is it locked,
is the time near, is the digest right (a wrong one is counted), is the account active, is the nonce new. The nonce comes
last: only who can make digests uses nonces up.
"""

from dataclasses import dataclass

from duologue.domain.accounts import App
from duologue.domain.attempts import Attempt, Proof, check_time, nonce_needed_until
from duologue.domain.credentials import AccessToken, AppDigest, Credentials
from duologue.domain.errors import AccountInactive, WrongDigest
from duologue.usecases.count_failure import count_failure
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class Authenticate:
    accounts: Accounts
    tokens: Tokens
    auth_attempts: AuthAttempts
    clock: Clock

    def __call__(self, credentials: Credentials, source: str = "") -> App:
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
                app, register = self.tokens.app_with_register(app_key)
                register.check_access(token, self.clock.now())
                _check_active(app, self.accounts)
            case AppDigest(nonce=nonce, created=created):
                app = self.accounts.app(credentials.app_key)
                self._check_digest(credentials, app, source)
                _check_active(app, self.accounts)
                self.auth_attempts.use_nonce(app.key, nonce, nonce_needed_until(created), self.clock.now())
        return app

    def _check_digest(self, digest: AppDigest, app: App, source: str) -> None:
        attempt = Attempt(app.key, Proof.DIGEST, source)
        self.auth_attempts.failures(attempt).check(self.clock.now())
        check_time(digest.created, self.clock.now())
        # A list, not a generator: every secret is tried, so that time does not tell which of them it was.
        if not any([digest.proves(secret) for secret in app.secrets]):
            count_failure(attempt, auth_attempts=self.auth_attempts, clock=self.clock)
            raise WrongDigest(app.key)


def active_app(app_key: str, accounts: Accounts) -> App:
    """Raises UnknownApp, AccountInactive."""
    app = accounts.app(app_key)
    _check_active(app, accounts)
    return app


def _check_active(app: App, accounts: Accounts) -> None:
    if not (app.active and accounts.sp(app.sp).active):
        raise AccountInactive(app.key)

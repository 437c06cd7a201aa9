"""Authenticate a request. All requests except log-in, refresh and log-out pass here.

A token is looked up, if the app may use tokens from this address. A digest is checked in this order, each with its own
error: known app, address, scheme, lock, time, digest (a wrong one is counted), active account, new nonce unless the app
may reuse nonces. The nonce is last, so that only valid digests use up nonces.
"""

from dataclasses import dataclass, replace

from duologue.domain.access.accounts import App, Scheme, Sp
from duologue.domain.access.attempts import Attempt, Proof, check_time, nonce_needed_until
from duologue.domain.access.credentials import AccessToken, AppDigest, Credentials
from duologue.domain.access.source_address import is_allowed
from duologue.domain.errors import AccountInactive, AddressNotAllowed, SchemeNotAllowed, WrongDigest
from duologue.usecases.access.count_failure import count_failure
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class Authenticate:
    accounts: Accounts
    tokens: Tokens
    auth_attempts: AuthAttempts
    clock: Clock

    def __call__(self, credentials: Credentials, source: str = "", *, also_suspended: bool = False) -> App:
        """The app of a request, with its SP's limits.

        `source`: the client's address. `also_suspended`: an app that is not active may ask.

        Raises:
            UnknownApp: there is no such app.
            AddressNotAllowed, SchemeNotAllowed: the app may not be used from `source`, or not by this kind of proof.
            InvalidToken: the token is unknown, revoked, or another app's. TokenExpired.
            RequestStale, WrongDigest, NonceUsed, AuthenticationLocked: the digest was refused.
            AccountInactive: the app or its SP is suspended.
            OutsideUnavailable: storage is unavailable.
        """
        match credentials:
            case AccessToken(app_key, token):
                access = self.tokens.access_of(app_key)
                check_use(access.app, Scheme.TOKEN, source)
                access.register.check_access(token, self.clock.now())
                app = access.app if also_suspended else _checked_active(access.app, access.sp)
            case AppDigest(nonce=nonce, created=created):
                app = self.accounts.app(credentials.app_key)
                check_use(app, credentials.scheme, source)
                self._check_digest(credentials, app, source)
                if not also_suspended:
                    app = _checked_active(app, self.accounts.sp(app.sp))
                if not app.reuse_nonces:
                    self.auth_attempts.use_nonce(app.key, nonce, nonce_needed_until(created), self.clock.now())
        return app

    def _check_digest(self, digest: AppDigest, app: App, source: str) -> None:
        attempt = Attempt(app.key, Proof.DIGEST, source)
        self.auth_attempts.failures(attempt).check(self.clock.now())
        check_time(digest.created, self.clock.now())
        # A list, not a generator, so that all secrets are always compared.
        if not any([digest.proves(secret) for secret in app.secrets]):
            count_failure(attempt, auth_attempts=self.auth_attempts, clock=self.clock)
            raise WrongDigest(app.key)


def check_use(app: App, scheme: Scheme, source: str) -> None:
    """What is checked before any secret. Raises AddressNotAllowed, SchemeNotAllowed."""
    if not is_allowed(source, app.allowed_addresses):
        raise AddressNotAllowed(app.key)
    if scheme not in app.schemes:
        raise SchemeNotAllowed(scheme.value)


def active_app(app_key: str, accounts: Accounts) -> App:
    """Raises UnknownApp, AccountInactive."""
    app = accounts.app(app_key)
    return _checked_active(app, accounts.sp(app.sp))


def _checked_active(app: App, sp: Sp) -> App:
    """The app with its SP's limits. Raises AccountInactive."""
    if not (app.active and sp.active):
        raise AccountInactive(app.key)
    return replace(app, sp_calls_per_second=sp.calls_per_second) if sp.calls_per_second else app

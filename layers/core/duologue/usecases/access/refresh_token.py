"""Refresh: the app's secret and a refresh token for the next pair. The replaced pair expires a minute later."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from duologue.domain.access.accounts import Scheme
from duologue.domain.access.attempts import Attempt, Proof
from duologue.domain.access.tokens import TokenPair, new_pair
from duologue.domain.errors import WrongCredentials
from duologue.usecases.access.authenticate import active_app, check_use
from duologue.usecases.access.change_tokens import change_tokens
from duologue.usecases.access.count_failure import count_failure
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class RefreshToken:
    accounts: Accounts
    tokens: Tokens
    auth_attempts: AuthAttempts
    clock: Clock
    random_bytes: Callable[[int], bytes]

    def __call__(self, app_key: str, app_secret: str, token: str, source: str = "") -> TokenPair:
        """Replace a pair. A repeat within the overlap gets another one, since a response may have been lost.

        `source`: the client's address; too many wrong secrets lock refreshing from there.

        Raises:
            UnknownApp: there is no such app. SchemeNotAllowed: it may not use tokens. AddressNotAllowed.
            AccountInactive: the app or its SP is suspended.
            WrongCredentials: the app has no such secret.
            AuthenticationLocked: the secret was wrong too often from this address.
            InvalidToken: the refresh token is unknown, used up, or another app's. TokenExpired.
            OutsideUnavailable: too many changes at the same moment, or storage is unavailable.
        """
        app = active_app(app_key, self.accounts)
        check_use(app, Scheme.TOKEN, source)
        attempt = Attempt(app_key, Proof.SECRET, source)
        self.auth_attempts.failures(attempt).check(self.clock.now())
        given = app_secret.encode(errors="surrogatepass")
        # A list, not a generator, so that both secrets are always compared.
        if not any([hmac.compare_digest(secret.encode(), given) for secret in app.secrets]):
            count_failure(attempt, auth_attempts=self.auth_attempts, clock=self.clock)
            raise WrongCredentials(app_key)
        pair = new_pair(self.random_bytes)
        change_tokens(app_key, lambda register, now: register.refresh(token, pair, now), self.tokens, self.clock)
        return pair

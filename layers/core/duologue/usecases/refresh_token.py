"""Refresh: the app's secret and a refresh token buy the next pair of tokens. What it replaces ends a minute later."""

import hmac
from collections.abc import Callable

from duologue.domain.attempts import Attempt, Proof
from duologue.domain.errors import WrongCredentials
from duologue.domain.tokens import TokenPair, new_pair
from duologue.usecases.authenticate import active_app
from duologue.usecases.change_tokens import change_tokens
from duologue.usecases.count_failure import count_failure
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


def refresh_token(
    app_key: str,
    app_secret: str,
    token: str,
    *,
    accounts: Accounts,
    tokens: Tokens,
    auth_attempts: AuthAttempts,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    source: str = "",
) -> TokenPair:
    """Replace a pair. A repeat within the overlap gets the next one: an answer may have been lost.

    `source` is the address that the request came from: too many wrong secrets lock refreshing from there.

    Raises:
        UnknownApp: there is no such app.
        AccountInactive: the app or its SP is suspended.
        WrongCredentials: the app has no such secret.
        AuthenticationLocked: the secret was wrong too often from this address.
        InvalidToken: the refresh token is unknown, spent, or another app's; TokenExpired: its time is over.
        OutsideUnavailable: too many changes at the same moment, or storage is out of reach.
    """
    app = active_app(app_key, accounts)
    attempt = Attempt(app_key, Proof.SECRET, source)
    auth_attempts.failures(attempt).check(clock.now())
    given = app_secret.encode(errors="surrogatepass")
    # A list, not a generator: both secrets are compared, whichever it is.
    if not any([hmac.compare_digest(secret.encode(), given) for secret in app.secrets]):
        count_failure(attempt, auth_attempts=auth_attempts, clock=clock)
        raise WrongCredentials(app_key)
    pair = new_pair(random_bytes)
    change_tokens(app_key, lambda register, now: register.refresh(token, pair, now), tokens, clock)
    return pair

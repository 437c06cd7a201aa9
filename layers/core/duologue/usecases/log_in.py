"""Log in: an SP's user name and password for tokens of one of its apps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from duologue.domain.accounts import App, Sp
from duologue.domain.attempts import Attempt, Proof
from duologue.domain.errors import AccountInactive, UnknownApp, UnknownSp, WrongCredentials
from duologue.domain.passwords import NOBODY, password_matches
from duologue.domain.tokens import Register, TokenPair, new_pair
from duologue.usecases.change_tokens import change_tokens
from duologue.usecases.count_failure import count_failure
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class LogIn:
    accounts: Accounts
    tokens: Tokens
    auth_attempts: AuthAttempts
    clock: Clock
    random_bytes: Callable[[int], bytes]

    def __call__(self, app_key: str, username: str, password: str, source: str = "") -> TokenPair:
        """Create a new pair of tokens; the app's other pairs, up to ten, stay valid.

        A wrong password takes the same time as an unknown app. `source`: the client's address; too many wrong passwords
        lock it out, and only it. Only successful log-ins count for the app.

        Raises:
            UnknownApp: there is no such app.
            WrongCredentials: the app's SP has another user name or password.
            AccountInactive: both are right, but the SP or the app is suspended.
            AuthenticationLocked: the password was wrong too often from this address.
            TooManyLogIns: the app logged in five times within the last minute; the password is not checked.
            OutsideUnavailable: too many changes at the same moment, or storage is unavailable.
        """
        app, sp = self._look_up(app_key)
        attempt = Attempt(app_key, Proof.PASSWORD, source)
        if app is not None:
            self.auth_attempts.failures(attempt).check(self.clock.now())
            # Refuse before the expensive check; a successful log-in is counted below.
            self.tokens.register(app_key).log_in(self.clock.now())
        matches = password_matches(password, sp.password_hash if sp else NOBODY)
        if app is None:
            raise UnknownApp(app_key)
        if not (matches and sp is not None and sp.username == username):
            count_failure(attempt, auth_attempts=self.auth_attempts, clock=self.clock)
            raise WrongCredentials(app_key)
        pair = new_pair(self.random_bytes) if app.active and sp.active else None

        def counted(register: Register, now: datetime) -> Register:
            register = register.log_in(now)
            return register.grant(pair, now) if pair else register

        change_tokens(app_key, counted, self.tokens, self.clock)
        if pair is None:
            raise AccountInactive(app_key)
        return pair

    def _look_up(self, app_key: str) -> tuple[App | None, Sp | None]:
        try:
            app = self.accounts.app(app_key)
        except UnknownApp:
            return None, None
        try:
            return app, self.accounts.sp(app.sp)
        except UnknownSp:
            return app, None

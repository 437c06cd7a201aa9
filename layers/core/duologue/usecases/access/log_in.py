"""Log in: an SP's user name and password for tokens of one of its apps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from duologue.domain.access.accounts import Scheme
from duologue.domain.access.attempts import Attempt, Proof
from duologue.domain.access.passwords import password_matches
from duologue.domain.access.tokens import Register, TokenPair, new_pair
from duologue.domain.errors import AccountInactive, UnknownApp, UnknownSp, WrongCredentials
from duologue.usecases.access.authenticate import check_use
from duologue.usecases.access.change_tokens import change_tokens
from duologue.usecases.access.count_failure import count_failure
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

        A wrong user name takes the same time as a wrong password. An unknown app takes less, as the error says which it
        is anyway. `source`: the client's address; too many wrong passwords lock it out, and only it. Only successful
        log-ins count for the app.

        Raises:
            UnknownApp: there is no such app. SchemeNotAllowed: it may not use tokens. AddressNotAllowed.
            WrongCredentials: the app's SP has another user name or password.
            AccountInactive: both are right, but the SP or the app is suspended.
            AuthenticationLocked: the password was wrong too often from this address; or there is no such app, and the
                address has named too many that do not exist.
            TooManyLogIns: the app logged in five times within the last minute; the password is not checked.
            OutsideUnavailable: too many changes at the same moment, or storage is unavailable.
        """
        try:
            app = self.accounts.app(app_key)
        except UnknownApp:
            unknown = Attempt("", Proof.PASSWORD, source)
            self.auth_attempts.failures(unknown).check(self.clock.now())
            count_failure(unknown, auth_attempts=self.auth_attempts, clock=self.clock)
            raise
        check_use(app, Scheme.TOKEN, source)
        attempt = Attempt(app_key, Proof.PASSWORD, source)
        self.auth_attempts.failures(attempt).check(self.clock.now())
        # Refuse before the expensive check; a successful log-in is counted below.
        self.tokens.register(app_key).log_in(self.clock.now())
        try:
            sp = self.accounts.sp(app.sp)
        except UnknownSp:  # its row was deleted by hand
            raise WrongCredentials(app_key) from None
        matches = password_matches(password, sp.password_hash)
        if not (matches and sp.username == username):
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

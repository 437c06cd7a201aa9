"""Log out: revoke at once all tokens that come from one log-in. The app's other log-ins stay valid."""

from dataclasses import dataclass

from duologue.domain.access.credentials import AccessToken
from duologue.usecases.access.change_tokens import change_tokens
from duologue.usecases.ports.accounts import Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class LogOut:
    tokens: Tokens
    clock: Clock

    def __call__(self, credentials: AccessToken) -> None:
        """Revoke the tokens of this access token's log-in. Suspended accounts may do this too.

        Raises:
            InvalidToken: the token is unknown, revoked, or another app's. TokenExpired.
            OutsideUnavailable: too many changes at the same moment, or storage is unavailable.
        """
        app_key, token = credentials.app_key, credentials.token
        change_tokens(app_key, lambda register, now: register.log_out(token, now), self.tokens, self.clock)

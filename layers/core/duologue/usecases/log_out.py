"""Log out: end one pair of tokens at once. The app's other pairs stay good."""

from dataclasses import dataclass

from duologue.domain.credentials import AccessToken
from duologue.usecases.change_tokens import change_tokens
from duologue.usecases.ports.accounts import Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class LogOut:
    tokens: Tokens
    clock: Clock

    def __call__(self, credentials: AccessToken) -> None:
        """End the pair of this access token. Open to a suspended account too: it only takes away.

        Raises:
            InvalidToken: the token is unknown, ended before, or another app's; TokenExpired: its time is over.
            OutsideUnavailable: too many changes at the same moment, or storage is out of reach.
        """
        app_key, token = credentials.app_key, credentials.token
        change_tokens(app_key, lambda register, now: register.log_out(token, now), self.tokens, self.clock)

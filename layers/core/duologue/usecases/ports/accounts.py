"""Who may use the platform: SPs, their apps, tokens and proofs."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from duologue.domain.accounts import App, Sp
from duologue.domain.attempts import Attempt, Failures
from duologue.domain.tokens import Register


class Apps(Protocol):
    def app(self, key: str) -> App:
        """Raises UnknownApp."""


class Sps(Protocol):
    def sp(self, sp_id: str) -> Sp:
        """Raises UnknownSp."""


class Accounts(Apps, Sps, Protocol):
    """Who may use the platform."""


class AppBook(Apps, Protocol):
    """Apps whose settings may be changed."""

    def change_app(self, key: str, change: Callable[[App], App]) -> App:
        """Write what `change` makes of an app, and give it back. It may be called again if another change came first.

        What `change` raises is raised, and nothing is written. Raises UnknownApp.
        """


class AccountBook(AppBook, Accounts, Protocol):
    """The same, as the operator keeps it."""

    def add_sp(self, sp: Sp) -> None:
        """Raises AccountExists: the id or the user name is taken."""

    def add_app(self, app: App) -> None:
        """Raises AccountExists: the key is taken. UnknownSp: there is no such SP."""

    def set_sp_active(self, sp_id: str, *, active: bool) -> None:
        """Suspend an SP's account, or let it in again. Raises UnknownSp."""

    def set_password(self, sp_id: str, password_hash: str) -> None:
        """Raises UnknownSp."""


class Tokens(Protocol):
    """One register of tokens for each app."""

    def app_with_register(self, app_key: str) -> tuple[App, Register]:
        """An app and its tokens, by one read. Raises UnknownApp."""

    def register(self, app_key: str) -> Register:
        """As it is now; an empty one if there is none. A write that was done before is always seen."""

    def save(self, app_key: str, register: Register) -> None:
        """Write a register that was read at `register.version`. Raises RaceLost: it changed since."""


class AuthAttempts(Protocol):
    """What is remembered of requests that prove themselves: nonces, and wrong attempts."""

    def use_nonce(self, app_key: str, nonce: str, until: datetime, now: datetime) -> None:
        """Take a nonce of an app, and remember it until then. Raises NonceUsed: it is remembered."""

    def failures(self, attempt: Attempt) -> Failures:
        """As they are now; none if there were none. A write that was done before is always seen."""

    def save_failures(self, attempt: Attempt, failures: Failures) -> None:
        """Write what was read at `failures.version`. Raises RaceLost: it changed since."""

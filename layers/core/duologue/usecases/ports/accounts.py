"""SPs, their apps, tokens and authentication attempts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.attempts import Attempt, Failures
from duologue.domain.access.tokens import Register


class Apps(Protocol):
    def app(self, key: str) -> App:
        """Raises UnknownApp."""


class Sps(Protocol):
    def sp(self, sp_id: str) -> Sp:
        """Raises UnknownSp."""


class Accounts(Apps, Sps, Protocol):
    """SPs and apps, read only."""


class AppBook(Apps, Protocol):
    """Apps with changeable settings."""

    def change_app(self, key: str, change: Callable[[App], App]) -> App:
        """Apply `change` to an app, save and return it. `change` is called again after a lost race.

        Errors of `change` pass through; then nothing is written. Raises UnknownApp.
        """

    def reset_endpoints(self, app_key: str) -> None:
        """Forget failures and switched-off URLs of the app's endpoints, so that they are posted to again."""


@dataclass(frozen=True, slots=True)
class ListedApp:
    """An app as it is listed: without its secrets. `numbers`: its display numbers."""

    app_key: str
    sp: str
    numbers: tuple[str, ...]
    active: bool = True


class AccountBook(AppBook, Accounts, Protocol):
    """Accounts as the operator manages them. A display number belongs to one SP, whose apps may share it.

    `change_app` also raises NumberTaken: a new display number is another SP's.
    """

    def add_sp(self, sp: Sp) -> None:
        """Raises AccountExists: the id or the user name exists."""

    def add_app(self, app: App) -> None:
        """Raises AccountExists: the key exists. UnknownSp: there is no such SP. NumberTaken."""

    def app_without_secrets(self, key: str) -> App:
        """Its secrets are empty, so the reader needs no key to them. Raises UnknownApp."""

    def listed_apps(self, *, thorough: bool = False) -> Iterable[ListedApp]:
        """Every app, by key.

        `thorough`: also those that a release without a directory has added meanwhile; it reads the whole table.
        """

    def listed_sps(self) -> Iterable[Sp]:
        """Every SP, by id."""

    def is_display_number(self, number: str) -> bool:
        """Whether an app shows it, or has ever shown it. E.164."""

    def display_numbers(self) -> Iterable[str]:
        """All that an app shows or has ever shown. Reads the whole table."""

    def claim_number(self, number: str, app_key: str, sp: str) -> None:
        """Record that an app of the SP shows a display number. Idempotent. Raises NumberTaken."""

    def set_answering_app(self, number: str, app_key: str) -> None:
        """Set which app answers unknown callers of a display number that several apps show.

        Raises UnknownApp. InvalidField: the app does not show the number.
        """

    def set_sp_active(self, sp_id: str, *, active: bool) -> None:
        """Suspend or resume an SP. Raises UnknownSp."""

    def set_sp_calls_per_second(self, sp_id: str, most: int) -> None:
        """0: no limit. Raises UnknownSp."""

    def set_password(self, sp_id: str, password_hash: str) -> None:
        """Raises UnknownSp."""

    def remove_app(self, key: str) -> None:
        """Delete an app and its tokens. Raises UnknownApp. InvalidField: it is active, or has calls in progress."""

    def remove_sp(self, sp_id: str) -> None:
        """Delete an SP. Raises UnknownSp. InvalidField: it has apps."""


@dataclass(frozen=True, slots=True)
class Access:
    """What tells whether a token lets a request in."""

    app: App
    register: Register
    sp: Sp


class Tokens(Protocol):
    """One token register per app."""

    def access_of(self, app_key: str) -> Access:
        """Strongly consistent; one read, after the first of an app in a process. Raises UnknownApp, UnknownSp."""

    def register(self, app_key: str) -> Register:
        """The current register, or an empty one. Strongly consistent."""

    def save(self, app_key: str, register: Register) -> None:
        """Save a register read at `register.version`. Raises RaceLost: it has changed."""


class AuthAttempts(Protocol):
    """Used nonces and failed attempts."""

    def use_nonce(self, app_key: str, nonce: str, until: datetime, now: datetime) -> None:
        """Use a nonce of an app and remember it until `until`. Raises NonceUsed."""

    def failures(self, attempt: Attempt) -> Failures:
        """The current failures. Strongly consistent."""

    def save_failures(self, attempt: Attempt, failures: Failures) -> None:
        """Save failures read at `failures.version`. Raises RaceLost: they have changed."""


class RequestLimit(Protocol):
    def count_request(self, app_key: str, now: datetime, most: int) -> None:
        """Count a request. Raises TooManyRequests: `most` came within a second."""


class AuthLocks(Protocol):
    """Failed attempts and locks as the operator sees them."""

    def all_failures(self) -> Iterable[tuple[Attempt, Failures]]:
        """Of every app and address; some may be over. Reads the whole table."""

    def forget(self, attempt: Attempt) -> None:
        """Forget the failures, and the lock if there is one. Idempotent."""

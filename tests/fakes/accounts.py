"""Accounts and tokens in memory, with the same conditions as the real store."""

from collections.abc import Callable
from dataclasses import replace

from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.tokens import Register
from duologue.domain.errors import (
    AccountExists,
    AccountInactive,
    InvalidField,
    NumberTaken,
    OutsideUnavailable,
    RaceLost,
    UnknownApp,
    UnknownSp,
)
from duologue.domain.media.recording_link import Owner
from duologue.usecases.ports.accounts import Access, ListedApp


class FakeAccounts:
    """Plays `AccountBook`, `Tokens` and `Owners`. `before_save` runs before each save."""

    def __init__(self) -> None:
        self.sps: dict[str, Sp] = {}
        self.endpoints_reset: list[str] = []
        self.apps: dict[str, App] = {}
        self.registers: dict[str, Register] = {}
        self.held: dict[str, set[str]] = {}
        """The slots of apps."""
        self.numbers: dict[str, set[tuple[str, str]]] = {}
        """Display number → SP and key of each app that shows it."""
        self.answers: dict[str, str] = {}
        """Display number → the app that answers unknown callers."""
        self.before_save: Callable[[], None] = lambda: None
        self.out_of_reach = False

    def sp(self, sp_id: str) -> Sp:
        self._reach()
        if sp_id not in self.sps:
            raise UnknownSp(sp_id)
        return self.sps[sp_id]

    def app(self, key: str) -> App:
        self._reach()
        if key not in self.apps:
            raise UnknownApp(key)
        return self.apps[key]

    def owner(self, app_key: str) -> Owner:
        app = self.app(app_key)
        if not (app.active and app.sp in self.sps and self.sps[app.sp].active):
            raise AccountInactive(app_key)
        return Owner(app_key, stereo=app.stereo_recordings)

    def add_sp(self, sp: Sp) -> None:
        self._reach()
        if sp.id in self.sps or sp.username in {known.username for known in self.sps.values()}:
            raise AccountExists(sp.id)
        self.sps[sp.id] = sp

    def add_app(self, app: App) -> None:
        self.sp(app.sp)
        if app.key in self.apps:
            raise AccountExists(app.key)
        self._claim(app, set(app.display_numbers))
        self.apps[app.key] = app

    def change_app(self, key: str, change: Callable[[App], App]) -> App:
        before = self.app(key)
        after = change(before)
        self._claim(after, set(after.display_numbers) - set(before.display_numbers))
        for number in set(before.display_numbers) - set(after.display_numbers):
            self.numbers.get(number, set()).discard((after.sp, key))
        self.apps[key] = after
        return after

    def reset_endpoints(self, app_key: str) -> None:
        self.endpoints_reset.append(app_key)

    def app_without_secrets(self, key: str) -> App:
        app = self.app(key)
        return replace(app, secret="", older_secret=None if app.older_secret is None else "")

    def listed_apps(self, *, thorough: bool = False) -> list[ListedApp]:
        return [ListedApp(key, app.sp, app.display_numbers, app.active) for key, app in sorted(self.apps.items())]

    def listed_sps(self) -> list[Sp]:
        return [sp for _, sp in sorted(self.sps.items())]

    def is_display_number(self, number: str) -> bool:
        return number in self.numbers

    def display_numbers(self) -> list[str]:
        return list(self.numbers)

    def claim_number(self, number: str, app_key: str, sp: str) -> None:
        self._check_owner(number, sp)
        self.numbers.setdefault(number, set()).add((sp, app_key))
        self.answers.setdefault(number, app_key)

    def set_answering_app(self, number: str, app_key: str) -> None:
        if (self.app(app_key).sp, app_key) not in self.numbers.get(number, ()):
            raise InvalidField("display number", f"{number} is not shown by the app {app_key}")
        self.answers[number] = app_key

    def _claim(self, app: App, numbers: set[str]) -> None:
        for number in sorted(numbers):
            self._check_owner(number, app.sp)
        for number in numbers:
            self.claim_number(number, app.key, app.sp)

    def _check_owner(self, number: str, sp: str) -> None:
        for owner, _ in self.numbers.get(number, ()):
            if owner != sp:
                raise NumberTaken(number, owner)

    def set_sp_active(self, sp_id: str, *, active: bool) -> None:
        self.sps[sp_id] = replace(self.sp(sp_id), active=active)

    def set_sp_calls_per_second(self, sp_id: str, most: int) -> None:
        self.sps[sp_id] = replace(self.sp(sp_id), calls_per_second=most)

    def set_password(self, sp_id: str, password_hash: str) -> None:
        self.sps[sp_id] = replace(self.sp(sp_id), password_hash=password_hash)

    def remove_app(self, key: str) -> None:
        if self.app(key).active:
            raise InvalidField("app", "is active: suspend it first")
        if self.held.get(key):
            raise InvalidField("app", "has calls in progress: remove it when they have ended")
        for apps in self.numbers.values():
            apps.discard((self.apps[key].sp, key))
        del self.apps[key]
        self.registers.pop(key, None)

    def remove_sp(self, sp_id: str) -> None:
        self.sp(sp_id)
        if apps := sorted(app.key for app in self.apps.values() if app.sp == sp_id):
            raise InvalidField("SP", f"has apps: remove them first ({', '.join(apps)})")
        del self.sps[sp_id]

    def access_of(self, app_key: str) -> Access:
        app = self.app(app_key)
        return Access(app, self.register(app_key), self.sp(app.sp))

    def register(self, app_key: str) -> Register:
        self._reach()
        return self.registers.get(app_key, Register())

    def save(self, app_key: str, register: Register) -> None:
        self._reach()
        self.before_save()
        if self.register(app_key).version != register.version:
            raise RaceLost(app_key)
        self.registers[app_key] = replace(register, version=register.version + 1)

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("accounts")

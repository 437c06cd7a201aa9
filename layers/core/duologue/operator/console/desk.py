"""What the console reads and does: the ports and use cases behind its pages, and the audit before every action."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, TypeVar

from duologue.call_control.history import History
from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.audit import AuditEntry
from duologue.domain.errors import UnknownApp, UnknownSp
from duologue.usecases.notifying.manage_notifications import ManageNotifications
from duologue.usecases.operating.end_calls import EndCalls
from duologue.usecases.operating.show_call import ShowCall
from duologue.usecases.ports.accounts import AccountBook, ListedApp
from duologue.usecases.ports.audit import AuditLog, AuditReader
from duologue.usecases.ports.call_lists import CallLists, Usages
from duologue.usecases.ports.memories import Memories, MemorySeal
from duologue.usecases.ports.notifying import NotificationLog
from duologue.usecases.ports.outside import Clock
from duologue.usecases.ports.recordings import Recordings

Value = TypeVar("Value")
_APPS, _MINUTE = "apps", timedelta(minutes=1)


@dataclass(frozen=True)
class Desk:
    """`listed_apps`: all, by key. `who`: the operator's identity in the audit. `stack`: its name.

    `keep_recordings_days`: the platform's retention; 0: unknown. It raises OutsideUnavailable.
    """

    lists: CallLists
    usages: Usages
    accounts: AccountBook
    listed_apps: Callable[[], Iterable[ListedApp]]
    show: ShowCall
    recordings: Recordings
    notifications: ManageNotifications
    log: NotificationLog
    memories: Memories
    seal: MemorySeal
    audit: AuditLog
    audit_reader: AuditReader
    end_calls: EndCalls
    clock: Clock
    host: Callable[[], str]
    who: Callable[[], str]
    keep_recordings_days: Callable[[], int]
    stack: str = "duologue"
    _played: set[str] = field(default_factory=set)
    _known: dict[str, tuple[datetime, Any]] = field(default_factory=dict)
    _locks: dict[str, RLock] = field(default_factory=dict)

    def note(self, kind: str, *, call: str = "", app: str = "", detail: str = "") -> None:
        """Note an action before it is done. Raises OutsideUnavailable: it must not be done."""
        self.audit.add(AuditEntry(self.clock.now(), kind, self.who(), app, call, detail=detail))

    def note_playing(self, call: str, app: str) -> None:
        """The same of a recording, once for each run of the console: a player fetches it part by part."""
        if call not in self._played:
            self.note("console play", call=call, app=app)
            self._played.add(call)

    def known(self, name: str, read: Callable[[], Value], keep: timedelta) -> Value:
        """What was read under this name less than `keep` ago, however many pages show it; else it is read now."""
        with self._locks.setdefault(name, RLock()):  # one reads, the others wait for it
            now = self.now()
            at, value = self._known.get(name, (now - keep, None))
            if now - at >= keep:
                value = read()
                self._known[name] = now, value
        found: Value = value
        return found

    def apps(self, *, naming: Collection[str] = ()) -> Sequence[ListedApp]:
        """All, as they were a minute ago at most; as they are now if one of `naming` is new, or if there was none."""
        found = self.known(_APPS, lambda: list(self.listed_apps()), _MINUTE)
        if found and {app.app_key for app in found}.issuperset(naming):
            return found
        return self.known(_APPS, lambda: list(self.listed_apps()), timedelta(0))

    def now(self) -> datetime:
        return self.clock.now()

    def history(self, call_id: str) -> History:
        """Raises UnknownCall."""
        return self.notifications.histories.history(call_id)

    def app(self, key: str) -> App | None:
        """None: it was removed."""
        try:
            return self.accounts.app_without_secrets(key)
        except UnknownApp:
            return None

    def sp(self, sp_id: str) -> Sp | None:
        """None: it was removed."""
        try:
            return self.accounts.sp(sp_id)
        except UnknownSp:
            return None

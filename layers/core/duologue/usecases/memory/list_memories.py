"""List the call memories of a display number, page by page.

A cursor holds the hash of the last pair of its page, with a keyed hash that binds it to the app and the display number:
it reveals no number, and no other list takes it.
"""

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.domain.errors import ForeignMemory, InvalidField
from duologue.domain.memory.call_memory import CallMemory, OpenedMemory
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.memory.find_memory import check_shown_by
from duologue.usecases.ports.memories import Memories, MemorySeal
from duologue.usecases.ports.outside import Clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListedMemories:
    """`cursor`: of the next page; None: this is the last."""

    memories: Sequence[tuple[CallMemory, OpenedMemory]]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ListMemories:
    """`display_field`: the format's name of a request's display number."""

    memories: Memories
    seal: MemorySeal
    clock: Clock
    display_field: str

    def __call__(self, display: PhoneNumber, app: App, limit: int, cursor: str | None = None) -> ListedMemories:
        """The memories of the app's SP that have not expired. One request to the key service for each.

        Raises:
            DisplayNumberNotOwned: the app does not show it.
            InvalidField: the cursor is not one of this app and display number.
            OutsideUnavailable: storage or the key service is unavailable.
        """
        check_shown_by(app, display, self.display_field)
        after = None if cursor is None else self._after(cursor, app, display)
        shown = self.seal.key(display, display).display
        page = self.memories.of_display(shown, app.sp, self.clock.now(), limit, after)
        opened = [(memory, found) for memory in page.memories if (found := self._opened(memory)) is not None]
        return ListedMemories(opened, None if page.after is None else self._cursor(page.after, app, display))

    def _opened(self, memory: CallMemory) -> OpenedMemory | None:
        try:
            return self.seal.open_listed(memory)
        except ForeignMemory:  # the item was changed outside the product
            _log.exception("call memory of another pair", extra={"call_id": memory.session})
            return None

    def _cursor(self, after: str, app: App, display: PhoneNumber) -> str:
        return after + self.seal.proof(f"{app.key} {display.e164} {after}")

    def _after(self, cursor: str, app: App, display: PhoneNumber) -> str:
        after = cursor[: len(cursor) // 2]
        if not (cursor.isascii() and hmac.compare_digest(cursor, self._cursor(after, app, display))):
            raise InvalidField("cursor", "is not one of this list")
        return after

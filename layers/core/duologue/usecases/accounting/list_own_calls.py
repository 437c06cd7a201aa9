"""List the calls of an app for its SP.

Calls of a number, and calls that are up, are listed for all SPs together, so a place in a list may be that of another
SP's call. So the SP gets it sealed, and an empty page with such a place only after hundreds of others' calls.
"""

from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.domain.accounting.call_filter import CallFilter
from duologue.domain.calls.call import Call
from duologue.usecases.ports.call_lists import CallLists, CallPage, CallsWanted, Cursors

_LOOKS = 5


@dataclass(frozen=True, slots=True)
class ListOwnCalls:
    lists: CallLists
    cursors: Cursors

    def __call__(self, app: App, filters: CallFilter, limit: int, cursor: str = "") -> CallPage:
        """`limit`: 1 to 100. `cursor`: `after` of the page before. Raises InvalidField, OutsideUnavailable."""
        wanted = CallsWanted(
            app_keys=frozenset({app.key}),
            number=filters.number,
            open_only=filters.open_only,
            since=filters.since,
            until=filters.until,
            ends=filters.ends,
            talked=filters.talked,
        )
        after: str | None = self.cursors.opened(app.key, cursor) if cursor else ""
        calls: list[Call] = []
        for _ in range(_LOOKS):
            page = self.lists.page(wanted, limit - len(calls), after or "")
            calls += page.calls
            after = page.after
            if after is None or len(calls) == limit:
                break
        return CallPage(tuple(calls), None if after is None else self.cursors.sealed(app.key, after))

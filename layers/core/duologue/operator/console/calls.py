"""The list of calls, with its search and its filters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from duologue.call_control.history import Delivery, DeliveryState
from duologue.domain.calls.call import Call, Phase
from duologue.domain.errors import InvalidField
from duologue.operator.call_words import ENDINGS, Meaning, meaning, short, talk_of
from duologue.operator.console.desk import Desk
from duologue.operator.console.pages import Pages, see_other
from duologue.operator.console.search import FAILED, TALKED, TIMES, NotSearchable, Search, call_id_in, wanted
from duologue.usecases.ports.call_lists import CallPage, CallsWanted

ROWS = 25
SP = "sp:"
"""Begins the choice of all apps of an SP."""
SHAPES = {Meaning.TALKS: "●", Meaning.FAILED: "✕", Meaning.RINGS: "◐", Meaning.WAITS: "○"}
"""So that no meaning is told by its colour alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """`told`: whether the SP was told of the end, in a word; None: it is not to be told, or not yet."""

    call: Call
    result: str
    meaning: Meaning
    talk: timedelta
    told: tuple[str, Meaning] | None = None

    @property
    def shape(self) -> str:
        return SHAPES[self.meaning]


def row_of(call: Call, desk: Desk, told: tuple[str, Meaning] | None = None) -> Row:
    return Row(call, short(call), meaning(call), talk_of(call, desk.now()), told)


def rows_of(calls: Sequence[Call], desk: Desk) -> list[Row]:
    """With whether the SPs were told, by one request."""
    ends = {call.id: _facts_of_end(call) for call in calls}
    known = desk.log.deliveries_of([(call_id, sequence) for call_id, facts in ends.items() for sequence in facts])
    return [row_of(call, desk, _told([known.get((call.id, each)) for each in ends[call.id]])) for call in calls]


def _facts_of_end(call: Call) -> list[int]:
    """The last two facts of a call that is over, its end and its CDR, as far as the SP has a URL for them (R10)."""
    if call.phase is not Phase.OVER:
        return []
    urls = ((call.facts - 1, call.notify.status_url), (call.facts, call.notify.fee_url))
    return [sequence for sequence, url in urls if url is not None]


def _told(deliveries: Sequence[Delivery | None]) -> tuple[str, Meaning] | None:
    """The worst of them. None in it: the first attempt is still to come."""
    states = {DeliveryState.WAITING if each is None else each.state for each in deliveries}
    return next((said for state, said in _TOLD.items() if state in states), None)


_TOLD = {
    DeliveryState.UNDELIVERED: ("not told", Meaning.FAILED),
    DeliveryState.CANCELLED: ("not told", Meaning.FAILED),
    DeliveryState.WAITING: ("waits", Meaning.WAITS),
    DeliveryState.OVERTAKEN: ("told", Meaning.TALKS),
    DeliveryState.ACKNOWLEDGED: ("told", Meaning.TALKS),
}
"""The worst first."""


def calls(pages: Pages, request: Request) -> Response:
    desk, query = pages.desk, request.query_params
    search = Search(
        **{name: query.get(name, "").strip() for name in ("text", "app", "result", "time", "at")},
        is_open=query.get("is_open") == "1",
    )
    call_id = call_id_in(search.text)
    if call_id is not None:
        return see_other(f"/calls/{call_id}")
    page, problem = CallPage((), None), ""
    try:
        numbers = {number for app in desk.apps() for number in app.numbers} if search.text else set()
        asked = _of_sp(search, wanted(search, desk.now(), pages.zone, numbers), desk)
        page = desk.lists.page(asked, ROWS, query.get("after", ""))
    except (NotSearchable, InvalidField) as error:
        problem = str(error)
    context = {
        "page": "calls",
        "search": search,
        "is_later_page": bool(query.get("after")),
        "rows": rows_of(page.calls, desk),
        "shapes": SHAPES,
        "older": _address(search, after=page.after) if page.after else "",
        "newest": _address(search),
        "problem": problem,
        "choices": list(_choices(desk)),
        "results": _results(),
        "times": {name: text for name, (text, _) in TIMES.items()},
    }
    return pages.page("calls.html", context, 400 if problem else 200)


def _choices(desk: Desk) -> Iterator[tuple[str, str]]:
    """SPs, each with its apps if there are several: values and texts."""
    apps = sorted((app.sp, app.app_key) for app in desk.apps())
    for sp, of_sp in groupby(apps, key=lambda each: each[0]):
        keys = [key for _, key in of_sp]
        yield f"{SP}{sp}", sp
        if len(keys) > 1:
            yield from ((key, f"{sp} · {key[:8]}") for key in keys)


def _of_sp(search: Search, asked: CallsWanted, desk: Desk) -> CallsWanted:
    """With the apps of the SP that was chosen in place of one app."""
    if not search.app.startswith(SP):
        return asked
    return replace(asked, app_keys=frozenset(app.app_key for app in desk.apps() if app.sp == search.app[len(SP) :]))


def _results() -> Mapping[str, str]:
    return {TALKED: "talked", FAILED: "did not talk"} | {reason.value: text for reason, text in ENDINGS.items()}


def _address(search: Search, **more: Any) -> str:
    given = {name: "1" if value is True else value for name, value in asdict(search).items() if value}
    named = urlencode(given | more)
    return f"/calls?{named}" if named else "/calls"

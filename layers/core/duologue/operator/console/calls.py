"""The list of calls, with its search and its filters."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from duologue.domain.call import Call
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
    call: Call
    result: str
    meaning: Meaning
    talk: timedelta

    @property
    def shape(self) -> str:
        return SHAPES[self.meaning]


def row_of(call: Call, desk: Desk) -> Row:
    return Row(call, short(call), meaning(call), talk_of(call, desk.now()))


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
        "rows": [row_of(call, desk) for call in page.calls],
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

"""What every page of the console is made with: templates, times, and the streams of pages that are live."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from duologue.adapters.basics.aws import refusals
from duologue.domain.errors import DuologueError
from duologue.operator.call_words import length
from duologue.operator.console.desk import Desk
from duologue.operator.console.shown import Writer, masked

HERE = Path(__file__).parent
NAVIGATION = (
    ("overview", "/", "Overview"),
    ("calls", "/calls", "Calls"),
    ("undelivered", "/undelivered", "Undelivered"),
    ("accounts", "/accounts", "SPs"),
    ("memories", "/memories", "Memories"),
    ("audit", "/audit", "Audit"),
)
"""Name, address and title of each page of the navigation."""
_TICK_S = 1.0
"""Between two looks at what is live."""
Context = Mapping[str, Any]
Wait = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Pages:
    """What every page is made with. `zone`: in which times are written; None: this machine's.

    `wait`: waits until the next look at what is live. `refusals`: translates what AWS refuses into OutsideUnavailable.
    """

    desk: Desk
    token: str
    zone: tzinfo | None = None
    wait: Wait = partial(anyio.sleep, _TICK_S)
    refusals: Callable[[], AbstractContextManager[None]] = refusals

    @property
    def writer(self) -> Writer:
        return Writer(self.zone)

    def html(self, template: str, context: Context) -> str:
        shared = {"now": self.desk.now(), "writer": self.writer, "token": self.token, "stack": self.desk.stack}
        return _ENVIRONMENT.get_template(template).render(shared | dict(context))

    def page(self, template: str, context: Context, status: int = 200) -> Response:
        return HTMLResponse(self.html(template, context), status)

    def live(self, template: str, read: Callable[[], tuple[Context, bool]]) -> Response:
        """Server-sent events: `page` with the HTML of a part whenever it has changed, `lost` with a reason, and `over`.

        `read`: what to show, and whether it is final.
        """
        return StreamingResponse(self._events(template, read), media_type="text/event-stream")

    async def _events(self, template: str, read: Callable[[], tuple[Context, bool]]) -> AsyncIterator[str]:
        before, is_final = "", False
        while not is_final:
            try:
                context, is_final = await run_in_threadpool(self._read, read)
            except DuologueError as error:
                before = ""
                yield _event("lost", str(error))
            else:
                after = self.html(template, context)
                yield _event("page", after) if after != before else ": nothing new\n\n"
                before = after
            if not is_final:
                await self.wait()
        yield _event("over", self.writer.second(self.desk.now()))

    def _read(self, read: Callable[[], tuple[Context, bool]]) -> tuple[Context, bool]:
        with self.refusals():
            return read()


Handler = Callable[[Pages, Request], Response]


def see_other(path: str) -> Response:
    """After an action."""
    return RedirectResponse(path, 303)


def form_of(request: Request) -> dict[str, str]:
    """The form that was sent, as the guard has read it."""
    form: dict[str, str] = request.scope["console.form"]
    return form


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f")


def _ago(at: datetime, now: datetime) -> str:
    return f"{length(now - at)} ago" if at <= now else f"in {length(at - now)}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"masked": masked, "length": length, "number": _number}
    environment.globals |= {"ago": _ago, "navigation": NAVIGATION, "nothing": Markup('<span class="soft">–</span>')}
    return environment


_ENVIRONMENT = _environment()

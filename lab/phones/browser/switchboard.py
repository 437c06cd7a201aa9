"""Which page has which number, and which call it is in.

Rule 1: a number belongs to one page; of two pages that want it, the newer one gets it.
Rule 2: a page is in at most one call. Another caller gets 486, and so does a caller who is declined: the SIP library
    can refuse with nothing else.
Rule 3: a page's request names the call that it means; late or repeated requests change nothing.
Rule 4: a page that closes hangs up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from lab.phones.browser.page import Page
from pstn.lines.sip.directory import E164, number_in, user_of
from pstn.lines.sip.media import Audio

TAKEN = 4001
"""The socket's close code; 4000 to 4999 are the application's (RFC 6455 §7.4.2)."""
DIGITS = frozenset("0123456789*#")


class MediaThread(Protocol):
    """What a switchboard needs of the media thread."""

    def add(self, leg: str, audio: Audio) -> None: ...
    def remove(self, leg: str) -> None: ...
    def join(self, leg: str, other: str) -> None: ...


@dataclass
class PageCall:
    """`leg`: its id at the SIP endpoint. `picked_up`: it was answered here, or is being answered."""

    leg: str
    page: Page
    picked_up: bool = False
    joined: bool = False

    @property
    def page_leg(self) -> str:
        """The page's own leg on the media thread, to which the call's leg is joined."""
        return f"page-{self.leg}"


class Switchboard:
    """Runs on one asyncio loop.

    Args:
        media: the SIP endpoint's media thread.
        order: carries out a command of the SIP endpoint.
        tell: informs the parent which numbers ring here.
        network: host and port to which calls are sent.
    """

    def __init__(
        self,
        media: MediaThread,
        order: Callable[[dict[str, Any]], Awaitable[None]],
        tell: Callable[[dict[str, Any]], None],
        network: str,
    ) -> None:
        self._media, self._carry_out, self._tell, self._network = media, order, tell, network
        self._pages: dict[str, Page] = {}
        self._calls: dict[str, PageCall] = {}
        self._in_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    # -- requests of the pages
    def connect(self, page: Page) -> None:
        older = self._pages.get(page.number)
        self._pages[page.number] = page
        if older and older is not page:
            self._leave(older)
            older.close(TAKEN, "another page has this number now")
        self._tell({"event": "assign", "number": page.number})

    def disconnect(self, page: Page) -> None:
        self._leave(page)
        if self._pages.get(page.number) is page:
            del self._pages[page.number]
            self._tell({"event": "release", "number": page.number})

    def dial(self, page: Page, number: str, *, withhold: bool = False) -> None:
        if not E164.fullmatch(number):
            page.send("refused", why="A number begins with + and the country code.")
        elif self._call_of(page):
            page.send("refused", why="Hang up first.")
        else:
            self._count += 1
            call = self._calls[f"out-{self._count}"] = PageCall(f"out-{self._count}", page, picked_up=True)
            page.send("calling", call=call.leg, number=number)
            caller_id = user_of("") if withhold else page.number
            self._order("dial", call, caller_id=caller_id, uri=f"sip:{number}@{self._network}", headers={})

    def answer(self, page: Page, leg: str) -> None:
        call = self._own(page, leg)
        if call and not call.picked_up:
            call.picked_up = True
            self._order("answer", call)

    def hangup(self, page: Page, leg: str) -> None:
        if call := self._own(page, leg):
            self._order("hangup", call)

    def press(self, page: Page, leg: str, digit: str) -> None:
        call = self._own(page, leg)
        if call and digit in DIGITS:
            self._order("press", call, digits=digit)

    # -- answers of the parent
    def assigned(self, number: str) -> None:
        if page := self._pages.get(number):
            page.send("on", number=number)

    # -- events of the SIP endpoint
    def handle_event(self, event: dict[str, Any]) -> None:
        if event["event"] == "incoming":
            self._arrives(event)
            return
        call = self._calls.get(event.get("leg") or "")
        if call is None:
            return
        match event["event"]:
            case "ringing":
                call.page.send("ringing", call=call.leg)
            case "progress":
                self._join(call)
            case "answered":
                self._join(call)
                call.page.send("answered", call=call.leg)
            case "ended":
                self._ended(call, event["code"], event["by"])
            case _:
                pass

    def _arrives(self, event: dict[str, Any]) -> None:
        page = self._pages.get(number_in(event["to"]) or "")
        call = PageCall(event["leg"], page) if page and not self._call_of(page) else None
        if call is None:
            self._spawn({"do": "hangup", "leg": event["leg"]})
            return
        self._calls[call.leg] = call
        call.page.send("rings", call=call.leg, shown=number_in(event["from"]) or "unknown")

    def _ended(self, call: PageCall, code: int, by: str) -> None:
        del self._calls[call.leg]
        if call.joined:
            self._media.remove(call.page_leg)
            call.page.stop_audio()
        call.page.send("ended", call=call.leg, code=code, by=by)

    # -- within
    def _join(self, call: PageCall) -> None:
        """Once; an outgoing call perhaps before it is answered, for early media."""
        if not call.joined:
            call.joined = True
            self._media.add(call.page_leg, call.page.start_audio())
            self._media.join(call.leg, call.page_leg)

    def _call_of(self, page: Page) -> PageCall | None:
        return next((call for call in self._calls.values() if call.page is page), None)

    def _own(self, page: Page, leg: str) -> PageCall | None:
        call = self._calls.get(leg)
        return call if call and call.page is page else None

    def _leave(self, page: Page) -> None:
        if call := self._call_of(page):
            self._order("hangup", call)

    def _order(self, do: str, call: PageCall, **more: Any) -> None:
        self._spawn({"do": do, "leg": call.leg, **more})

    def _spawn(self, command: dict[str, Any]) -> None:
        """Run commands one at a time, so that a hang-up does not overtake its dial."""

        async def carry_out() -> None:
            async with self._in_turn:
                await self._carry_out(command)

        work: Coroutine[Any, Any, None] = carry_out()
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

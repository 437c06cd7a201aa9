"""Which page has which number, and which call it is in.

Rule 1: a number is one page's: of two that want it, the newer has it.
Rule 2: a page is in one call at most. Who calls meanwhile is told 486, and so is who is declined: the SIP library can
    refuse with nothing else.
Rule 3: what a page asks names the call it means; what comes late or twice changes nothing.
Rule 4: a page that goes hangs up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from lab.phones.browser.page import Page
from pstn.lines.sip.directory import E164, number_in
from pstn.lines.sip.media import Audio

TAKEN = 4001
"""The socket's close code; 4000 to 4999 are the application's (RFC 6455 §7.4.2)."""
DIGITS = frozenset("0123456789*#")


class Wires(Protocol):
    """Of the media thread, what a board needs."""

    def add(self, leg: str, audio: Audio) -> None: ...
    def remove(self, leg: str) -> None: ...
    def join(self, leg: str, other: str) -> None: ...


@dataclass
class Call:
    """`leg`: its name at the station. `picked_up`: it was answered here, or is being answered."""

    leg: str
    page: Page
    picked_up: bool = False
    joined: bool = False

    @property
    def sound_leg(self) -> str:
        """The page's own leg on the media thread, to which the call is joined as to another telephone."""
        return f"page-{self.leg}"


class Board:
    """Lives on one asyncio loop.

    Args:
        wires: the station's media.
        order: carries out a station's command.
        tell: tells the parent which numbers ring here.
        network: host and port at which the telephone network is called.
    """

    def __init__(
        self,
        wires: Wires,
        order: Callable[[dict[str, Any]], Awaitable[None]],
        tell: Callable[[dict[str, Any]], None],
        network: str,
    ) -> None:
        self._wires, self._carry_out, self._tell, self._network = wires, order, tell, network
        self._pages: dict[str, Page] = {}
        self._calls: dict[str, Call] = {}
        self._in_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    # -- what the pages want
    def on(self, page: Page) -> None:
        older = self._pages.get(page.number)
        self._pages[page.number] = page
        if older and older is not page:
            self._leave(older)
            older.close(TAKEN, "another page has this number now")
        self._tell({"event": "lend", "number": page.number})

    def off(self, page: Page) -> None:
        self._leave(page)
        if self._pages.get(page.number) is page:
            del self._pages[page.number]
            self._tell({"event": "give_back", "number": page.number})

    def dial(self, page: Page, number: str) -> None:
        if not E164.fullmatch(number):
            page.say("refused", why="A number begins with + and the country code.")
        elif self._call_of(page):
            page.say("refused", why="Hang up first.")
        else:
            self._count += 1
            call = self._calls[f"out-{self._count}"] = Call(f"out-{self._count}", page, picked_up=True)
            page.say("calling", call=call.leg, number=number)
            self._order("dial", call, shown=page.number, uri=f"sip:{number}@{self._network}", headers={})

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

    # -- what the parent did
    def lent(self, number: str) -> None:
        if page := self._pages.get(number):
            page.say("on", number=number)

    # -- what happens on the wire
    def happened(self, event: dict[str, Any]) -> None:
        if event["event"] == "incoming":
            self._arrives(event)
            return
        call = self._calls.get(event.get("leg") or "")
        if call is None:
            return
        match event["event"]:
            case "ringing":
                call.page.say("ringing", call=call.leg)
            case "progress":
                self._join(call)
            case "answered":
                self._join(call)
                call.page.say("answered", call=call.leg)
            case "ended":
                self._ended(call, event["code"], event["by"])
            case _:
                pass

    def _arrives(self, event: dict[str, Any]) -> None:
        page = self._pages.get(number_in(event["to"]) or "")
        call = Call(event["leg"], page) if page and not self._call_of(page) else None
        if call is None:
            self._spawn({"do": "hangup", "leg": event["leg"]})
            return
        self._calls[call.leg] = call
        call.page.say("rings", call=call.leg, shown=number_in(event["from"]) or "unknown")

    def _ended(self, call: Call, code: int, by: str) -> None:
        del self._calls[call.leg]
        if call.joined:
            self._wires.remove(call.sound_leg)
            call.page.end_sound()
        call.page.say("ended", call=call.leg, code=code, by=by)

    # -- within
    def _join(self, call: Call) -> None:
        """Once; an outgoing call perhaps before it is answered, for what the far end's network says meanwhile."""
        if not call.joined:
            call.joined = True
            self._wires.add(call.sound_leg, call.page.begin_sound())
            self._wires.join(call.leg, call.sound_leg)

    def _call_of(self, page: Page) -> Call | None:
        return next((call for call in self._calls.values() if call.page is page), None)

    def _own(self, page: Page, leg: str) -> Call | None:
        call = self._calls.get(leg)
        return call if call and call.page is page else None

    def _leave(self, page: Page) -> None:
        if call := self._call_of(page):
            self._order("hangup", call)

    def _order(self, do: str, call: Call, **more: Any) -> None:
        self._spawn({"do": do, "leg": call.leg, **more})

    def _spawn(self, command: dict[str, Any]) -> None:
        """One after the other, so that a hang-up does not overtake the dial it means."""

        async def carry_out() -> None:
            async with self._in_turn:
                await self._carry_out(command)

        work: Coroutine[Any, Any, None] = carry_out()
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

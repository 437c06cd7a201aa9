"""A live time line of a call: one row per event, four lanes.

seconds │ the caller's phone │ the callee's phone │ the platform: SMA event → actions │ the SP's server

A phone's lane says what the party there sees, hears and does. Colour only on terminals that support it, and not if
NO_COLOR is set.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, TextIO

from lab.cli import wording
from lab.sp.receiver import Notification
from pstn.feed import NetworkEvent

LANES = ("caller", "callee", "platform", "sp")
_SHARES = (22, 22, 35, 21)
_COLOURS = (36, 35, 33, 32)
_NARROWEST, _WIDEST = 80, 120
_DIM, _BOLD = 2, 1


@dataclass(frozen=True)
class Screen:
    """Where rows are printed."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    colour: bool = False
    width: int = 110

    @classmethod
    def of(cls, out: TextIO) -> Screen:
        """With the capabilities of this stream; a file or a pipe gets the default width."""
        terminal = out.isatty()
        colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        width = _columns(out) if terminal else cls.width
        return cls(out, colour, max(_NARROWEST, min(_WIDEST, width)))

    def paint(self, text: str, style: int) -> str:
        return f"\033[{style}m{text}\033[0m" if self.colour and text.strip() else text

    def dim(self, text: str) -> str:
        return self.paint(text, _DIM)

    def bold(self, text: str) -> str:
        return self.paint(text, _BOLD)

    def line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)


def _columns(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns
    except OSError:
        return Screen.width


class Timeline:
    """Prints the rows of one call as it happens. Thread-safe.

    Events of the phone with the number `caller` go into the first lane, those of any other phone into the second; if
    `callee` is given, those of a third phone with its person's name.
    `people`: names by number; a person without a name is "the caller" or "the callee". `label` is printed before each
    row, to distinguish calls. `lock` is shared by the time lines of one screen.
    """

    def __init__(
        self,
        screen: Screen,
        start: datetime,
        caller: str,
        people: wording.People,
        *,
        callee: str | None = None,
        label: str = "",
        lock: threading.Lock | None = None,
    ) -> None:
        self._screen, self._start, self._caller, self._callee = screen, start, caller, callee
        self._people = {caller: "the caller", **people}
        self._label = label
        self._lock = lock or threading.Lock()
        self._sent: dict[tuple[str | None, int], Mapping[str, Any]] = {}
        """Events by their call and sequence."""

    def heading(self, caller: str = "the caller's phone", callee: str = "the callee's phone") -> None:
        titles = [caller, callee, "the platform: event → actions", "the SP's server"]
        self._print(f"{'s':>6}", titles, lambda text, _: self._screen.bold(text))
        rule = "─" * (6 + len(self._label)) + "".join("─┼─" + "─" * width for width in self._widths())
        with self._lock:
            self._screen.line(self._screen.dim(rule))

    def say(self, at: datetime, lane: str, text: str) -> None:
        """Print a row with this text."""
        texts = [wording.printable(text) if each == lane else "" for each in LANES]
        seconds = f"{(at - self._start).total_seconds():6.2f}"
        self._print(seconds, texts, lambda words, number: self._screen.paint(words, _COLOURS[number]))

    def network_event(self, event: NetworkEvent) -> None:
        """Print a network event, if it is of interest to a reader."""
        if text := wording.trunk(event):
            lane = "platform"
        elif event.number:
            lane = "caller" if event.number == self._caller else "callee"
            self._people.setdefault(event.number, "the callee")
            text = wording.phone(event, self._people)
            if text and self._callee and event.number not in (self._caller, self._callee):
                text = f"{wording.name(event.number, self._people)}: {text}"
        else:
            lane, text = "platform", self._platform(event)
        if text:
            self.say(event.at, lane, text)

    def notification(self, notification: Notification) -> None:
        self.say(notification.at, "sp", f"← {wording.notification(notification, self._people)}")

    def _platform(self, event: NetworkEvent) -> str | None:
        """An SMA event is printed together with its answer, when that arrives."""
        if event.kind in ("event", "repeat"):
            sent = event.detail["event"]
            self._sent[event.transaction, sent["Sequence"]] = sent
            return None
        if event.kind == "answer":
            answered = self._sent.get((event.transaction, event.detail["sequence"]))
            again = " again" if int(event.detail.get("attempt", 1)) > 1 else ""
            payload = event.detail["payload"]
            return wording.exchange(answered, payload, self._people, again) if answered else None
        return wording.network(event, self._people)

    def _widths(self) -> list[int]:
        free = self._screen.width - 6 - len(self._label) - 3 * len(LANES)
        widths = [share * free // sum(_SHARES) for share in _SHARES]
        widths[2] += free - sum(widths)
        return widths

    def _print(self, seconds: str, texts: list[str], paint: Callable[[str, int], str]) -> None:
        widths = self._widths()
        wrapped = [textwrap.wrap(text, width) for text, width in zip(texts, widths, strict=True)]
        edge = self._screen.dim("│")
        lines = []
        for number, parts in enumerate(zip_longest(*wrapped, fillvalue="")):
            cells = [
                paint(f"{part:{width}}", lane) for lane, (part, width) in enumerate(zip(parts, widths, strict=True))
            ]
            first = f"{self._label}{seconds}" if number == 0 else " " * len(self._label + seconds)
            lines.append(f" {edge} ".join([self._screen.dim(first), *cells]).rstrip())
        with self._lock:
            self._screen.line("\n".join(lines))

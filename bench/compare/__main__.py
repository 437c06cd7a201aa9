"""`python -m bench.compare --base <git ref>`: play callbacks on both, in turn; print and write `bench/compare.md`.

Ends 1 if a callback did not go as it should. No figure is judged: the targets are printed beside them.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from bench.compare.checkouts import Checkout, NoLab, RunningLab, base, head, running
from bench.compare.phones import Call, Phone, Phones
from bench.compare.report import Figures, report
from bench.compare.sp import NotPlaced, Sp
from bench.processes import cpu_seconds, memory_mb

RESULTS = Path(__file__).parent.parent / "compare.md"
CALLER, CALLEE = "+12025550111", "+12025550122"
_TALK_S = 1.0
_REST_S = 1.0
"""From the CDR on: what is still written and told belongs to the callback."""
_PATIENCE_S = 20.0
_IDLE_S = 10.0
_BLOCK = 4
_WARM_UP = 3
_LONGEST_S = 900.0
"""For all callbacks together."""

Found = TypeVar("Found")


class WentWrong(Exception):
    """A callback did not go as it should; the text is for a person."""


class Setup(NamedTuple):
    """A laboratory to be started. `options`: of its command."""

    checkout: Checkout
    label: str
    options: tuple[str, ...] = ()


@dataclass
class Side:
    """One laboratory with its SP and its two telephones."""

    lab: RunningLab
    sp: Sp
    caller: Phone
    callee: Phone
    figures: Figures = field(default_factory=Figures)

    def play(self, phones: Phones) -> None:
        """One callback. Raises: WentWrong, NotPlaced, OSError."""
        self.caller.call = self.callee.call = None
        before = cpu_seconds(self.lab.pid)
        placed = self.sp.place(CALLER, CALLEE)
        caller = self._until(phones, "the caller was not rung", lambda: _up(self.caller))
        callee = self._until(phones, "the callee was not rung", lambda: _up(self.callee))
        time.sleep(_TALK_S)
        hung_up = self.caller.hang_up()
        ended = self._until(phones, "the callee was left on the line", lambda: callee.ended_at)
        if not self.sp.wait_for_cdr(placed.session, _PATIENCE_S):
            raise WentWrong(f"{self.lab.checkout.name}: no CDR; told: {self.sp.told_of(placed.session)}")
        time.sleep(_REST_S)
        figures = self.figures
        figures.cpu.append(1000 * (cpu_seconds(self.lab.pid) - before))
        figures.answer.append(1000 * (placed.answered_at - placed.sent_at))
        figures.to_caller.append(1000 * (caller.invited_at - placed.sent_at))
        figures.to_callee.append(1000 * (callee.invited_at - caller.answered_at))
        figures.to_bye.append(1000 * (ended - hung_up))

    def look_idle(self) -> None:
        before, since = cpu_seconds(self.lab.pid), time.monotonic()
        time.sleep(_IDLE_S)
        self.figures.idle_cpu = (cpu_seconds(self.lab.pid) - before) / (time.monotonic() - since)
        self.figures.memory_mb, self.figures.processes = memory_mb(self.lab.pid)

    def _until(self, phones: Phones, otherwise: str, condition: Callable[[], Found | None]) -> Found:
        with phones.changed:
            found = phones.changed.wait_for(condition, _PATIENCE_S)
        if not found:
            raise WentWrong(f"{self.lab.checkout.name}: {otherwise}; told: {self.sp.told_of('')}")
        return found


def _up(phone: Phone) -> Call | None:
    """Its call, once both sides know that it was answered."""
    return phone.call if phone.call and phone.call.acknowledged_at else None


def turns(callbacks: int, block: int = _BLOCK) -> Iterator[tuple[int, int]]:
    """Which side plays how many, in order: 0 1 1 0 0 1 1 0 …, so that what drifts meanwhile falls on both alike."""
    left, first = callbacks, 0
    while left > 0:
        for side in (first, 1 - first):
            yield side, min(block, left)
        left, first = left - block, 1 - first


def compare(labs: tuple[Setup, Setup], callbacks: int) -> tuple[Figures, Figures]:
    """Raises: NoLab, WentWrong, NotPlaced, OSError."""
    with ExitStack() as opened:
        phones = opened.enter_context(Phones())
        sides = [_side(opened, phones, each) for each in labs]
        for side in sides:
            for _ in range(_WARM_UP):
                side.play(phones)
            side.figures = Figures()
        for side in sides:
            side.look_idle()
        ends = time.monotonic() + _LONGEST_S
        for which, count in turns(callbacks):
            for _ in range(count):
                if time.monotonic() > ends:
                    raise WentWrong(f"{_LONGEST_S:.0f} s were not enough for {callbacks} callbacks on each")
                sides[which].play(phones)
        return sides[0].figures, sides[1].figures


def _side(opened: ExitStack, phones: Phones, setup: Setup) -> Side:
    caller, callee = phones.add(f"{setup.label}-caller"), phones.add(f"{setup.label}-callee")
    telephones = {CALLER: caller.address, CALLEE: callee.address}
    lab = opened.enter_context(running(setup.checkout, setup.label, telephones, setup.options))
    lab.switch(post_dial_delay=0.0)
    sp = opened.enter_context(closing(Sp(lab.api_url, lab.open_account(), lab.display_numbers)))
    sp.log_in()
    return Side(lab, sp, caller, callee)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description="This tree beside another commit")
    parser.add_argument("--base", required=True, metavar="REF", help="a tag, a branch or a commit")
    parser.add_argument("--callbacks", type=int, default=16, help="on each (default: %(default)s)")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load = os.getloadavg()[0]
    print(f"Load {load:.1f}. Getting {asked.base} …", flush=True)
    try:
        checkouts = base(asked.base), head()
        figures = compare((Setup(checkouts[0], "base"), Setup(checkouts[1], "head")), asked.callbacks)
    except (NoLab, WentWrong, NotPlaced, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    said = report(*checkouts, *figures, load, written_by=f"make bench BASE={asked.base}")
    print(said, flush=True)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

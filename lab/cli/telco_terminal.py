"""The commands of `make telco`: a telephone of the company dials a number, and hangs up."""

import re
import select
from collections.abc import Callable
from typing import TextIO

from lab.telco.phones import ADDRESS, Softphone

_HAPPENED = re.compile(
    r"(?P<rings>180 Ringing)|(?P<connected>Call established)|session closed: (?P<refused>[^\n]+)"
    r"|terminated \(duration: (?P<ended>[^)]+)\)"
)
"""In the output of baresip."""
_NUMBER = re.compile(r"\+?[0-9]{2,15}")
HELP = """\
dial NUMBER   call this number, such as a display number that the telephone was shown
hang up       end that call"""


class TelcoTerminal:
    """`telephone`: opens the telephone that dials, which happens once, at the first `dial`. `say` prints a line."""

    def __init__(self, typed: TextIO, telephone: Callable[[], Softphone], say: Callable[[str], None]) -> None:
        self._typed: TextIO | None = typed
        self._open, self._say = telephone, say
        self._telephone: Softphone | None = None
        self._told = 0

    def look(self, wait_s: float) -> None:
        """Carry out a line that is typed within this time, and say what happens on the telephone."""
        if self._typed and select.select([self._typed], [], [], wait_s)[0]:
            line = self._typed.readline()
            if line:
                self._do(" ".join(line.split()))
            else:
                self._typed = None  # nobody types: it ended
        if self._telephone:
            found = list(_HAPPENED.finditer(self._telephone.output, self._told))
            for each in found:
                self._say(_words(each))
            self._told = found[-1].end() if found else self._told

    @property
    def is_open(self) -> bool:
        """Whether somebody may still type."""
        return self._typed is not None

    def _do(self, line: str) -> None:
        command, _, number = line.partition(" ")
        if command == "dial" and _NUMBER.fullmatch(number):
            self._telephone = self._telephone or self._open()
            self._say(f"{self._telephone.voice_of} dials {number}")
            self._telephone.dial(f"sip:{number}@{ADDRESS}")
        elif line in ("hang up", "hangup"):
            if self._telephone:
                self._telephone.hang_up()
        elif line:
            self._say(HELP)


def _words(happened: re.Match[str]) -> str:
    match happened.lastgroup:
        case "rings":
            return "it rings"
        case "connected":
            return "connected; `hang up` ends it"
        case "refused":
            reason = happened["refused"].strip()
            hint = ": is `make up` running?" if "Not registered" in reason else ""
            return f"not connected, or ended by the other side: {reason}{hint}"
    return f"ended after {happened['ended']}"

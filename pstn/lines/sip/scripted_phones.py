"""The interface of the telephones that scripts control on the SIP line; the line is given a function that starts them.

Each telephone is identified by the leg that rings it. They are separate SIP user agents in separate processes, so that
the line reaches them over SIP and RTP only.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pstn.lines.sip.settings import SipSettings


class ScriptedPhones(Protocol):
    """Telephones of any number, as many at once as are called."""

    def begin(self) -> None:
        """Start their process; `wait` afterwards."""

    def wait(self) -> None:
        """Until they can be called. Raises: ChildError."""

    def close(self) -> None:
        """End them and their processes."""

    @property
    def pid(self) -> int | None:
        """The process that most of them share."""

    def kill(self) -> None:
        """All of them at once, as a power cut would."""

    def expect(self, leg: str, number: str, *, answers: bool, vanishes: bool) -> str:
        """Get one ready for a call; gives its SIP URI. `answers` False: it can ring and refuse, with any code."""

    def ring(self, leg: str) -> None: ...
    def refuse(self, leg: str, code: int) -> None: ...
    def answer(self, leg: str) -> None: ...
    def dial(self, leg: str, number: str, uri: str, headers: dict[str, str], caller_id: str) -> None:
        """Call the network from this number. `caller_id`: the user part of From."""

    def leave(self, leg: str) -> None:
        """Hang up."""

    def press(self, leg: str, digit: str) -> None: ...
    def vanish(self, leg: str) -> None:
        """Be gone without a BYE; only one that was expected to."""

    def forget(self, leg: str) -> None:
        """The call is over."""

    def heard(self, leg: str) -> bytes:
        """What it received, 16-bit samples at 8 kHz, if the settings say that it listens."""


class StartPhones(Protocol):
    """Makes the telephones of one line, not yet begun."""

    def __call__(
        self, work: Path, on_event: Callable[[dict[str, Any]], None], settings: SipSettings
    ) -> ScriptedPhones: ...

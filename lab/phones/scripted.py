"""The built-in phones, which scripts on the SIP line control. Each is identified by the leg that rings it.

A phone that will vanish gets a process of its own, so that it can fail like a broken handset: no BYE, no RTP.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.phones.voices import voice
from pstn.lines.sip.audio import tone
from pstn.lines.sip.child import LOOPBACK, Child
from pstn.lines.sip.settings import SipSettings

MODULE = "lab.phones.process"
GRACE_S = 1.0
"""Time for the network to hang up first. If the phones always hung up too, they would end twice as many calls as
necessary, which is their slowest operation (`hang_up_queue`)."""


class ScriptedSipPhones:
    """The `ScriptedPhones` of a SIP line (pstn.lines.sip.scripted_phones)."""

    def __init__(self, work: Path, on_event: Callable[[dict[str, Any]], None], settings: SipSettings) -> None:
        self._work, self._on_event = work, on_event
        self._listen, self._codecs = settings.listen, settings.phone_codecs
        self._together = self._child("phones")
        self._alone: dict[str, Child] = {}

    def begin(self) -> None:
        self._together.begin()

    def wait(self) -> None:
        """Raises: ChildError."""
        self._together.wait()

    def close(self) -> None:
        for child in [*self._alone.values(), self._together]:
            child.close()

    @property
    def pid(self) -> int | None:
        return self._together.pid

    def kill(self) -> None:
        """Kill all phones at once, as a power cut would."""
        self._together.kill()

    def expect(self, leg: str, number: str, *, answers: bool, vanishes: bool) -> str:
        """Prepare a phone for a call; returns its SIP URI. `answers` False: it can ring, and refuse with any code."""
        if not answers:
            return f"sip:{number}@{LOOPBACK}:{self._together.ready.get('refuser_port', 9)}"
        if vanishes:
            self._alone[leg] = self._child(f"phone-{leg}")
            self._alone[leg].begin()
        self._send(leg, "expect")
        self._send(leg, "record", recording="ear", path=str(self._ear(leg)), track="INCOMING") if self._listen else None
        self._send(leg, "play", play="voice", sound=str(self._voice(number)), times=None)
        return f"sip:{number}@{LOOPBACK}:{self._of(leg).port}"

    def ring(self, leg: str) -> None:
        """A phone that answers rings by itself."""
        self._send(leg, "say", code=180)

    def refuse(self, leg: str, code: int) -> None:
        self._send(leg, "say", code=code)

    def answer(self, leg: str) -> None:
        self._send(leg, "answer")

    def dial(self, leg: str, number: str, uri: str, headers: dict[str, str], caller_id: str) -> None:
        self._send(leg, "dial", caller_id=caller_id, uri=uri, headers=headers)
        self._send(leg, "play", play="voice", sound=str(self._voice(number)), times=None)
        self._send(leg, "record", recording="ear", path=str(self._ear(leg)), track="INCOMING") if self._listen else None

    def leave(self, leg: str) -> None:
        self._send(leg, "hangup")

    def press(self, leg: str, digits: str) -> None:
        self._send(leg, "press", digits=digits)

    def vanish(self, leg: str) -> None:
        child = self._alone.get(leg)
        if child:
            child.kill(again=False)

    def forget(self, leg: str) -> None:
        """The call is over: the phone ends it too, if it has not."""
        child = self._alone.pop(leg, None)
        if child:
            child.kill(again=False)
        else:
            self._send(leg, "forget", grace=GRACE_S)

    def heard(self, leg: str) -> bytes:
        """The samples that this phone received since it was called, with silence while it rang."""
        ear = self._ear(leg)
        return ear.read_bytes() if ear.exists() else b""

    # -- within
    def _of(self, leg: str) -> Child:
        return self._alone.get(leg, self._together)

    def _send(self, leg: str, do: str, **more: Any) -> None:
        self._of(leg).send(do=do, leg=leg, **more)

    def _child(self, name: str) -> Child:
        def options(port: int) -> dict[str, Any]:
            return {"sip_port": port, "codecs": self._codecs, "silence_s": 0}

        return Child(MODULE, options, self._on_event, lambda _: None, self._work / f"{name}.log")

    def _ear(self, leg: str) -> Path:
        return self._work / f"heard-{re.sub(r'[^A-Za-z0-9-]', '', leg)}.pcm"

    def _voice(self, number: str) -> Path:
        file = self._work / f"voice-{voice(number):.0f}.pcm"
        if not file.exists():
            file.write_bytes(tone(voice(number)))
        return file

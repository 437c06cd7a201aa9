"""An exchange on the SIP line whose Lambda answers by a script, in real time.

An exchange is kept for many stories, since its two child processes take a while to start. The stories share one
application; a call belongs to the story that was opened last when its first event arrived.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from lab.phones.scripted import ScriptedSipPhones
from pstn.feed import NetworkEvent
from pstn.lines import AudioFile
from pstn.lines.phone_state import Phone
from pstn.lines.sip.line import SipLine, sip_line
from pstn.lines.sip.settings import SipSettings
from pstn.lines.virtual import Behaviour, answers
from pstn.recordings import MemoryRecordings
from pstn.service import PstnService
from pstn.switches import Switches
from tests.pstn.scripted import SHOWN_A, SHOWN_B, ScriptedCall, key_of

PATIENCE_S = 60.0
"""Only against a call that hangs, on a machine however busy."""
Audio = Callable[[str, str], AudioFile | None]


class SipExchange:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.numbers = folder / "numbers.json"
        self.stories: dict[str, SipStory] = {}
        self.latest: SipStory
        self.audio: Audio = lambda bucket, key: AudioFile(0.4)
        self.recordings = MemoryRecordings()
        self.network_events: list[NetworkEvent] = []
        self.changed = threading.Condition()
        self.service = PstnService(
            self._invoke,
            Switches(recording_delay=0.1),
            audio=lambda bucket, key: self.audio(bucket, key),
            recordings=self.recordings,
            make_line=sip_line(SipSettings(numbers=self.numbers, listen=True, **settings), ScriptedSipPhones),
        )
        self.exchange = self.service.exchange
        self.usual = self.exchange.switches
        self.service.subscribe(self._take)
        for number in (SHOWN_A, SHOWN_B):
            self.exchange.own(number)
        self.application = self.exchange.create_sma("stories", "stories")

    @property
    def line(self) -> SipLine:
        line = self.exchange.line
        assert isinstance(line, SipLine)
        return line

    def close(self) -> None:
        self.service.close()
        assert self.service.broken == []

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Whether it came true in time; some of what it may be about has no event that would tell."""
        give_up = time.monotonic() + seconds
        with self.changed:
            while not (true := condition()) and time.monotonic() < give_up:
                self.changed.wait(0.1)
        return true

    def _invoke(self, arn: str, event: dict[str, Any]) -> Any:
        return self.stories.setdefault(event["CallDetails"]["TransactionId"], self.latest).invoked(event)

    def _take(self, event: NetworkEvent) -> None:
        with self.changed:
            self.network_events.append(event)
            self.changed.notify_all()


class SipStory(ScriptedCall):
    """A call in real time: `run` waits until it is over (or `until` is true)."""

    def __init__(
        self,
        sip_exchange: SipExchange,
        script: Mapping[str, Any] | None = None,
        *,
        a: Behaviour | None = None,
        b: Behaviour | None = None,
        audio: Audio = lambda bucket, key: AudioFile(0.4),
        **switches: Any,
    ) -> None:
        exchange = sip_exchange.exchange
        exchange.switches = replace(sip_exchange.usual, **switches)
        sip_exchange.audio = audio
        ready = answers(after=0.2)
        super().__init__(exchange, sip_exchange.application, script or {}, a or ready, b or ready)
        self.sip_exchange = sip_exchange
        sip_exchange.latest = self

    @property
    def told(self) -> list[str]:
        """In the order in which the network sent them: each is invoked by a thread of its own, which may be late."""
        return [key_of(event) for event in sorted(self.events, key=lambda event: int(event["Sequence"]))]

    def run(self, until: Callable[[], bool] | None = None) -> Self:
        """Raises: AssertionError after `PATIENCE_S`."""
        assert self.sip_exchange.wait(until or self.over), f"it did not happen: {self.told}; {self.a.log}; {self.b.log}"
        return self

    def over(self) -> bool:
        """All legs have ended, and the Lambda has answered every event."""
        about = [event for event in self.sip_exchange.network_events if event.transaction == self.transaction]
        answered = {event.detail["sequence"] for event in about if event.kind in ("answer", "failure")}
        told = self.exchange.calls[self.transaction].call.invocations.sequence
        return len(answered) == told and any(event.kind == "over" for event in about)

    def end(self) -> None:
        """Hang up what is still up, so that both phones are free for the next story."""
        for phone in (self.a, self.b):
            for call in phone.calls:
                if call.ended_at is None:
                    self.exchange.line.hang_up_by_hand(phone.number)
        give_up = time.monotonic() + PATIENCE_S
        while self.exchange.legs_up() and time.monotonic() < give_up:
            self.sip_exchange.wait(lambda: not self.exchange.legs_up(), 0.5)

    def received(self, phone: Phone) -> bytes:
        """The audio that this phone received in its first call."""
        return self.sip_exchange.line.heard_by(phone.calls[0])

"""What the SP knows of its calls: what it asked for, what the platform told it since, and nothing else.

Law: a page shows only what stands here. Notifications may come twice, late and out of order; the book keeps each once
and counts repeats, and what a call's state is follows from which came, never from which came last.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from lab.website.scenarios import Contact, Scenario

Leg = Literal["caller", "callee"]
Sound = Literal["none", "awaited", "ready", "gone"]
"""Of the recording: there is none (yet), it is being prepared, it can be played, it cannot be had any more."""

MOST_CALLS = 500
_MOST_EARLY = 100


@dataclass
class Told:
    """One notification. `happened_at`: as told, to the second; None for the CDR, which is no moment of the call."""

    kind: str
    leg: Leg | None
    happened_at: datetime | None
    got_at: datetime
    body: dict[str, Any]
    exact_at: datetime | None = None
    """The same moment to the millisecond, once the platform was asked for it."""
    times: int = 1

    @property
    def at(self) -> datetime:
        """The best known moment. The second that was told begins before it: within it, the arrival is nearer."""
        told = self.exact_at or self.happened_at or self.got_at
        if self.exact_at is None and timedelta() <= self.got_at - told < timedelta(seconds=1):
            return self.got_at
        return told


@dataclass
class SpCall:
    """One call that the SP placed. `id` is the SP's own, and not to be guessed."""

    id: str
    scenario: Scenario
    contact: Contact
    caller: str
    shown: tuple[str, str]
    """What the two phones are to show."""
    wants_recording: bool
    asked_at: datetime
    session_id: str = ""
    told: list[Told] = field(default_factory=list)
    stop_asked: bool = False
    note: str = ""
    """The answer to what the person last asked for, such as a stop that came too late."""
    sound: Sound = "none"
    link: str = field(default="", repr=False)
    """Where the recording is, as the platform told; whoever has it may listen."""
    looked_up: dict[str, Any] | None = None
    """The platform's own account of the finished call; empty if it could not be had."""
    version: int = 0

    def find(self, kind: str, leg: Leg | None = None) -> Told | None:
        return next((told for told in self.told if (told.kind, told.leg) == (kind, leg)), None)

    @property
    def phase(self) -> str:
        """A key of `words.PHASES`."""
        if self.is_over:
            return "over"
        if self.stop_asked:
            return "stopping"
        latest = next((step for step in reversed(_PROGRESS) if self.find(*step[:2])), None)
        return latest[2] if latest else "asked"

    @property
    def is_over(self) -> bool:
        return self.find("disconnect") is not None or self.cdr is not None

    @property
    def is_complete(self) -> bool:
        """Nothing more is to come."""
        return self.cdr is not None and self.looked_up is not None and self.sound != "awaited"

    @property
    def cdr(self) -> dict[str, Any] | None:
        fee = self.find("fee")
        return fee.body if fee else None

    @property
    def disconnect(self) -> dict[str, Any] | None:
        over = self.find("disconnect")
        return over.body if over else None

    @property
    def ended_at(self) -> datetime | None:
        over = self.find("disconnect")
        return over.at if over else _time((self.cdr or {}).get("callEndTime"))

    @property
    def talk(self) -> timedelta:
        """From the callee's answer to the end, as it is billed; zero if there was none."""
        cdr = self.cdr or {}
        answered, ended = _time(cdr.get("fwdAnswerTime")), _time(cdr.get("callEndTime"))
        return ended - answered if answered and ended else timedelta()


_PROGRESS: tuple[tuple[str, Leg, str], ...] = (
    ("callout", "caller", "dialled"),
    ("alerting", "caller", "rings"),
    ("answer", "caller", "answered"),
    ("callout", "callee", "callee_dialled"),
    ("alerting", "callee", "callee_rings"),
    ("answer", "callee", "talking"),
)


class Book:
    """The calls of one site, the newest ones. Any thread may use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: OrderedDict[str, SpCall] = OrderedDict()
        self._early: list[tuple[datetime, dict[str, Any]]] = []
        """Of sessions that no call has yet: the platform can be faster than its own answer."""

    def add(self, call: SpCall) -> None:
        with self._changed:
            self._calls[call.id] = call
            while len(self._calls) > MOST_CALLS:
                self._calls.popitem(last=False)
            early, self._early = self._early, []
            for got_at, body in early:
                self._take(got_at, body)

    def get(self, call_id: str) -> SpCall | None:
        with self._changed:
            return self._calls.get(call_id)

    def latest(self, scenario: Scenario) -> dict[str, SpCall]:
        """The last call to each contact, by the contact's ref."""
        with self._changed:
            return {call.contact.ref: call for call in self._calls.values() if call.scenario is scenario}

    def change(self, call: SpCall, **fields: object) -> None:
        """Set fields of a call, and let those know who wait."""
        with self._changed:
            for name, value in fields.items():
                setattr(call, name, value)
            self._step(call)

    def take(self, got_at: datetime, body: dict[str, Any]) -> list[SpCall]:
        """Write down one notification. The calls that it says something new of.

        Raises:
            KeyError, TypeError, ValueError: it is none of the platform's format.
        """
        with self._changed:
            return self._take(got_at, body)

    def refine(self, call: SpCall, looked_up: dict[str, Any]) -> None:
        """Put the exact times of a look-up to what was told."""
        with self._changed:
            for fact in looked_up.get("facts", []):
                leg = fact.get("party") if fact.get("eventType") in ("callout", "alerting", "answer") else None
                told = call.find(str(fact.get("eventType")), leg)
                if told is not None and told.kind != "fee":
                    told.exact_at = instant(fact.get("at"))
            call.looked_up = looked_up
            self._step(call)

    def wait(self, call: SpCall, version: int, seconds: float) -> int:
        """The call's version, once it is not this one any more or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: call.version != version, seconds)
            return call.version

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true within this time."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def _take(self, got_at: datetime, body: dict[str, Any]) -> list[SpCall]:
        kind = str(body["eventType"])
        parts = body["feeLst"] if kind == "fee" else [body["statusInfo"]]
        news = []
        for part in parts:
            call = next((call for call in self._calls.values() if call.session_id == str(part["sessionId"])), None)
            if call is None:
                alone = {"eventType": kind, "feeLst": [part]} if kind == "fee" else body
                self._early = [*self._early, (got_at, alone)][-_MOST_EARLY:]
            elif self._note(call, kind, part, got_at):
                news.append(call)
        return news

    def _note(self, call: SpCall, kind: str, part: dict[str, Any], got_at: datetime) -> bool:
        leg: Leg | None = None
        if kind not in ("disconnect", "fee"):
            leg = "caller" if part["called"] == call.caller else "callee"
        happened_at = None if kind == "fee" else _time(part["timestamp"])
        known = call.find(kind, leg)
        if known is not None:
            known.times += 1
        else:
            call.told.append(Told(kind, leg, happened_at, got_at, part))
        self._step(call)
        return known is None

    def _step(self, call: SpCall) -> None:
        call.version += 1
        self._changed.notify_all()


def _time(text: object) -> datetime | None:
    """A time of a notification: UTC, to the second."""
    return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if text else None


def instant(text: object) -> datetime | None:
    """A time of a look-up: RFC 3339, UTC, to the millisecond."""
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None

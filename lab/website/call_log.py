"""The SP's call log: what it requested, and what the platform has notified it of since.

Rule: a page shows only what is in this log. Notifications may arrive twice, late and out of order. The log keeps each
once and counts repeats. A call's state follows from which notifications arrived, never from which arrived last.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from lab.website.scenarios import Contact, Scenario

Leg = Literal["caller", "callee"]
RecordingState = Literal["none", "awaited", "ready", "gone"]
"""There is none (yet); it is being prepared; it can be played; it is no longer available."""

_OF_A_LEG = ("callin", "callout", "alerting", "answer")
MOST_CALLS = 500
_MOST_EARLY = 100


@dataclass
class LoggedNotification:
    """One notification. `happened_at`: as told, to the second; None for the CDR, which is no moment of the call."""

    kind: str
    leg: Leg | None
    happened_at: datetime | None
    received_at: datetime
    body: dict[str, Any]
    exact_at: datetime | None = None
    """The same time to the millisecond, once it was looked up."""
    deliveries: int = 1

    @property
    def at(self) -> datetime:
        """The best known time. `happened_at` is cut to the second, so within that second the arrival is closer."""
        notified = self.exact_at or self.happened_at or self.received_at
        if self.exact_at is None and timedelta() <= self.received_at - notified < timedelta(seconds=1):
            return self.received_at
        return notified


@dataclass
class SpCall:
    """One call that the SP placed, or the contact's return call. `id` is the SP's own and cannot be guessed.

    Of a return call the contact's phone is the leg "caller", and `caller` is the number that is rung, the leg "callee".
    """

    id: str
    scenario: Scenario
    contact: Contact
    caller: str
    display_numbers: tuple[str, str]
    """What the caller's and the callee's phone show."""
    wants_recording: bool
    asked_at: datetime
    session_id: str = ""
    notifications: list[LoggedNotification] = field(default_factory=list)
    stop_asked: bool = False
    note: str = ""
    """The outcome of what the person last requested, such as a stop that came too late."""
    recording: RecordingState = "none"
    recording_link: str = field(default="", repr=False)
    """Where the recording is; anyone who has this link can listen."""
    looked_up: dict[str, Any] | None = None
    """The platform's record of the finished call; empty if it could not be fetched."""
    version: int = 0
    returns: list[SpCall] = field(default_factory=list)
    """The contact's return calls, the newest last."""
    is_return: bool = False

    @property
    def dialled(self) -> str:
        """The display number that the contact's phone showed, and dials to call back."""
        return self.display_numbers[1]

    def find(self, kind: str, leg: Leg | None = None) -> LoggedNotification | None:
        return next((each for each in self.notifications if (each.kind, each.leg) == (kind, leg)), None)

    @property
    def phase(self) -> str:
        """A key of `texts.PHASES`, or of `texts.RETURN_PHASES`."""
        if self.is_over:
            return "over"
        if self.stop_asked:
            return "stopping"
        progress = _RETURN_PROGRESS if self.is_return else _PROGRESS
        latest = next((step for step in reversed(progress) if self.find(*step[:2])), None)
        return latest[2] if latest else "asked"

    @property
    def is_over(self) -> bool:
        return self.find("disconnect") is not None or self.cdr is not None

    @property
    def is_complete(self) -> bool:
        """Nothing more will arrive."""
        return self.cdr is not None and self.looked_up is not None and self.recording != "awaited"

    @property
    def cdr(self) -> dict[str, Any] | None:
        """The CDR without the contact's number, which no page may show."""
        fee = self.find("fee")
        hide = self.contact.hide_number
        return (
            {name: hide(value) if isinstance(value, str) else value for name, value in fee.body.items()}
            if fee
            else None
        )

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
        """From the callee's answer to the end, as billed; zero if there was none."""
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
_RETURN_PROGRESS: tuple[tuple[str, Leg, str], ...] = (
    ("callin", "caller", "asked"),
    ("callout", "callee", "dialled"),
    ("alerting", "callee", "rings"),
    ("answer", "callee", "talking"),
)


class CallLog:
    """The latest calls of one site. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: OrderedDict[str, SpCall] = OrderedDict()
        self._early: list[tuple[datetime, dict[str, Any]]] = []
        """For sessions without a call yet: a notification can overtake the platform's response to the request."""

    def add(self, call: SpCall) -> None:
        with self._changed:
            self._calls[call.id] = call
            while len(self._calls) > MOST_CALLS:
                self._calls.popitem(last=False)
            early, self._early = self._early, []
            for received_at, body in early:
                self._receive(received_at, body)

    def get(self, call_id: str) -> SpCall | None:
        with self._changed:
            return self._calls.get(call_id)

    def latest(self, scenario: Scenario) -> dict[str, SpCall]:
        """The last call to each contact, by the contact's ref."""
        with self._changed:
            return {call.contact.ref: call for call in self._calls.values() if call.scenario is scenario}

    def change(self, call: SpCall, **fields: object) -> None:
        """Set fields of a call, and wake those who wait for a change."""
        with self._changed:
            for name, value in fields.items():
                setattr(call, name, value)
            self._step(call)

    def receive(self, received_at: datetime, body: dict[str, Any]) -> list[SpCall]:
        """Log one notification; returns the calls for which it is new.

        Raises:
            KeyError, TypeError, ValueError: it is not in the platform's format.
        """
        with self._changed:
            return self._receive(received_at, body)

    def refine(self, call: SpCall, looked_up: dict[str, Any]) -> None:
        """Add the exact times of a look-up to the notifications."""
        with self._changed:
            for fact in looked_up.get("facts", []):
                leg = fact.get("party") if fact.get("eventType") in _OF_A_LEG else None
                known = call.find(str(fact.get("eventType")), leg)
                if known is not None and known.kind != "fee":
                    known.exact_at = parse_instant(fact.get("at"))
            call.looked_up = looked_up
            self._step(call)

    def wait(self, call: SpCall, version: int, seconds: float) -> int:
        """Wait until the call's version differs from `version`, or the time is over; returns the version."""
        with self._changed:
            self._changed.wait_for(lambda: call.version != version, seconds)
            return call.version

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether the condition becomes true in time."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def _receive(self, received_at: datetime, body: dict[str, Any]) -> list[SpCall]:
        kind = str(body["eventType"])
        if kind == "ping":  # a test notification, of no call
            return []
        parts = body["feeLst"] if kind == "fee" else [body["statusInfo"]]
        news = []
        for part in parts:
            call = self._of_session(str(part["sessionId"]))
            if call is None and kind == "callin":
                call = self._called_back(part, received_at)
            if call is None:
                alone = {"eventType": kind, "feeLst": [part]} if kind == "fee" else body
                self._early = [*self._early, (received_at, alone)][-_MOST_EARLY:]
            elif self._log(call, kind, part, received_at):
                news.append(call)
        return news

    def _of_session(self, session_id: str) -> SpCall | None:
        return next((call for call in self._calls.values() if call.session_id == session_id), None)

    def _called_back(self, part: dict[str, Any], received_at: datetime) -> SpCall | None:
        """A contact has dialled the display number of the latest call to it. None: it is not one of these contacts."""
        pair = (str(part["caller"]), str(part["called"]))
        placed = (call for call in reversed(self._calls.values()) if not call.is_return)
        before = next((call for call in placed if (call.contact.number, call.dialled) == pair), None)
        if before is None:
            return None
        call = replace(
            before,
            id=secrets.token_urlsafe(12),
            display_numbers=(before.dialled, before.dialled),
            asked_at=min(received_at, _time(part["timestamp"]) or received_at),
            session_id=str(part["sessionId"]),
            notifications=[],
            stop_asked=False,
            note="",
            recording="none",
            recording_link="",
            looked_up=None,
            version=0,
            returns=[],
            is_return=True,
        )
        before.returns.append(call)
        self._step(before)
        self.add(call)
        return call

    def _log(self, call: SpCall, kind: str, part: dict[str, Any], received_at: datetime) -> bool:
        """Whether it is new."""
        leg: Leg | None = None
        if call.is_return and kind not in ("disconnect", "fee"):
            leg = "caller" if kind == "callin" else "callee"
        elif kind not in ("disconnect", "fee"):
            leg = "caller" if part["called"] == call.caller else "callee"
        happened_at = None if kind == "fee" else _time(part["timestamp"])
        known = call.find(kind, leg)
        if known is not None:
            known.deliveries += 1
        else:
            call.notifications.append(LoggedNotification(kind, leg, happened_at, received_at, part))
        self._step(call)
        return known is None

    def _step(self, call: SpCall) -> None:
        call.version += 1
        self._changed.notify_all()


def _time(text: object) -> datetime | None:
    """A time in a notification: UTC, to the second."""
    return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if text else None


def parse_instant(text: object) -> datetime | None:
    """A time in a look-up: RFC 3339, UTC, to the millisecond."""
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None

"""The time line of a call: what is drawn where, on one time axis. The template only writes it as SVG.

Places on the axis are per cent of its width, so one drawing suits every screen. The axis is linear from the acceptance
to the end of the call and a little longer; what came later, such as retries of a notification for hours, stands behind
a break, in order and evenly spaced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from duologue.call_control.facts import CdrWritten
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.call_control.trace import FlowStep, TracedEvent
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import Party
from duologue.operator.call_words import Meaning, length
from duologue.operator.console.shown import Writer
from duologue.usecases.operating.show_call import ShownCall
from duologue.wire.huawei.notifications import EVENT_TYPES

_LATER = 14.0
"""Per cent of the width for what came after the call."""
_CHARACTER, _PADDING = 6.6, 8.0
_NARROW, _WIDE = 320.0, 820.0
"""Pixels: of a character of a label, of the space around one, of the axis on a telephone and on a wide screen."""
_TICKS = [timedelta(seconds=each) for each in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)]
_MOST_TICKS = 4
LANE, TOP = 44, 22
"""Pixels: the height of a lane with its name, and where the first one begins."""
LANES = ("Caller", "Callee", "Heard", "Network", "Flow", "Told the SP")
_CALLER, _CALLEE, _HEARD, _NETWORK, _FLOW, _TOLD = range(len(LANES))


@dataclass(frozen=True, slots=True)
class Bar:
    """From `left`, `width` wide, in per cent. `label_on`: "all" screens, "wide" ones, or "" for none: it is wider."""

    lane: int
    left: float
    width: float
    kind: str
    label: str
    label_on: str
    title: str
    payload: str = ""

    @property
    def y(self) -> int:
        return TOP + self.lane * LANE + 17


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment. `shape`: of the template's."""

    lane: int
    left: float
    kind: str
    shape: str
    title: str
    payload: str = ""

    @property
    def y(self) -> int:
        return TOP + self.lane * LANE + 26


@dataclass(frozen=True, slots=True)
class Timeline:
    """`ends`: where the axis of the call ends, in per cent; 100 unless something came later."""

    bars: Sequence[Bar]
    marks: Sequence[Mark]
    ticks: Sequence[tuple[float, str]]
    ends: float
    is_live: bool
    lanes: Sequence[tuple[str, int]] = field(
        default_factory=lambda: [(name, TOP + place * LANE) for place, name in enumerate(LANES)]
    )
    height: int = TOP + len(LANES) * LANE + 4


class _Axis:
    def __init__(self, begins: datetime, ends: datetime, moments: Iterable[datetime]) -> None:
        self.begins, self.ends = begins, ends
        self.later = sorted({at for at in moments if at > ends})
        self.width = 100.0 - _LATER if self.later else 100.0
        self._seconds = max(1.0, (ends - begins).total_seconds())

    def place(self, at: datetime) -> float:
        if at > self.ends and self.later:
            order = sum(each <= at for each in self.later)
            return round(self.width + _LATER * (order - 0.25) / len(self.later), 2)
        part = (at - self.begins).total_seconds() / self._seconds
        return round(self.width * min(1.0, max(0.0, part)), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """With room for the word that heads what came later."""
        span = self.ends - self.begins
        step = next((each for each in _TICKS if span / each <= _MOST_TICKS), _TICKS[-1])
        count = int(span / step)
        placed = [(self.place(self.begins + step * number), f"+{length(step * number)}") for number in range(count + 1)]
        return [tick for tick in placed if not self.later or tick[0] <= self.width - _LATER]


def timeline(shown: ShownCall, now: datetime, write: Writer) -> Timeline:
    """`write`: how times, numbers and payloads are written."""
    return _Drawing(shown, now, write).drawn()


class _Drawing:
    def __init__(self, shown: ShownCall, now: datetime, write: Writer) -> None:
        self._shown, self._now, self._write = shown, now, write
        call, history = shown.call, shown.history
        self._last = now if call.phase is not Phase.OVER else call.ended_at or now
        times = [attempt.at for delivery in history.deliveries.values() for attempt in delivery.attempts]
        times += [delivery.due for delivery in history.deliveries.values() if delivery.due is not None]
        pad = max(timedelta(seconds=2), (self._last - call.accepted_at) / 25)
        self._axis = _Axis(call.accepted_at, self._last + pad, times)
        self._bars: list[Bar] = []
        self._marks: list[Mark] = []

    def drawn(self) -> Timeline:
        shown, call = self._shown, self._shown.call
        self._leg(_CALLER, call, call.caller)
        self._leg(_CALLEE, call, call.callee)
        self._heard(call)
        for event in shown.events:
            self._event(event)
        for step in shown.flow.value or ():
            self._step(step)
        for sequence, delivery in sorted(shown.history.deliveries.items()):
            self._told(sequence, delivery)
        is_live = call.phase is not Phase.OVER
        return Timeline(self._bars, self._marks, self._axis.ticks(), self._axis.width, is_live)

    def _bar(
        self, lane: int, begins: datetime, ends: datetime | None, kind: str, label: str, text: str, payload: str = ""
    ) -> None:
        """`ends`: None: it goes on."""
        until = ends or self._last
        left, right = self._axis.place(begins), self._axis.place(min(until, self._axis.ends))
        width = max(0.3, round(right - left, 2))
        needs = len(label) * _CHARACTER + _PADDING
        label_on = "all" if needs <= width * _NARROW / 100 else "wide" if needs <= width * _WIDE / 100 else ""
        went_on = length(until - begins) if ends else f"{length(until - begins)} so far"
        title = f"{self._at(begins)} {text}, {went_on}"
        self._bars.append(Bar(lane, left, width, kind, label, label_on, title, payload))

    def _mark(self, lane: int, at: datetime, kind: str, shape: str, text: str, payload: str = "") -> None:
        self._marks.append(Mark(lane, self._axis.place(at), kind, shape, f"{self._at(at)} {text}", payload))

    def _at(self, at: datetime) -> str:
        since = (at - self._shown.call.accepted_at).total_seconds()
        return f"{self._write.second(at)} (+{since:.1f} s):" if since < 3600 else f"{self._write.minute(at)}:"

    def _leg(self, lane: int, call: Call, leg: Leg) -> None:
        who, rings_until = f"the {leg.party}'s phone", leg.answered_at or leg.ended_at
        failed = leg.ended_at is not None and leg.answered_at is None
        if leg.dialled_at is not None and leg.dialled_at != leg.alerting_at:
            kind = Meaning.RINGS if leg.alerting_at is None else Meaning.WAITS
            self._bar(lane, leg.dialled_at, leg.alerting_at or rings_until, kind, "called", f"{who} is called")
        if leg.alerting_at is not None:
            self._bar(lane, leg.alerting_at, rings_until, Meaning.RINGS, "rings", f"{who} rings")
        if failed and leg.ended_at is not None:
            result = leg.outcome.result.replace("_", " ") if leg.outcome else "failed"
            sip = f", SIP {leg.outcome.sip_status}" if leg.outcome and leg.outcome.sip_status else ""
            self._mark(lane, leg.ended_at, Meaning.FAILED, "cross", f"{who}: {result}{sip}")
        if leg.answered_at is None:
            return
        peer = call.leg(leg.party.peer)
        joined = max(leg.answered_at, peer.answered_at) if peer.answered_at else None
        if joined is None or joined > leg.answered_at:
            waits = "waits" if leg.party is Party.CALLER else "is up"
            until = joined or leg.ended_at
            self._bar(lane, leg.answered_at, until, Meaning.WAITS, waits, f"the {leg.party} has answered and {waits}")
        if joined is not None:
            apart = min((each for each in (leg.ended_at, peer.ended_at) if each is not None), default=None)
            self._bar(lane, joined, apart, Meaning.TALKS, "talks", f"the {leg.party} talks")
            if apart is not None and (leg.ended_at is None or leg.ended_at > apart):
                self._bar(lane, apart, leg.ended_at, Meaning.WAITS, "alone", f"the {leg.party} is still up, alone")
        if leg.ended_at is not None:
            hung = " hangs up" if call.ended_by is leg.party else " ends"
            self._mark(lane, leg.ended_at, Meaning.WAITS, "end", f"the {leg.party}'s leg{hung}")

    def _heard(self, call: Call) -> None:
        """Prompts, as far as the call has their times, and the recording."""
        audio, waits = call.audio, call.callee.dialled_at
        if call.prelude_at is not None:
            name = audio.before_callee or "the platform's prompt"
            self._bar(_HEARD, call.prelude_at, waits or call.ended_at, "plain", "prompt", f"the caller hears {name}")
        if waits is not None and call.caller.answered_at is not None and not call.is_return_call:
            name = audio.while_callee_rings or "the waiting prompt"
            until = call.callee.answered_at or call.callee.ended_at or call.caller.ended_at
            self._bar(_HEARD, waits, until, "plain", "waiting prompt", f"the caller hears {name}")
        recording = call.recording
        if recording is None:
            return
        joined = call.callee.answered_at
        if joined is not None and joined < recording.started_at:
            name = audio.recording_notice or "the platform's recording notice"
            self._bar(_HEARD, joined, recording.started_at, "plain", "notice", f"both hear {name}, one after the other")
        ended = min((leg.ended_at for leg in (call.caller, call.callee) if leg.ended_at is not None), default=None)
        self._bar(_HEARD, recording.started_at, ended, "recorded", "recording", "the talk is recorded")

    def _event(self, event: TracedEvent) -> None:
        if event.at is None:
            return
        what = ", ".join(self._write.fact(fact) for fact in event.facts) or "nothing new"
        lane, of = (_FLOW, "the platform") if event.is_own else (_NETWORK, "the network")
        payload = self._write.payload(event.answer)
        answered = "the platform answered:\n" if payload else ""
        self._mark(lane, event.at, "plain", "dot", f"{of} reported: {what}", f"{answered}{payload}")

    def _step(self, step: FlowStep) -> None:
        kind = Meaning.FAILED if step.error else "plain"
        text = f"state “{step.state}”" + (f", left with {step.error}" if step.error else "")
        self._bar(_FLOW, step.entered_at, step.left_at, kind, step.state, text)

    def _told(self, sequence: int, delivery: Delivery) -> None:
        fact = self._shown.history.by_sequence.get(sequence)
        name = EVENT_TYPES.get(type(fact), "notification") if fact else "notification"
        name = "CDR" if isinstance(fact, CdrWritten) else name
        for number, attempt in enumerate(delivery.attempts, 1):
            is_last = number == len(delivery.attempts)
            good = is_last and delivery.is_acknowledged
            again = f" (try {number})" if len(delivery.attempts) > 1 else ""
            kind, shape, said = (
                (Meaning.TALKS, "diamond", "acknowledged") if good else (Meaning.FAILED, "open", "not acknowledged")
            )
            text = f"{name}{again}: {said}, {status_of(attempt)}"
            self._mark(_TOLD, attempt.at, kind, shape, text, self._write.attempt(attempt))
        if delivery.state is DeliveryState.WAITING and delivery.due is not None:
            self._mark(_TOLD, delivery.due, Meaning.WAITS, "ring", f"{name}: the next attempt is due")


def status_of(attempt: Attempt) -> str:
    return f"HTTP {attempt.status}" if attempt.status is not None else "no response"

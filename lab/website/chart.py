"""The time line of one call: two telephones and the recording over time, and when the SP received each notification.

Positions are numbers in CSS custom properties, relative to the span of the chart; what is still going on ends at
`--now`, which the page moves. So the same markup is correct at any width, and without scripts it is a still picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from lab.website.call_log import Leg, SpCall, parse_instant

SPANS = (20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds across the chart. Each is a multiple of 5, so that the five steps are whole seconds."""
_STEPS = 5
_KEY = Markup('<ul class="key" aria-hidden="true">{}</ul>').format(
    Markup("").join(
        Markup('<li><i class="{}"></i>{}</li>').format(kind, said)
        for kind, said in (
            ("dialled", "is dialled"),
            ("rings", "is called, rings"),
            ("waits", "waits"),
            ("talks", "talks"),
            ("records", "recording"),
        )
    )
)


@dataclass(frozen=True)
class Bar:
    """`end` None: still going on."""

    kind: str
    words: str
    start: float
    end: float | None


def chart(call: SpCall, now: datetime) -> Markup:
    """The picture, and the same in words for screen readers."""
    elapsed = max(0.0, _seconds(call, _end(call) or now))
    span = next((span for span in SPANS if span >= elapsed * 1.02), SPANS[-1])
    if call.is_return:
        own, other = leg_bars(call, "callee"), dialler_bars(call)
    else:
        own, other = leg_bars(call, "caller"), leg_bars(call, "callee")
    lanes = [("Your phone", own), (f"{call.contact.name}’s phone", other), ("Recording", recording_bars(call))]
    rows = Markup("").join(_lane(name, bars) for name, bars in lanes)
    ticks = Markup("").join(
        Markup('<span style="--a:{}">{}</span>').format(span * step // _STEPS, _short(span * step // _STEPS))
        for step in range(_STEPS + 1)
    )
    live = Markup(' data-live=""') if _end(call) is None else Markup("")
    return Markup(
        '<figure class="chart" style="--span:{span};--now:{now}" data-now="{now}"{live}>'
        '<div class="lanes">{rows}{notified}</div><div class="ticks" aria-hidden="true">{ticks}</div>{key}'
        '<figcaption class="away">{words}</figcaption></figure>'
    ).format(
        span=span,
        now=f"{elapsed:.2f}",
        live=live,
        rows=rows,
        notified=_notifications(call),
        ticks=ticks,
        key=_KEY,
        words=_in_words(lanes),
    )


def leg_bars(call: SpCall, leg: Leg) -> list[Bar]:
    """What one telephone did, as far as the platform has notified it."""
    dialled, alerted, answered = (_at(call, kind, leg) for kind in ("callout", "alerting", "answer"))
    start = next((at for at in (dialled, alerted, answered) if at is not None), None)
    if start is None:
        return []
    end = _leg_end(call, leg)
    bars = []
    if alerted is not None and start < alerted:
        bars.append(Bar("dialled", "is dialled", start, alerted))
    ringing_from = start if alerted is None else alerted
    words = "is called" if alerted is None else "rings"
    if answered is None:
        return [*bars, Bar("rings", words, ringing_from, end)]
    bars.append(Bar("rings", words, ringing_from, answered))
    joined = _at(call, "answer", "callee")
    if leg == "caller" and joined is None:
        return [*bars, Bar("waits", "waits", answered, end)]
    if leg == "caller" and joined is not None and joined > answered:
        bars.append(Bar("waits", "waits", answered, joined))
    return [*bars, Bar("talks", "talks", max(answered, joined or 0.0), end)]


def dialler_bars(call: SpCall) -> list[Bar]:
    """Of a return call: the phone that dialled the display number."""
    dialled, joined, end = _at(call, "callin", "caller"), _at(call, "answer", "callee"), _leg_end(call, "caller")
    if dialled is None:
        return []
    waits = Bar("waits", "waits", dialled, end if joined is None else joined)
    return [waits] if joined is None else [waits, Bar("talks", "talks", joined, end)]


def recording_bars(call: SpCall) -> list[Bar]:
    """Known only after the call: no event says that a recording began."""
    started = parse_instant((call.looked_up or {}).get("recording", {}).get("startedAt"))
    ended = call.ended_at
    return [Bar("records", "runs", _seconds(call, started), _seconds(call, ended))] if started and ended else []


def _leg_end(call: SpCall, leg: Leg) -> float | None:
    exact = parse_instant((call.looked_up or {}).get(leg, {}).get("endedAt"))
    return _seconds(call, exact) if exact else _end_seconds(call)


def _end_seconds(call: SpCall) -> float | None:
    end = _end(call)
    return None if end is None else _seconds(call, end)


def _end(call: SpCall) -> datetime | None:
    return call.ended_at if call.is_over else None


def _at(call: SpCall, kind: str, leg: Leg) -> float | None:
    known = call.find(kind, leg)
    return None if known is None else _seconds(call, known.at)


def _seconds(call: SpCall, at: datetime) -> float:
    """Since it was requested. Notified times are cut to the second, which may begin before that."""
    return max(0.0, (at - call.asked_at).total_seconds())


def _lane(name: str, bars: list[Bar]) -> Markup:
    drawn = Markup("").join(
        Markup('<span class="bar {}" style="--a:{:.2f};--b:{}" title="{}"><span>{}</span></span>').format(
            bar.kind, bar.start, "var(--now)" if bar.end is None else f"{bar.end:.2f}", bar.words, bar.words
        )
        for bar in bars
    )
    return Markup('<div class="lane"><b>{}</b><div class="track" aria-hidden="true">{}</div></div>').format(name, drawn)


def _notifications(call: SpCall) -> Markup:
    """One mark for each notification, when the SP received it."""
    marks = Markup("").join(
        Markup('<i style="--a:{:.2f}" title="{}"></i>').format(_seconds(call, each.received_at), each.kind)
        for each in call.notifications
        if each.kind != "fee"
    )
    return Markup('<div class="lane"><b>Notified</b><div class="track marks" aria-hidden="true">{}</div></div>').format(
        marks
    )


def _in_words(lanes: list[tuple[str, list[Bar]]]) -> str:
    said = [
        f"{name} {bar.words} from second {bar.start:.1f} "
        + ("until now." if bar.end is None else f"to second {bar.end:.1f}.")
        for name, bars in lanes
        for bar in bars
    ]
    return " ".join(said) or "Nothing has happened yet."


def _short(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds / 60:g} min"
    return f"{seconds / 3600:g} h"

"""The live page of one call: its parts, each rendered anew when something was told.

| Part | What |
| --- | --- |
| state | one sentence, read out by screen readers as it changes |
| stop | the button, or why there is nothing to stop |
| line | the time line |
| sound | the recording's player, or when there will be one |
| steps | every event: when it happened, when the SP got it |
| record | the CDR as a table |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from lab.website import words
from lab.website.book import SpCall, Told
from lab.website.chart import chart
from lab.website.numbers import spoken
from lab.website.record import record_table

Part = Callable[[SpCall, datetime], Markup]


def parts(call: SpCall, now: datetime) -> dict[str, Markup]:
    """Every part by its name."""
    return {name: render(call, now) for name, render in _PARTS.items()}


def sentence(call: SpCall) -> str:
    """What is going on, to the person at the page."""
    callee = call.contact.name
    if not call.is_over:
        return words.PHASES[call.phase].format(callee=callee, shown=spoken(call.shown[0]))
    code = (call.disconnect or {}).get("stateCode")
    if code is None:
        return words.PHASES["over"]
    said = words.end_of(int(code)).sentence.format(callee=callee)
    if int(code) == 0 and call.talk:
        return f"You talked with {callee} for {_long(call.talk)}. The call is over."
    return said


def outcome(call: SpCall) -> str:
    """What came of it, in a few words, for a list; from the CDR once it is there."""
    if not call.is_over:
        return "in progress"
    code = (call.disconnect or {}).get("stateCode")
    short = words.end_of(int(code)).short if code is not None else "over"
    return f"talked for {_long(call.talk)}" if call.talk else short


def _state(call: SpCall, _: datetime) -> Markup:
    who = (call.disconnect or {}).get("partyType")
    ended_by = ""
    if who in words.PARTIES and (call.disconnect or {}).get("stateCode") == 0:
        ended_by = f"Hung up by {words.PARTIES[who].format(callee=call.contact.name)}."
    return Markup('<p class="now {}">{}</p><p class="aside">{}</p>').format(
        call.phase, sentence(call), " ".join(part for part in (ended_by, call.note) if part)
    )


def _stop(call: SpCall, _: datetime) -> Markup:
    if call.is_over:
        return Markup('<a class="button quiet" href="/{}">Back</a>').format(call.scenario.slug)
    attributes = Markup(' aria-disabled="true"') if call.stop_asked else Markup("")
    return Markup(
        '<form method="post" action="/calls/{}/stop" data-stop><button class="stop"{}>{}</button></form>'
    ).format(call.id, attributes, "Ending the call…" if call.stop_asked else "End the call")


def _sound(call: SpCall, _: datetime) -> Markup:
    if call.sound == "ready":
        place = f"/calls/{call.id}/recording"
        return Markup(
            '<audio controls preload="metadata" src="{}" aria-label="Recording of this call"></audio>'
            '<p class="aside"><a href="{}" download="{}">Download it</a></p>'
        ).format(place, place, (call.cdr or {}).get("recordObjectName", "recording.wav"))
    return Markup('<p class="aside">{}</p>').format(_why_no_sound(call))


def _why_no_sound(call: SpCall) -> str:
    if call.sound == "awaited":
        return "The recording is being prepared. It appears here by itself."
    if call.sound == "gone":
        return "There was a recording, and it cannot be had any more."
    if not call.wants_recording:
        return "Nobody asked to record this call, so it is not recorded."
    if call.cdr is None:
        return "You agreed to a recording. It begins when both of you have heard the notice, and is here afterwards."
    return "Nothing was recorded: the call ended before both of you had heard the notice."


def _steps(call: SpCall, _: datetime) -> Markup:
    rows = Markup("").join(
        _step(call, call.find(kind, leg), text.format(callee=call.contact.name), kind)
        for (kind, leg), text in words.STEPS.items()
    )
    return Markup(
        '<table class="steps"><thead><tr><th scope="col">What</th><th scope="col">Happened</th>'
        '<th scope="col">We got it</th><th scope="col">Lag</th></tr></thead><tbody>{}</tbody></table>'
    ).format(rows)


def _step(call: SpCall, told: Told | None, text: str, kind: str) -> Markup:
    if told is None:
        why = "was not told" if call.cdr is not None else ("is not always told" if kind == "alerting" else "–")
        return Markup('<tr class="open"><th scope="row">{}</th><td colspan="3">{}</td></tr>').format(text, why)
    again = f", {told.times} times" if told.times > 1 else ""
    return Markup(
        '<tr><th scope="row">{} <code>{}</code>{}</th><td data-label="Happened">{}</td>'
        '<td data-label="We got it">{}</td><td data-label="Lag">{}</td></tr>'
    ).format(text, kind, again, _happened(told), _clock(told.got_at), _lag(told))


def _happened(told: Told) -> str:
    if told.happened_at is None:
        return "–"
    return _clock(told.exact_at) if told.exact_at else f"{told.happened_at:%H:%M:%S}"


def _lag(told: Told) -> str:
    """Exact once the platform was asked; before that, the second that was told leaves it open by one."""
    if told.happened_at is None:
        return "–"
    if told.exact_at is not None:
        return f"{max(0.0, (told.got_at - told.exact_at).total_seconds()):.2f} s"
    lag = (told.got_at - told.happened_at).total_seconds()
    return "under 1 s" if lag < 1 else f"{lag - 1:.0f} to {lag:.0f} s"


def _record(call: SpCall, _: datetime) -> Markup:
    if call.cdr is None:
        return Markup('<p class="aside">The platform accounts for every call when it is over. It stands here then.</p>')
    raw = json.dumps(_without_hidden(call), indent=1, ensure_ascii=False)
    return record_table(call) + Markup(
        "<details><summary>The record as it was sent</summary><pre>{}</pre></details>"
    ).format(raw)


def _without_hidden(call: SpCall) -> dict[str, object]:
    """Whoever has the link of a recording has its sound, for days; the page has it from the site's server."""
    cdr = call.cdr or {}
    number = call.contact.number if call.scenario.hides_number else None
    hidden = [each for each in (number, cdr.get("recordFileDownloadUrl")) if each is not None]
    return {name: "hidden" if value in hidden else value for name, value in cdr.items()}


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 10000:02d}"


def _long(time: timedelta) -> str:
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


_PARTS: dict[str, Part] = {
    "state": _state,
    "stop": _stop,
    "line": lambda call, now: chart(call, now),
    "sound": _sound,
    "steps": _steps,
    "record": _record,
}


def body(call: SpCall, now: datetime) -> Markup:
    """The page's main part. Each section keeps its place, so that what comes in later moves nothing."""
    made = parts(call, now)
    return Markup(
        '<div class="live" data-call="{id}"><p class="crumb"><a href="/{slug}">{business}</a></p>'
        "<h1>Call with {callee}</h1>"
        '<div class="top"><div id="state" role="status" aria-live="polite">{state}</div>'
        '<div id="stop">{stop}</div></div>'
        '<section class="card" aria-labelledby="h-line"><h2 id="h-line">On the line</h2>'
        '<div id="line">{line}</div></section>'
        '<section class="card" aria-labelledby="h-sound"><h2 id="h-sound">Recording</h2>'
        '<div id="sound">{sound}</div></section>'
        '<section class="card" aria-labelledby="h-steps"><h2 id="h-steps">What the platform told us</h2>'
        '<div id="steps">{steps}</div></section>'
        '<section class="card" aria-labelledby="h-record"><h2 id="h-record">The call’s record (CDR)</h2>'
        '<div id="record">{record}</div></section>'
        '<p class="aside">All times are UTC. This page knows only what the platform told our server.</p></div>'
    ).format(
        id=call.id,
        slug=call.scenario.slug,
        business=call.scenario.business,
        callee=call.contact.name,
        **{name: escape(part) for name, part in made.items()},
    )

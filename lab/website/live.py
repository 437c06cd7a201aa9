"""The live page of one call: its parts, each rendered again when something has changed.

| Part | What |
| --- | --- |
| phones | both telephones and the line between them, as a picture |
| state | one sentence, announced by screen readers as it changes |
| stop | the button, or a way back |
| line | the time line |
| sound | the player for the recording, or when there will be one |
| steps | every event: when it happened, when the SP received it |
| record | the CDR as a table |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from lab.website import texts
from lab.website.call_log import LoggedNotification, SpCall
from lab.website.cdr_table import record_table
from lab.website.chart import chart
from lab.website.numbers import formatted

Part = Callable[[SpCall, datetime], Markup]


def parts(call: SpCall, now: datetime) -> dict[str, Markup]:
    """Every part by its name."""
    return {name: render(call, now) for name, render in _PARTS.items()}


def sentence(call: SpCall) -> str:
    """What is happening, for the person at the page."""
    callee = call.contact.name
    if not call.is_over:
        phases = texts.RETURN_PHASES if call.is_return else texts.PHASES
        return phases[call.phase].format(callee=callee, shown=formatted(call.display_numbers[0]))
    code = (call.disconnect or {}).get("stateCode")
    if code is None:
        return texts.PHASES["over"]
    cdr = call.cdr or {}
    if int(code) in texts.REFUSED_DIALS and "networkError" in cdr:
        return texts.refused_dial(int(code), str(cdr["networkError"]), callee if "callOutStartTime" in cdr else None)
    said = texts.end_of(int(code), is_return=call.is_return).sentence.format(callee=callee)
    if int(code) == 0 and call.talk:
        return f"You talked with {callee} for {_long(call.talk)}. The call is over."
    return said


def title(call: SpCall) -> str:
    return f"{call.contact.name} calls back" if call.is_return else f"Call with {call.contact.name}"


def outcome(call: SpCall) -> str:
    """The outcome in a few words, for a list."""
    if not call.is_over:
        return "in progress"
    code = (call.disconnect or {}).get("stateCode")
    short = texts.end_of(int(code), is_return=call.is_return).short if code is not None else "over"
    return f"talked for {_long(call.talk)}" if call.talk else short


def _state(call: SpCall, _: datetime) -> Markup:
    who = texts.party(str((call.disconnect or {}).get("partyType")), call.contact.name, is_return=call.is_return)
    ended_by = ""
    if who and (call.disconnect or {}).get("stateCode") == 0:
        ended_by = f"Hung up by {who}."
    notes = [escape(part) for part in (ended_by, call.note) if part]
    return Markup('<p class="now {}">{}</p><p class="aside">{}</p>').format(
        call.phase, sentence(call), Markup(" ").join([*notes, *_ring_back(call)])
    )


def _ring_back(call: SpCall) -> list[Markup]:
    """How the contact reaches the person at the page, or the return calls that there were."""
    if call.returns:
        return [
            Markup('<a href="/calls/{}">{} called back</a>: {}.').format(each.id, each.contact.name, outcome(each))
            for each in call.returns
        ]
    if call.is_return or not call.is_over or call.find("callout", "callee") is None:
        return []
    return [Markup("{} can ring you back by dialling {}.").format(call.contact.name, formatted(call.dialled))]


def _phones(call: SpCall, _: datetime) -> Markup:
    own, other = phones_now(call)
    ends = Markup("").join(
        Markup('<div class="end {}"><i class="handset"></i><b>{}</b><span>{}</span></div>').format(state, name, words)
        for name, (state, words) in (("You", own), (call.contact.name, other))
    )
    joined = "joined" if {own[0], other[0]} <= {"talks", "talked"} else "apart"
    return Markup('<div class="pair {}" aria-hidden="true">{}</div>').format(joined, ends)


def phones_now(call: SpCall) -> tuple[tuple[str, str], tuple[str, str]]:
    """Of the person's telephone and of the contact's: its state, a class of the style sheet, and a word for it."""
    if not call.is_over:
        return (texts.RETURN_PHONES if call.is_return else texts.PHONES)[call.phase]
    code = (call.disconnect or {}).get("stateCode")
    if call.talk or code == 0:
        talked = ("talked", f"talked {_long(call.talk)}" if call.talk else "talked")
        return talked, talked
    untouched = ("over", "")
    if code not in texts.PHONE_FAILURES:
        return untouched, untouched
    failed = ("failed", texts.PHONE_FAILURES[code])
    return (failed, untouched) if call.is_return or code in texts.OF_OWN_PHONE else (untouched, failed)


def _stop(call: SpCall, _: datetime) -> Markup:
    if call.is_over:
        return Markup('<a class="button quiet" href="/{}">Back to {}</a>').format(
            call.scenario.slug, call.scenario.short
        )
    attributes = Markup(' aria-disabled="true"') if call.stop_asked else Markup("")
    return Markup(
        '<form method="post" action="/calls/{}/stop" data-stop><button class="stop"{}>{}</button></form>'
    ).format(call.id, attributes, "Ending the call…" if call.stop_asked else "End the call")


def _sound(call: SpCall, _: datetime) -> Markup:
    if call.recording == "ready":
        place = f"/calls/{call.id}/recording"
        return Markup(
            '<audio controls preload="metadata" src="{}" aria-label="Recording of this call"></audio>'
            '<p class="aside"><a href="{}" download="{}">Download it</a></p>'
        ).format(place, place, (call.cdr or {}).get("recordObjectName", "recording.wav"))
    final = "" if call.wants_recording else " final"
    return Markup('<p class="aside{}">{}</p>').format(final, _why_no_sound(call))


def _why_no_sound(call: SpCall) -> str:
    if call.recording == "awaited":
        return "The recording is being prepared. It appears here by itself."
    if call.recording == "gone":
        return "There was a recording, but it is no longer available."
    if not call.wants_recording:
        return "This call is not recorded, because nobody asked for a recording."
    if call.cdr is None:
        return (
            "You agreed to a recording. It begins when both of you have heard the notice, and appears here afterwards."
        )
    return "Nothing was recorded: the call ended before both of you had heard the notice."


def _steps(call: SpCall, _: datetime) -> Markup:
    rows = Markup("").join(
        _step(call, call.find(kind, leg), text.format(callee=call.contact.name, shown=formatted(call.dialled)), kind)
        for (kind, leg), text in (texts.RETURN_STEPS if call.is_return else texts.STEPS).items()
    )
    return Markup(
        '<table class="steps"><thead><tr><th scope="col">What</th><th scope="col">Happened</th>'
        '<th scope="col">Received</th><th scope="col">Lag</th></tr></thead><tbody>{}</tbody></table>'
    ).format(rows)


def _step(call: SpCall, logged: LoggedNotification | None, text: str, kind: str) -> Markup:
    if logged is None:
        why = "not notified" if call.cdr is not None else ("not always notified" if kind == "alerting" else "–")
        return Markup('<tr class="open"><th scope="row">{}</th><td colspan="3">{}</td></tr>').format(text, why)
    again = f", {logged.deliveries} times" if logged.deliveries > 1 else ""
    return Markup(
        '<tr><th scope="row">{} <code>{}</code>{}</th><td data-label="Happened">{}</td>'
        '<td data-label="Received">{}</td><td data-label="Lag">{}</td></tr>'
    ).format(text, kind, again, _happened(logged), _clock(logged.received_at), _lag(logged))


def _happened(logged: LoggedNotification) -> str:
    if logged.happened_at is None:
        return "–"
    return _clock(logged.exact_at) if logged.exact_at else f"{logged.happened_at:%H:%M:%S}"


def _lag(logged: LoggedNotification) -> str:
    """Exact once the exact time was looked up; before that, known to the second."""
    if logged.happened_at is None:
        return "–"
    if logged.exact_at is not None:
        return f"{max(0.0, (logged.received_at - logged.exact_at).total_seconds()):.2f} s"
    lag = (logged.received_at - logged.happened_at).total_seconds()
    return "under 1 s" if lag < 1 else f"{lag - 1:.0f} to {lag:.0f} s"


def _record(call: SpCall, _: datetime) -> Markup:
    if call.cdr is None:
        return Markup('<p class="aside">The platform sends a record of every call after its end. It appears here.</p>')
    raw = json.dumps(_without_hidden(call), indent=1, ensure_ascii=False)
    return record_table(call) + Markup(
        "<details><summary>The record as it was sent</summary><pre>{}</pre></details>"
    ).format(raw)


def _without_hidden(call: SpCall) -> dict[str, object]:
    """Anyone who has the link of a recording can listen to it for days; the page gets it from the site's server."""
    link = "recordFileDownloadUrl"
    return {name: "hidden" if name == link and value else value for name, value in (call.cdr or {}).items()}


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 10000:02d}"


def _long(time: timedelta) -> str:
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


_PARTS: dict[str, Part] = {
    "phones": _phones,
    "state": _state,
    "stop": _stop,
    "line": lambda call, now: chart(call, now),
    "sound": _sound,
    "steps": _steps,
    "record": _record,
}

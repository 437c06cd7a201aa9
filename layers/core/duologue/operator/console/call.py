"""The page of one call, its live stream, its recording, and what can be done about it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from duologue.call_control.facts import CdrWritten, Fact
from duologue.call_control.history import Attempt, Delivery, DeliveryState, History
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import InvalidField, OutsideUnavailable, UnknownCall
from duologue.domain.media.byte_range import UNSATISFIABLE, ByteRange, asked_range
from duologue.operator.call_words import Meaning, meaning, sentence
from duologue.operator.console.calls import SHAPES
from duologue.operator.console.desk import Desk
from duologue.operator.console.pages import Context, Pages, form_of, see_other
from duologue.operator.console.shown import Writer
from duologue.operator.console.timeline import status_of, timeline
from duologue.usecases.notifying.manage_notifications import ManageNotifications
from duologue.usecases.operating.show_call import ShownCall
from duologue.usecases.ports.recordings import Recordings
from duologue.wire.huawei.histories import receipt_shown
from duologue.wire.huawei.notifications import EVENT_TYPES, event_of, record_of
from duologue.wire.huawei.outcomes import codes_of
from duologue.wire.huawei.records import Records
from duologue.wire.huawei.session_id import session_id

_NO_LINK = Records("https://…", lambda _app, _call: "…")
"""A link to a recording needs no authentication, so the console shows none."""
_PIECE = 256 * 1024
"""Bytes of a recording that are read at a time."""
_FILE_COMES_WITHIN = timedelta(minutes=30)
"""After the end of the call an open page looks for the file for so long, though its publication is tried for longer."""
SAID = {
    "stopped": "The call is being stopped.",
    "over": "There was nothing to stop: the call was already ending or over.",
    "again": "It is sent again within a minute.",
    "cancelled": "It is not sent any more.",
    "changed": "Nothing was done: it is due already, or has just changed. Load the page again.",
}
_STATES = {
    DeliveryState.WAITING: ("waits for its next attempt", Meaning.WAITS),
    DeliveryState.ACKNOWLEDGED: ("acknowledged", Meaning.TALKS),
    DeliveryState.OVERTAKEN: ("overtaken by a later one", Meaning.WAITS),
    DeliveryState.UNDELIVERED: ("undelivered", Meaning.FAILED),
    DeliveryState.CANCELLED: ("cancelled", Meaning.WAITS),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A notification, in the words of the page. `body`: what is sent."""

    sequence: int
    name: str
    fact: str
    state: str
    meaning: Meaning
    delivery: Delivery | None
    body: str
    is_outstanding: bool

    @property
    def shape(self) -> str:
        return SHAPES[self.meaning]

    @property
    def attempts(self) -> list[tuple[Attempt, str]]:
        """Each with its status."""
        return [(each, status_of(each)) for each in self.delivery.attempts] if self.delivery else []


def call(pages: Pages, request: Request) -> Response:
    context, is_final = _context(pages, request.path_params["call"])
    said = SAID.get(request.query_params.get("said", ""), "")
    return pages.page("call.html", {**context, "page": "calls", "said": said, "is_final": is_final})


def live(pages: Pages, request: Request) -> Response:
    call_id = request.path_params["call"]
    pages.desk.history(call_id)  # so that an unknown call is a 404, not a stream
    return pages.live("call_parts.html", lambda: _context(pages, call_id))


def number(pages: Pages, request: Request) -> Response:
    """A party's whole number, which the audit then has as shown."""
    call_id, party = request.path_params["call"], form_of(request).get("party", "")
    if party not in set(Party):
        raise InvalidField("party", "must be caller or callee")
    found = pages.desk.history(call_id).call
    pages.desk.note("console number", call=call_id, app=found.app, detail=party)
    return JSONResponse({"number": found.leg(Party(party)).number.e164})


def stop(pages: Pages, request: Request) -> Response:
    call_id, desk = request.path_params["call"], pages.desk
    desk.note("console stop", call=call_id, app=desk.history(call_id).call.app)
    before = desk.end_calls.one(call_id).phase
    return see_other(f"/calls/{call_id}?said={'over' if before >= Phase.ENDING else 'stopped'}")


def send_again(pages: Pages, request: Request) -> Response:
    return _change(pages, request, "console retry-now", "again")


def cancel(pages: Pages, request: Request) -> Response:
    return _change(pages, request, "console cancel", "cancelled")


def recording(pages: Pages, request: Request) -> Response:
    """The file, or the part of it that was asked for, read from S3 piece by piece as the browser takes it."""
    desk, call_id = pages.desk, request.path_params["call"]
    found = desk.history(call_id).call
    file = desk.show.recording_of(found)
    if file is None:
        raise UnknownCall(f"{call_id} has no recording (any more)")
    part = asked_range(request.headers.get("range"), file.size)
    headers = {"accept-ranges": "bytes"}
    if part is UNSATISFIABLE:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{file.size}"})
    desk.note_playing(call_id, found.app)
    whole = ByteRange(0, file.size - 1)
    sent = part if isinstance(part, ByteRange) else whole
    headers["content-length"] = str(sent.length)
    if part is not None:
        headers["content-range"] = f"bytes {sent.first}-{sent.last}/{file.size}"
    body = _pieces(desk.recordings, file.key, sent)
    return StreamingResponse(body, 200 if part is None else 206, headers, "audio/wav")


def _pieces(recordings: Recordings, key: str, sent: ByteRange) -> Iterator[bytes]:
    for first in range(sent.first, sent.last + 1, _PIECE):
        yield recordings.read(key, ByteRange(first, min(first + _PIECE - 1, sent.last)))


def _change(pages: Pages, request: Request, kind: str, said: str) -> Response:
    """One notification, or all of the call that are outstanding."""
    call_id, desk, form = request.path_params["call"], pages.desk, form_of(request)
    sequence = form.get("sequence", "")
    number = int(sequence) if sequence.isascii() and sequence.isdecimal() else None
    app = desk.history(call_id).call.app
    desk.note(kind, call=call_id, app=app, detail=f"notification {sequence or 'all'}")
    do = ManageNotifications.cancel if said == "cancelled" else ManageNotifications.retry_now
    done = [do(desk.notifications, each) for each in desk.notifications.of_call(call_id, number)]
    said = said if any(done) else "changed"
    back = "/undelivered" if form.get("back") == "undelivered" else f"/calls/{call_id}"
    return see_other(f"{back}?said={said}")


def _context(pages: Pages, call_id: str) -> tuple[Context, bool]:
    """Of the whole page, and whether it will not change by itself any more."""
    desk = pages.desk
    shown, now = desk.show(call_id), desk.now()
    history, found = shown.history, shown.call
    write = pages.writer.of(found.caller.number, found.callee.number)
    context = {
        "call": found,
        "session": session_id(call_id, desk.host()),
        "shown": shown,
        "writer": write,
        "sentence": sentence(found, now),
        "meaning": meaning(found),
        "shape": SHAPES[meaning(found)],
        "codes": codes_of(history.cdr) if history.cdr else None,
        "timeline": timeline(shown, now, write),
        "told": list(_told(history, write, desk.host())),
        "receipt": receipt_shown(history.cdr.receipt) if history.cdr else None,
        "cdr": _cdr(history, write, desk.host()),
        "settings": _settings(found),
        "is_up": found.phase is not Phase.OVER,
        "awaits_recording": _awaits_recording(shown, now),
        "is_expired": _is_expired(desk, shown, now),
        "has_callee": found.ending is not EndReason.NOBODY_REMEMBERED,
    }
    return context, found.phase is Phase.OVER and _is_settled(history) and not context["awaits_recording"]


def _awaits_recording(shown: ShownCall, now: datetime) -> bool:
    """The published file may still come; that it could not be looked for says nothing about it."""
    recording, ended = shown.call.recording, shown.call.ended_at
    if recording is None or recording.deleted_at or recording.missing_at or ended is None:
        return False
    file = shown.recording.value
    return (file is None or not file.is_published) and now < ended + _FILE_COMES_WITHIN


def _is_expired(desk: Desk, shown: ShownCall, now: datetime) -> bool:
    """A recording without a file is past the app's retention or the platform's; False if neither is known."""
    call = shown.call
    if call.recording is None or call.ended_at is None or shown.recording.value is not None:
        return False
    of_platform = 0
    with suppress(OutsideUnavailable), desk.show.refusals():
        of_platform = desk.keep_recordings_days()
    kept = call.keep_recording_days, of_platform
    return any(days and now >= call.ended_at + timedelta(days=days) for days in kept)


def _is_settled(history: History) -> bool:
    """Nothing is about to happen: the SP was told, or it waits for longer than somebody watches."""
    return not any(
        delivery.state is DeliveryState.WAITING and delivery.is_put_off for delivery in history.deliveries.values()
    ) and len(history.deliveries) >= sum(_has_url(history.call, fact) for fact in history.facts)


def _has_url(call: Call, fact: Fact) -> bool:
    url = call.notify.fee_url if isinstance(fact, CdrWritten) else call.notify.status_url
    return type(fact) in EVENT_TYPES and url is not None


def _told(history: History, write: Writer, host: str) -> Iterator[Told]:
    for sequence, fact in sorted(history.by_sequence.items()):
        if type(fact) not in EVENT_TYPES:
            continue
        delivery = history.deliveries.get(sequence)
        state, means = _STATES[delivery.state] if delivery else ("not attempted yet", Meaning.WAITS)
        if delivery is None and not _has_url(history.call, fact):
            state = "no URL for it"
        body = event_of(history.call, fact, history.cdr, host, _NO_LINK)
        outstanding = delivery is not None and delivery.state in (DeliveryState.WAITING, DeliveryState.UNDELIVERED)
        name = "CDR" if isinstance(fact, CdrWritten) else EVENT_TYPES[type(fact)]
        text = write.payload(json.dumps(body))
        yield Told(sequence, name, write.fact(fact), state, means, delivery, text, outstanding)


def _cdr(history: History, write: Writer, host: str) -> str:
    if history.cdr is None:
        return ""
    return write.payload(json.dumps(record_of(history.cdr, host, _NO_LINK)))


def _settings(call: Call) -> Mapping[str, Any]:
    """What was asked for, where it says something."""
    audio = call.audio
    given = {
        "ring limit": f"{call.ring_limit.seconds} s",
        "longest talk": f"{call.longest_talk.total_seconds() / 60:.0f} min",
        "recording": "wanted" if call.wants_recording else None,
        "prompt before the callee": audio.before_callee,
        "prompt while the callee rings": audio.while_callee_rings,
        "prompt before the last minute": audio.last_minute,
        "recording notice": audio.recording_notice,
        "bind number": call.bind_number,
        "network call": call.network_call,
    }
    return {name: value for name, value in given.items() if value}

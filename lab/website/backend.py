"""The backend of the site, without HTTP: places a callback, stops it, receives notifications, fetches the recording.

It is an ordinary client of the platform. A form that is sent twice places one call. A notification with an invalid
signature is refused and leaves no trace in the call log.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.sp.client import Reply, SpClient
from lab.sp.receiver import Notification, observer_failed
from lab.sp.recordings import RecordingDownload, open_recording
from lab.sp.session import SpSession
from lab.sp.signatures import PushSignatures
from lab.website import texts
from lab.website.call_log import MOST_CALLS, CallLog, SpCall
from lab.website.numbers import InvalidNumber, parse_number
from lab.website.scenarios import Contact, Scenario
from pstn.feed import tell

STATUS_PATH, FEE_PATH = "/notifications/status", "/notifications/fee"
_POLL_AFTER_S = (0.5, 1, 1, 2, 2, 4, 8, 15, 30, 60, 60, 60, 60)
"""Delays between polls for a recording."""
_NOT_READY, _NOT_THERE, _ALREADY_OVER = "1011006", "1012007", "1020152"


@dataclass(frozen=True)
class CallForm:
    """A submitted form. `token` identifies the form: submitting it again is the same call."""

    number: str = ""
    ref: str = ""
    record: bool = False
    token: str = ""


class FormRefused(Exception):
    """An error message, and the field beside which it belongs: "number", "ref", or "" for the form as a whole."""

    def __init__(self, text: str, about: str = "") -> None:
        super().__init__(text)
        self.text, self.about = text, about


def later(seconds: float, work: Callable[[], None]) -> None:
    """Run `work` later, on a daemon thread."""
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


@dataclass
class SpBackend:
    """`url`: where the platform reaches this site, without a slash at the end. `numbers`: two display numbers."""

    session: SpSession
    secret: str = field(repr=False)
    numbers: tuple[str, str]
    url: str
    to_try: tuple[tuple[str, str], ...] = ()
    """Numbers for visitors without a telephone on this network, and what each does."""
    call_log: CallLog = field(default_factory=CallLog)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    later: Callable[[float, Callable[[], None]], None] = later
    observers: list[Callable[[Notification], None]] = field(default_factory=list)
    """Called with each notification that was taken: be quick. What they raise is logged."""
    refused: int = 0
    """Notifications refused: not signed (see `lab.sp.signatures`), or none of the platform's format."""

    def __post_init__(self) -> None:
        self._placing = threading.Lock()
        self._requests: dict[str, _PlaceRequest] = {}
        self._signatures = PushSignatures(self.secret, self.now)

    def place(self, scenario: Scenario, form: CallForm) -> SpCall:
        """Place a callback.

        Raises:
            FormRefused: the input is invalid, or the platform refuses.
        """
        contact = _contact(scenario, form.ref)
        try:
            number = parse_number(form.number)
        except InvalidNumber as error:
            raise FormRefused(str(error), "number") from error
        if number == contact.number:
            raise FormRefused(f"This is {contact.name}'s own number. Enter yours.", "number")
        record = form.record and scenario.may_record
        key = f"{_token(form.token)}/{contact.ref}/{number}/{record}"
        with self._placing:
            request = self._requests.setdefault(key, _PlaceRequest())
            while len(self._requests) > MOST_CALLS:
                self._requests.pop(next(iter(self._requests)))
        with request.lock:
            if request.call is None:
                request.call = self._place(scenario, contact, number, record, key)
            return request.call

    def stop(self, call: SpCall) -> None:
        """Ask the platform to end the call, in any phase; the outcome is noted in the call log."""
        try:
            reply = self.session.send(lambda client: client.stop(call.session_id))
        except (OSError, http.client.HTTPException):
            self.call_log.change(call, note="The platform did not answer. Please try again.")
            return
        if reply.code == "0":
            self.call_log.change(call, stop_asked=True, note="")
        elif reply.code == _ALREADY_OVER:
            self.call_log.change(call, note="There was nothing to stop: the call was already over.")
        else:
            self.call_log.change(call, note=texts.refusal(reply.code, _text(reply)))

    def receive(self, path: str, headers: Mapping[str, str], content: bytes) -> int:
        """Handle a notification; returns the HTTP status to answer with. Names of `headers` are in lower case."""
        url = self.url + path
        if not self._signatures.accept(url, headers):
            self.refused += 1
            return 403
        received_at = self.now()
        try:
            body = json.loads(content)
            news = self.call_log.receive(received_at, body)
        except (KeyError, TypeError, ValueError):
            self.refused += 1
            return 400
        tell(self.observers, Notification(received_at, url, body, True), observer_failed)
        if body["eventType"] == "fee":
            for call in news:
                self._cdr_received(call)
        return 200

    def recording(self, call: SpCall, part: str | None) -> RecordingDownload | None:
        """The recording; None: there is none (now). An expired link is requested again."""
        for _ in range(2):
            if not call.recording_link and self._link(call) != "0":
                return None
            opened = open_recording(call.recording_link, part)
            if opened.status in (200, 206, 416):
                return opened
            opened.close()
            call.recording_link = ""
        return None

    def _place(self, scenario: Scenario, contact: Contact, number: str, record: bool, key: str) -> SpCall:
        call = SpCall(secrets.token_urlsafe(12), scenario, contact, number, self.numbers, record, self.now())
        fields: dict[str, Any] = {
            "callerNbr": number,
            "calleeNbr": contact.number,
            "displayNbr": self.numbers[0],
            "displayCalleeNbr": self.numbers[1],
            "recordFlag": "true" if record else "false",
            "partyTypeRequiredInDisconnect": "true",
            "userData": f"{scenario.slug or 'training'}/{contact.ref}",
        }
        try:
            reply = self.session.send(lambda client: self._send(client, key, fields))
        except (OSError, http.client.HTTPException) as error:
            raise FormRefused(
                "The platform cannot be reached at the moment. Press again: it is still only one call."
            ) from error
        if reply.code != "0":
            raise _refused(reply, contact)
        call.session_id = str(reply.body["sessionId"])
        self.call_log.add(call)
        if call.cdr is not None:  # every notification arrived before the platform's response
            self._cdr_received(call)
        return call

    def _send(self, client: SpClient, key: str, fields: dict[str, Any]) -> Reply:
        urls = (self.url + STATUS_PATH, self.url + FEE_PATH)
        return client.place(status_url=urls[0], fee_url=urls[1], idempotency_key=key, **fields)

    def _cdr_received(self, call: SpCall) -> None:
        """Fetch the exact times, and wait for the recording if there is one."""
        recorded = (call.cdr or {}).get("recordFlag") == 1
        self.call_log.change(call, recording="awaited" if recorded else "none")
        self.later(0, lambda: self._look_up(call))
        if recorded:
            self._poll_recording(call, 0)

    def _look_up(self, call: SpCall) -> None:
        try:
            reply = self.session.send(lambda client: client.look_up(call.session_id))
        except (OSError, http.client.HTTPException):
            reply = Reply(0, {})
        self.call_log.refine(call, reply.body if reply.code == "0" else {})  # else the notified times stay

    def _poll_recording(self, call: SpCall, count: int) -> None:
        if count == len(_POLL_AFTER_S):
            self.call_log.change(call, recording="gone")
            return

        def poll() -> None:
            code = self._link(call)
            if code == "0":
                self.call_log.change(call, recording="ready")
            elif code == _NOT_THERE:
                self.call_log.change(call, recording="gone")
            else:
                self._poll_recording(call, count + 1)

        self.later(_POLL_AFTER_S[count], poll)

    def _link(self, call: SpCall) -> str:
        """Request the link; returns "0" once the call has it, else the result code."""
        cdr = call.cdr or {}
        name, domain = str(cdr.get("recordObjectName", "")), str(cdr.get("recordDomain", ""))
        try:
            reply = self.session.send(lambda client: client.record(name, domain))
        except (OSError, http.client.HTTPException):
            return _NOT_READY
        if reply.status != 301:
            return reply.code
        call.recording_link = reply.headers.get("Location", "")
        return "0"


@dataclass
class _PlaceRequest:
    """One form, however often it is submitted."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    call: SpCall | None = None


def _contact(scenario: Scenario, ref: str) -> Contact:
    if scenario.entry == "one":
        return scenario.contacts[0]
    if scenario.entry == "scan" and not ref.strip():
        raise FormRefused("Scan the code on the parcel, or enter its digits.", "ref")
    contact = scenario.contact("".join(ref.split()))
    if contact is None:
        raise FormRefused(f"No order has the code {ref.strip()[:40]}. Scan it again.", "ref")
    return contact


def _refused(reply: Reply, contact: Contact) -> FormRefused:
    """The platform's refusal, beside the field that it is about."""
    text = _text(reply)
    about_number = reply.code == "1010024" or (reply.code == "1010002" and "callerNbr" in text)
    message = texts.refusal(
        reply.code, text.replace("callerNbr", "the number").replace("calleeNbr", "the other number")
    )
    return FormRefused(contact.hide_number(message), "number" if about_number else "")


def _text(reply: Reply) -> str:
    return str(reply.body.get("resultdesc", ""))


def new_token() -> str:
    """A new token for one form."""
    return secrets.token_urlsafe(12)


def _token(given: str) -> str:
    """The form's token; one that is not ours is replaced."""
    return given if re.fullmatch(r"[\w-]{16}", given, re.ASCII) else new_token()

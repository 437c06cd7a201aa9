"""The site's own server, without HTTP: place a call back, stop it, take what the platform tells, fetch the recording.

It is an ordinary client of the platform. A form that is sent twice places one call; a notification whose signature is
wrong is refused and leaves no trace in the book.
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
from lab.sp.receiver import Push, is_signed
from lab.sp.sounds import OpenSound, open_sound
from lab.sp.standing import Standing
from lab.website import words
from lab.website.book import MOST_CALLS, Book, SpCall
from lab.website.numbers import WrongNumber, read_number, spoken
from lab.website.scenarios import Contact, Scenario

STATUS_PATH, FEE_PATH = "/told/status", "/told/fee"
_LOOKS_S = (0.5, 1, 1, 2, 2, 4, 8, 15, 30, 60, 60, 60, 60)
"""Seconds between two looks whether a recording is there."""
_NOT_READY, _NOT_THERE, _ALREADY_OVER = "1011006", "1012007", "1020152"


@dataclass(frozen=True)
class Ask:
    """A form as it was sent. `token` is the form's own: the same form again is the same call."""

    number: str = ""
    ref: str = ""
    record: bool = False
    token: str = ""


class Refused(Exception):
    """What to say, and beside which field: "number", "ref", or "" for the form as a whole."""

    def __init__(self, text: str, about: str = "") -> None:
        super().__init__(text)
        self.text, self.about = text, about


def later(seconds: float, work: Callable[[], None]) -> None:
    """Do it then, on a thread of its own that holds up nobody's end."""
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


@dataclass
class Desk:
    """`url`: where the platform reaches this site, without a slash at the end. `numbers`: two display numbers."""

    standing: Standing
    secret: str = field(repr=False)
    numbers: tuple[str, str]
    url: str
    to_try: tuple[tuple[str, str], ...] = ()
    """Numbers that a visitor may give who has no telephone on this network, and what happens there."""
    book: Book = field(default_factory=Book)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    later: Callable[[float, Callable[[], None]], None] = later
    observers: list[Callable[[Push], None]] = field(default_factory=list)
    """Told of each notification that was taken; be quick and do not raise."""
    refused: int = 0
    """Notifications refused: not signed with the app's secret, or none of the platform's format."""

    def __post_init__(self) -> None:
        self._asking = threading.Lock()
        self._placings: dict[str, _Placing] = {}

    def place(self, scenario: Scenario, ask: Ask) -> SpCall:
        """Have somebody called back.

        Raises:
            Refused: the input is wrong, or the platform refuses.
        """
        contact = _contact(scenario, ask.ref)
        try:
            number = read_number(ask.number)
        except WrongNumber as wrong:
            raise Refused(str(wrong), "number") from wrong
        if number == contact.number:
            raise Refused(f"This is {contact.name}'s own number. Enter yours.", "number")
        record = ask.record and scenario.may_record
        key = f"{_token(ask.token)}/{contact.ref}/{number}/{record}"
        with self._asking:
            placing = self._placings.setdefault(key, _Placing())
            while len(self._placings) > MOST_CALLS:
                self._placings.pop(next(iter(self._placings)))
        with placing.lock:
            if placing.call is None:
                placing.call = self._ask_platform(scenario, contact, number, record, key)
            return placing.call

    def stop(self, call: SpCall) -> None:
        """Have it ended, in whatever phase it is; the answer is put into the book."""
        try:
            reply = self.standing.ask(lambda client: client.stop(call.session_id))
        except (OSError, http.client.HTTPException):
            self.book.change(call, note="The platform did not answer. Try once more.")
            return
        if reply.code == "0":
            self.book.change(call, stop_asked=True, note="")
        elif reply.code == _ALREADY_OVER:
            self.book.change(call, note="There was nothing left to stop: the call was over already.")
        else:
            self.book.change(call, note=words.refusal(reply.code, _text(reply)))

    def take(self, path: str, headers: Mapping[str, str], content: bytes) -> int:
        """Take a notification; the HTTP status to answer with. `headers` by their names in lower case."""
        url = self.url + path
        if not is_signed(self.secret, url, dict(headers)):
            self.refused += 1
            return 403
        got_at = self.now()
        try:
            body = json.loads(content)
            news = self.book.take(got_at, body)
        except (KeyError, TypeError, ValueError):
            self.refused += 1
            return 400
        for observer in list(self.observers):
            observer(Push(got_at, url, body, True))
        if body["eventType"] == "fee":
            for call in news:
                self._close(call)
        return 200

    def sound(self, call: SpCall, part: str | None) -> OpenSound | None:
        """The recording's bytes; None: there is none to be had (now). A link that has ended is asked for anew."""
        for _ in range(2):
            if not call.link and self._link(call) != "0":
                return None
            opened = open_sound(call.link, part)
            if opened.status in (200, 206, 416):
                return opened
            opened.close()
            call.link = ""
        return None

    def _ask_platform(self, scenario: Scenario, contact: Contact, number: str, record: bool, key: str) -> SpCall:
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
            reply = self.standing.ask(lambda client: self._send(client, key, fields))
        except (OSError, http.client.HTTPException) as error:
            raise Refused("The platform cannot be reached just now. Press again: it stays one call.") from error
        if reply.code != "0":
            raise _refused(reply)
        call.session_id = str(reply.body["sessionId"])
        self.book.add(call)
        if call.cdr is not None:  # all of it was told before the platform's own answer was read
            self._close(call)
        return call

    def _send(self, client: SpClient, key: str, fields: dict[str, Any]) -> Reply:
        urls = (self.url + STATUS_PATH, self.url + FEE_PATH)
        return client.place(status_url=urls[0], fee_url=urls[1], idempotency_key=key, **fields)

    def _close(self, call: SpCall) -> None:
        """The CDR has come: learn the exact times, and wait for the recording if there is one."""
        recorded = (call.cdr or {}).get("recordFlag") == 1
        self.book.change(call, sound="awaited" if recorded else "none")
        self.later(0, lambda: self._look_up(call))
        if recorded:
            self._look_later(call, 0)

    def _look_up(self, call: SpCall) -> None:
        try:
            reply = self.standing.ask(lambda client: client.look_up(call.session_id))
        except (OSError, http.client.HTTPException):
            reply = Reply(0, {})
        self.book.refine(call, reply.body if reply.code == "0" else {})  # else the times stay as they were told

    def _look_later(self, call: SpCall, count: int) -> None:
        if count == len(_LOOKS_S):
            self.book.change(call, sound="gone")
            return

        def look() -> None:
            code = self._link(call)
            if code == "0":
                self.book.change(call, sound="ready")
            elif code == _NOT_THERE:
                self.book.change(call, sound="gone")
            else:
                self._look_later(call, count + 1)

        self.later(_LOOKS_S[count], look)

    def _link(self, call: SpCall) -> str:
        """Ask for the link; "0" once the call has it, else why not."""
        cdr = call.cdr or {}
        name, domain = str(cdr.get("recordObjectName", "")), str(cdr.get("recordDomain", ""))
        try:
            reply = self.standing.ask(lambda client: client.record(name, domain))
        except (OSError, http.client.HTTPException):
            return _NOT_READY
        if reply.status != 301:
            return reply.code
        call.link = reply.headers.get("Location", "")
        return "0"


@dataclass
class _Placing:
    """One form, however often it is sent."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    call: SpCall | None = None


def _contact(scenario: Scenario, ref: str) -> Contact:
    if scenario.entry == "one":
        return scenario.contacts[0]
    if scenario.entry == "scan" and not ref.strip():
        raise Refused("Scan the code on the parcel, or type its digits.", "ref")
    contact = scenario.contact("".join(ref.split()))
    if contact is None:
        raise Refused(f"No order has the code {ref.strip()[:40]}. Scan it again.", "ref")
    return contact


def _refused(reply: Reply) -> Refused:
    """The platform's refusal to call, beside the field that it is about."""
    text = _text(reply)
    about_number = reply.code == "1010024" or (reply.code == "1010002" and "callerNbr" in text)
    said = words.refusal(reply.code, text.replace("callerNbr", "the number").replace("calleeNbr", "the other number"))
    return Refused(said, "number" if about_number else "")


def _text(reply: Reply) -> str:
    return str(reply.body.get("resultdesc", ""))


def new_token() -> str:
    """For one form."""
    return secrets.token_urlsafe(12)


def _token(given: str) -> str:
    """A form's own; one that is none of ours is good for this once."""
    return given if re.fullmatch(r"[\w-]{16}", given, re.ASCII) else new_token()


def shown_number(call: SpCall, e164: str) -> str:
    """A number as a page of this call may show it."""
    return "hidden" if call.scenario.hides_number and e164 == call.contact.number else spoken(e164)

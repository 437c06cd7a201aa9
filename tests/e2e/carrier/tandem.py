"""The carrier Tandem and its phones: an HTTP service on loopback, on the real clock.

    POST /sessions {reference, to, show}      201: calls `to`, the first leg
    POST /sessions/{id}/orders {id, steps}    204: does the steps in turn, instead of the order before; each id once
    POST /sessions/{id}/marks {mark}          204: sends the mark back as an event
                                              404: all legs of the session have ended

Events are passed to `deliver`, each until it succeeds. The format shares no word with that of `pstn/`,
and the service no code with the product.
"""

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pstn.http_guard import GuardedHandler

_SOUND_S = 0.2
_ATTEMPTS, _PAUSE_S = 8, 0.3
_BUSY, _NO_ANSWER, _CANCELLED = 486, 480, 487


@dataclass(frozen=True)
class Telephone:
    """A phone that answers after `answers_after` s (None: never) or is `busy`, and hangs up after `talks` s of talk."""

    answers_after: float | None = 0.2
    busy: bool = False
    talks: float | None = None


@dataclass
class Leg:
    id: str
    side: str
    number: str
    state: str = "ringing"


@dataclass
class Order:
    """`repeats`: the steps of later requests with the same id."""

    id: str
    steps: list[dict[str, Any]]
    repeats: list[list[dict[str, Any]]] = field(default_factory=list)


@dataclass
class Session:
    id: str
    reference: str
    legs: dict[str, Leg] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    waiting: deque[dict[str, Any]] = field(default_factory=deque)
    current: Order | None = None
    unsent: deque[dict[str, Any]] = field(default_factory=deque)
    is_sending: bool = False

    def up(self) -> dict[str, str]:
        return {leg.side: leg.id for leg in self.legs.values() if leg.state == "up"}

    @property
    def is_over(self) -> bool:
        return all(leg.state == "over" for leg in self.legs.values())


class Tandem:
    """`seen`: what the phones saw and heard, in order: ("rings", number, shown number), ("hears", number, sound), …

    `in_order`: an event is sent when the one before it was accepted; otherwise at once. `repeats`: each event is sent
    again, after later ones. `holds_back`: seconds of delay by kind of event. `deaf`: each order is done, but its first
    request is answered with an error.
    """

    def __init__(self) -> None:
        self.telephones: dict[str, Telephone] = {}
        self.seen: list[tuple[str, ...]] = []
        self.sessions: list[Session] = []
        self.events: list[dict[str, Any]] = []
        self.refused: list[str] = []
        """The ids of events whose delivery failed, one for each attempt."""
        self.in_order = True
        self.repeats = False
        self.holds_back: Mapping[str, float] = {}
        self.deaf = False
        self.deliver: Callable[[dict[str, Any]], None] = lambda event: None
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(16, "tandem")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="tandem", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def of(self, reference: str) -> Session:
        """The session of a callback. Raises ValueError unless there is exactly one."""
        [session] = [session for session in self.sessions if session.reference == reference]
        return session

    def heard(self, number: str) -> list[str]:
        return [each[2] for each in self.seen if each[:2] == ("hears", number)]

    # ---- requests

    def take(self, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
        """HTTP status, and a code if it is an error."""
        parts = path.strip("/").split("/")
        with self._lock:
            if parts == ["sessions"]:
                return self._begin(body)
            session = next((each for each in self.sessions if each.id == parts[1]), None)
            if session is None or session.is_over:
                return 404, "no such session"
            if parts[2] == "orders":
                return self._order(session, body)
            self._tell(session, "mark", mark=body["mark"], up=session.up())
            return 204, ""

    def _begin(self, body: Mapping[str, Any]) -> tuple[int, str]:
        session = Session(f"ses-{uuid.uuid4().hex}", body["reference"])
        self.sessions.append(session)
        self._ring(session, "first", body["to"], body["show"])
        return 201, ""

    def _order(self, session: Session, body: Mapping[str, Any]) -> tuple[int, str]:
        known = next((order for order in session.orders if order.id == body["id"]), None)
        if known is not None:
            known.repeats.append(body["steps"])
            return 204, ""
        order = Order(body["id"], body["steps"])
        session.orders.append(order)
        session.current, session.waiting = order, deque(order.steps)
        self._step(session, order)
        return (503, "try again") if self.deaf else (204, "")

    # ---- steps

    def _step(self, session: Session, order: Order) -> None:
        if session.current is not order or not session.waiting:
            return
        step = session.waiting.popleft()
        match step["do"]:
            case "say" if step["to"] in session.up():
                self._say(session, order, step)
            case "connect" if "first" in session.up():
                if step["loop"]:
                    self.seen.append(("hears", session.legs["first"].number, step["loop"]))
                leg = self._ring(session, "second", step["number"], step["show"])
                self._later(step["seconds"], lambda: self._end(session, leg, _NO_ANSWER, unless="up"))
            case "drop" if any(leg.id == step["leg"] and leg.state != "over" for leg in session.legs.values()):
                self._end(session, next(leg for leg in session.legs.values() if leg.id == step["leg"]))
                self._step(session, order)
            case _:
                session.waiting.clear()
                self._tell(session, "step.failed", step=step["do"], sound=step.get("sound"))

    def _say(self, session: Session, order: Order, step: Mapping[str, Any]) -> None:
        self.seen.append(("hears", session.legs[step["to"]].number, step["sound"]))

        def said() -> None:
            if session.current is not order or step["to"] not in session.up():
                return
            if session.waiting:
                self._step(session, order)
            else:
                self._tell(session, "sound.finished", sound=step["sound"])

        self._later(_SOUND_S, said)

    def _ring(self, session: Session, side: str, number: str, shown: str) -> Leg:
        leg = session.legs[side] = Leg(f"leg-{uuid.uuid4().hex}", side, number)
        self.seen.append(("rings", number, shown))
        telephone = self.telephones[number]
        self._tell(session, "leg.placed", leg)
        if telephone.busy:
            self._later(0.1, lambda: self._end(session, leg, _BUSY))
            return leg
        self._later(0.1, lambda: self._tell(session, "leg.ringing", leg))
        if telephone.answers_after is not None:
            self._later(telephone.answers_after, lambda: self._answer(session, leg, telephone))
        return leg

    def _answer(self, session: Session, leg: Leg, telephone: Telephone) -> None:
        if leg.state != "ringing":
            return
        leg.state = "up"
        self._tell(session, "leg.answered", leg)
        if leg.side == "first":
            return
        self._tell(session, "legs.joined", leg)
        if telephone.talks is not None:
            self._later(telephone.talks, lambda: self._end(session, leg))
        if session.current is not None:
            self._step(session, session.current)

    def _end(self, session: Session, leg: Leg, sip: int = 0, unless: str = "over") -> None:
        """End a leg. A connected peer stays up; a second leg that still rings is cancelled."""
        if leg.state in ("over", unless):
            return
        was_up, leg.state = leg.state == "up", "over"
        self.seen.append(("ends", leg.number))
        self._tell(session, "leg.ended", leg, sip=0 if was_up else sip or _CANCELLED, up=session.up())
        if leg.side == "first" and "second" in session.legs:
            self._end(session, session.legs["second"], _CANCELLED, unless="up")

    # ---- events

    def _tell(self, session: Session, what: str, leg: Leg | None = None, **more: Any) -> None:
        event: dict[str, Any] = {
            "id": f"evt-{uuid.uuid4().hex}",
            "what": what,
            "session": session.id,
            "reference": session.reference,
        }
        event |= {"at": datetime.now(UTC).isoformat(), **more}
        if leg is not None:
            event["leg"] = {"id": leg.id, "side": leg.side}
        self.events.append(event)
        if self.in_order:
            session.unsent.append(event)
            if not session.is_sending:
                session.is_sending = True
                self._pool.submit(self._send_in_order, session)
            return
        first = self.holds_back.get(what, 0.0)
        self._pool.submit(self._send, event, first)
        if self.repeats:
            self._pool.submit(self._send, event, first + 1.0)

    def _send_in_order(self, session: Session) -> None:
        while True:
            with self._lock:
                if not session.unsent:
                    session.is_sending = False
                    return
                event = session.unsent.popleft()
            self._send(event, 0.0)

    def _send(self, event: dict[str, Any], after: float) -> None:
        time.sleep(after)
        for _ in range(_ATTEMPTS):
            try:
                self.deliver(event)
            except Exception:  # noqa: BLE001 - a webhook that failed for any reason is sent again
                self.refused.append(event["id"])
                time.sleep(_PAUSE_S)
            else:
                return

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        def locked() -> None:
            with self._lock:
                work()

        timer = threading.Timer(seconds, locked)
        timer.daemon = True
        timer.start()


def _handler(tandem: Tandem) -> type[BaseHTTPRequestHandler]:
    class Handler(GuardedHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            status, code = tandem.take(self.path, body)
            content = json.dumps({"code": code}).encode() if code else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the test says what matters."""

    return Handler

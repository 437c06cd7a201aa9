"""The page's door: its files, who may open the socket, and what is understood there."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from socket import SHUT_RDWR
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from lab.phones.browser.page import MOST
from lab.phones.browser.server import POLICY_VIOLATION, PhoneServer
from lab.phones.browser.switchboard import Switchboard
from pstn.lines.sip.media import Audio

JACK, SHOWN = "+12025550111", "+12025550100"
PATIENCE_S = 60.0
"""Only against a test that hangs."""
FRAME = bytes(range(160)) * 2


class Phone:
    """PhoneServer and a switchboard on a loop in a thread; the station and the parent do as they are told at once."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.commands: list[tuple[str, str]] = []
        self.told: list[str] = []
        self.digits = ""
        self.audio: dict[str, Any] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port: int = self.run(self._open())

    async def _open(self) -> int:
        self.switchboard = Switchboard(self, self._order, self._tell, "127.0.0.1:9")
        self.server = PhoneServer(self.switchboard)
        return await self.server.start(0)

    def close(self) -> None:
        self.run(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def happens(self, event: str, leg: str = "in-1", **more: Any) -> None:
        async def tell() -> None:
            self.switchboard.handle_event({"event": event, "leg": leg, **more})

        self.run(tell())

    def rings(self) -> None:
        self.happens("incoming", **{"from": f"<sip:{SHOWN}@x>", "to": f"<sip:{JACK}@x>"})

    def wait(self, condition: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE_S)

    async def _order(self, command: dict[str, Any]) -> None:
        with self.changed:
            self.commands.append((command["do"], command["leg"]))
            self.digits += command.get("digits", "")
            self.changed.notify_all()

    def _tell(self, event: dict[str, Any]) -> None:
        with self.changed:
            self.told.append(event["event"])
            self.changed.notify_all()
        if event["event"] == "assign":
            self._loop.call_soon(self.switchboard.assigned, event["number"])

    # -- the wires
    def add(self, leg: str, audio: Audio) -> None:
        self.audio[leg] = audio

    def remove(self, leg: str) -> None:
        del self.audio[leg]

    def join(self, leg: str, other: str) -> None:
        """Nobody listens here."""


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    yield phone
    phone.close()


def opened(phone: Phone, *, host: str = "127.0.0.1", **more: Any) -> Any:
    address = f"{host}:{phone.port}"
    origin = more.pop("origin", f"http://{address}")
    return connect(f"ws://{address}/socket", origin=origin, compression=None, proxy=None, close_timeout=0.5, **more)


@contextmanager
def switched_on(phone: Phone) -> Iterator[ClientConnection]:
    with opened(phone) as socket:
        say(socket, do="on", number=JACK)
        assert told(socket) == {"say": "on", "number": JACK}
        yield socket


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def told(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(PATIENCE_S))


def got(
    phone: Phone, path: str, host: str | None = None, headers: Sequence[tuple[str, str]] = ()
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", phone.port, timeout=PATIENCE_S)
    connection.request("GET", path, headers={"Host": host, **dict(headers)} if host else {})
    with closing(connection), closing(connection.getresponse()) as answer:
        return answer.status, dict(answer.headers), answer.read()


class TestFiles:
    @pytest.mark.parametrize(
        ("path", "kind", "holds"),
        [
            ("/?number=%2B12025550111", "text/html", b"Switch on"),
            ("/phone.js", "text/javascript", b"WebSocket"),
            ("/tones.js", "text/javascript", b"Oscillator"),
            ("/sound.js", "text/javascript", b"registerProcessor"),
            ("/phone.css", "text/css", b"color-scheme"),
        ],
    )
    def test_they_come_with_their_type_and_the_headers(self, phone, path, kind, holds):
        status, headers, body = got(phone, path)
        assert (status, headers["Content-Type"].split(";")[0]) == (200, kind)
        assert holds in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        "path", ["/switchboard.py", "/../switchboard.py", "/static/phone.js", "//", "/phone.html", "/favicon.ico"]
    )
    def test_there_are_no_others(self, phone, path):
        assert got(phone, path)[0] == 404

    @pytest.mark.parametrize("path", ["/", "/phone.js", "/socket"])
    def test_another_name_that_leads_here_is_refused(self, phone, path):
        assert got(phone, path, f"evil.example:{phone.port}")[0] == 403

    def test_it_is_localhost_too(self, phone):
        assert got(phone, "/", f"localhost:{phone.port}")[0] == 200


class TestTheSocketIsForThePageItself:
    @pytest.mark.parametrize(
        "origin",
        [
            None,
            "null",
            "http://127.0.0.1:1",
            "https://127.0.0.1:{port}",
            "http://localhost:{port}",
            "http://127.0.0.1:{port}.evil.example",
        ],
    )
    def test_refused(self, phone, origin):
        theirs = origin and origin.format(port=phone.port)
        with pytest.raises(InvalidStatus) as refused, opened(phone, origin=theirs):
            raise AssertionError("it was let in")
        assert refused.value.response.status_code == 403
        assert phone.told == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_let_in(self, phone, host):
        with opened(phone, host=host) as socket:
            say(socket, do="on", number=JACK)
            assert told(socket)["say"] == "on"


class TestWhatIsUnderstood:
    @pytest.mark.parametrize(
        "first",
        [
            "",
            "{",
            "[]",
            '"on"',
            '{"do": "on"}',
            '{"do": "on", "number": 1}',
            '{"do": "on", "number": "0111"}',
            '{"do": "answer", "call": "in-1"}',
            FRAME,
            "[" * 4000,
        ],
    )
    def test_first_its_number(self, phone, first):
        with opened(phone) as socket:
            socket.send(first)
            assert closed_with(socket) == POLICY_VIOLATION
        assert phone.told == []

    @pytest.mark.parametrize(
        "message",
        [
            "{",
            "7",
            '{"do": "fly"}',
            '{"do": "press", "call": "in-1"}',
            '{"do": "answer", "call": {}}',
            b"",
            b"1",
            FRAME * 2,
        ],
    )
    def test_then_its_requests_and_frames_and_nothing_else(self, phone, message):
        with switched_on(phone) as socket:
            socket.send(message)
            assert closed_with(socket) == POLICY_VIOLATION
        phone.wait(lambda: phone.told == ["assign", "release"])

    def test_too_much_at_once(self, phone):
        with switched_on(phone) as socket:
            socket.send(bytes(5000))
            assert closed_with(socket) == 1009
        phone.wait(lambda: phone.told == ["assign", "release"])


class TestCalls:
    def test_a_call_from_its_ringing_to_its_end(self, phone):
        with switched_on(phone) as socket:
            phone.rings()
            assert told(socket) == {"say": "rings", "call": "in-1", "shown": SHOWN}
            say(socket, do="answer", call="in-1")
            phone.wait(lambda: ("answer", "in-1") in phone.commands)
            phone.happens("answered")
            assert told(socket)["say"] == "answered"
            audio = phone.audio["page-in-1"]
            audio.write(FRAME * 3)
            assert [socket.recv(PATIENCE_S) for _ in range(3)] == [FRAME] * 3
            socket.send(FRAME)
            say(socket, do="press", call="in-1", digit="5")  # what is sent in turn is done in turn
            phone.wait(lambda: ("press", "in-1") in phone.commands)
            assert audio.read(1 << 20) == FRAME
            say(socket, do="hangup", call="in-1")
            phone.wait(lambda: ("hangup", "in-1") in phone.commands)
            phone.happens("ended", code=0, by="self")
            assert told(socket) == {"say": "ended", "call": "in-1", "code": 0, "by": "self"}
            assert phone.audio == {}

    @pytest.mark.parametrize("goodbye", [True, False])
    def test_the_socket_goes_in_mid_call(self, phone, goodbye):
        with switched_on(phone) as socket:
            phone.rings()
            phone.happens("answered")
            socket.close() if goodbye else socket.socket.shutdown(SHUT_RDWR)
            phone.wait(lambda: ("hangup", "in-1") in phone.commands)
            phone.wait(lambda: phone.told == ["assign", "release"])

    def test_a_page_that_does_not_read_delays_nobody(self, phone):
        """Its socket is full: half a second of sound is kept for it, other pages are served,
        and the process can end within the patience that it is given (child: 5 s)."""
        with switched_on(phone):
            phone.rings()
            phone.happens("answered")
            audio = phone.audio["page-in-1"]
            for _ in range(100_000 // MOST):
                for _ in range(MOST):
                    audio.write(FRAME)
                phone.happens("stats")  # the loop had its turn
                if len(audio.to_speaker) == MOST:
                    break
            else:
                raise AssertionError("the socket took it all")
            audio.write(FRAME * 10)
            assert len(audio.to_speaker) == MOST
            assert got(phone, "/")[0] == 200
            phone.run(phone.server.close())


def closed_with(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(PATIENCE_S)
    assert closed.value.rcvd
    return int(closed.value.rcvd.code)

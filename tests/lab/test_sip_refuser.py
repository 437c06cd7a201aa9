"""The SIP address that never answers: message by message, on a loop whose timers are run by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from lab.sip.refuser import Refuser

SOURCE = ("127.0.0.1", 5060)


class Timer:
    def __init__(self, seconds: float, run: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.seconds, self.run, self.arguments, self.cancelled = seconds, run, arguments, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, run: Callable[..., None], *arguments: Any) -> Timer:
        self.timers.append(Timer(seconds, run, arguments))
        return self.timers[-1]

    def pass_time(self) -> None:
        """Everything that is still due, in order."""
        for timer in sorted(self.timers, key=lambda each: each.seconds):
            if not timer.cancelled:
                timer.cancelled = True
                timer.run(*timer.arguments)


class Wire:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def sendto(self, data: bytes, to: tuple[str, int]) -> None:
        assert to == SOURCE
        self.sent.append(data.decode())

    @property
    def codes(self) -> list[int]:
        return [int(each.split()[1]) for each in self.sent]


@pytest.fixture
def loop(monkeypatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr("asyncio.get_running_loop", lambda: loop)
    return loop


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def phone(loop, told, wire) -> Refuser:
    refuser = Refuser("X-Leg", told.append)
    refuser.connection_made(wire)
    return refuser


def request(method: str, call_id: str = "c1", leg: str = "leg-1") -> bytes:
    return (
        f"{method} sip:+12025550142@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1;rport\r\n"
        f"f: <sip:+12025550100@127.0.0.1>;tag=a\r\nTo: <sip:+12025550142@127.0.0.1>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 1 {method}\r\nX-Leg: {leg}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_it_rings_and_refuses(phone, wire, told):
    phone.datagram_received(request("INVITE"), SOURCE)
    phone.say("leg-1", 180)
    phone.say("leg-1", 603)
    phone.datagram_received(request("ACK"), SOURCE)
    assert wire.codes == [100, 180, 603]
    assert [event["event"] for event in told] == ["incoming", "ended"]
    assert told[0]["from"].startswith("<sip:+12025550100@")


def test_a_response_carries_what_it_must(phone, wire):
    phone.datagram_received(request("INVITE"), SOURCE)
    phone.say("leg-1", 486)
    first, *lines = wire.sent[-1].split("\r\n")
    assert first == "SIP/2.0 486 Busy Here"
    headers = dict(line.split(": ", 1) for line in lines if line)
    assert headers["Via"] == "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1;rport"
    assert headers["To"] == "<sip:+12025550142@127.0.0.1>;tag=leg-1"
    assert headers["CSeq"] == "1 INVITE"
    assert headers["Content-Length"] == "0"


def test_what_is_said_before_the_invite_waits_for_it(phone, wire):
    phone.say("leg-1", 180)
    phone.say("leg-1", 404)
    phone.datagram_received(request("INVITE"), SOURCE)
    assert wire.codes == [100, 180, 404]


def test_a_repeated_invite_gets_the_last_response_again(phone, wire, told):
    phone.datagram_received(request("INVITE"), SOURCE)
    phone.say("leg-1", 180)
    phone.datagram_received(request("INVITE"), SOURCE)
    assert wire.codes == [100, 180, 180]
    assert len(told) == 1


def test_a_refusal_is_repeated_until_it_is_acknowledged(phone, wire, loop):
    phone.datagram_received(request("INVITE"), SOURCE)
    phone.say("leg-1", 486)
    waits = [timer.seconds for timer in loop.timers]
    assert waits[:5] == [0.5, 1.5, 3.5, 7.5, 11.5]
    assert waits[-1] == 32.0
    phone.datagram_received(request("ACK"), SOURCE)
    loop.pass_time()
    assert wire.codes == [100, 486]


def test_a_refusal_nobody_acknowledges_is_forgotten(phone, wire, loop, told):
    phone.datagram_received(request("INVITE"), SOURCE)
    phone.say("leg-1", 486)
    loop.pass_time()
    assert wire.codes.count(486) > 5
    assert told[-1]["event"] == "ended"


def test_a_cancel_ends_the_ringing_and_twice_changes_nothing(phone, wire):
    phone.datagram_received(request("INVITE"), SOURCE)
    phone.say("leg-1", 180)
    for _ in range(2):
        phone.datagram_received(request("CANCEL"), SOURCE)
    phone.say("leg-1", 603)
    assert wire.codes == [100, 180, 200, 487, 200]
    assert "1 CANCEL" in wire.sent[2]
    assert "1 INVITE" in wire.sent[3]


@pytest.mark.parametrize("method", ["BYE", "OPTIONS", "CANCEL"])
def test_what_belongs_to_no_call(phone, wire, method):
    phone.datagram_received(request(method), SOURCE)
    assert wire.codes == [481]


@pytest.mark.parametrize("noise", [b"", b"\x00\x01", b"\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"])
def test_noise_is_not_answered(phone, wire, noise):
    phone.datagram_received(noise, SOURCE)
    assert wire.sent == []

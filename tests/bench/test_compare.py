"""The driver of `make bench BASE=…`: its turns, and its telephones on loopback."""

import socket

import pytest

from bench.compare.__main__ import turns
from bench.compare.phones import Phones, parse, render


@pytest.mark.parametrize(
    ("callbacks", "expected"),
    [
        (2, [(0, 2), (1, 2)]),
        (8, [(0, 4), (1, 4), (1, 4), (0, 4)]),
        (10, [(0, 4), (1, 4), (1, 4), (0, 4), (0, 2), (1, 2)]),
    ],
)
def test_both_sides_play_as_many_in_blocks_and_neither_is_always_first(callbacks, expected):
    assert list(turns(callbacks)) == expected


def _request(method: str, sequence: int, network: socket.socket, route: str | None = None) -> bytes:
    host, port = network.getsockname()
    headers = [
        ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{method}"),
        ("From", "<sip:+12025550100@127.0.0.1>;tag=net"),
        ("To", "<sip:phone@127.0.0.1>"),
        ("Call-ID", "one"),
        ("CSeq", f"{sequence} {method}"),
        ("Contact", f"<sip:net@{host}:{port}>"),
        *([("Record-Route", route)] if route else []),
    ]
    return render(f"{method} sip:phone@127.0.0.1 SIP/2.0", headers)


def test_a_telephone_hangs_up_through_the_proxy_that_records_its_route():
    with Phones() as phones, _bound() as network, _bound() as proxy:
        phone, route = phones.add("phone"), f"<sip:127.0.0.1:{proxy.getsockname()[1]};lr>"
        network.sendto(_request("INVITE", 1, network, route), phone.sip.getsockname())
        with phones.changed:
            assert phones.changed.wait_for(lambda: phone.call, 5)
        phone.hang_up()
        bye = parse(proxy.recv(4096))
        assert (bye.method, bye.value("route")) == ("BYE", route)


def _bound() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(5)
    udp.bind(("127.0.0.1", 0))
    return udp


def test_a_telephone_answers_at_once_stamps_what_comes_and_hangs_up():
    with Phones() as phones, _bound() as network:
        phone = phones.add("phone")
        there = phone.sip.getsockname()

        network.sendto(_request("INVITE", 1, network), there)
        ringing, answered = parse(network.recv(4096)), parse(network.recv(4096))
        assert (ringing.start, answered.start) == ("SIP/2.0 180 Ringing", "SIP/2.0 200 OK")
        assert answered.value("to") == ringing.value("to") != "<sip:phone@127.0.0.1>"
        assert answered.value("content-type") == "application/sdp"

        network.sendto(_request("ACK", 1, network), there)
        with phones.changed:
            assert phones.changed.wait_for(lambda: phone.call and phone.call.acknowledged_at, 5)
        sent = phone.hang_up()
        bye = parse(network.recv(4096))
        assert bye.start == f"BYE sip:net@127.0.0.1:{network.getsockname()[1]} SIP/2.0"
        assert (bye.value("from"), bye.value("to")) == (answered.value("to"), "<sip:+12025550100@127.0.0.1>;tag=net")
        assert bye.value("cseq") == "1 BYE"
        call = phone.call
        assert call.acknowledged_at
        assert call.invited_at <= call.answered_at <= call.acknowledged_at <= sent

        network.sendto(_request("BYE", 2, network), there)
        assert parse(network.recv(4096)).start == "SIP/2.0 200 OK"
        with phones.changed:
            assert phones.changed.wait_for(lambda: call.ended_at, 5)

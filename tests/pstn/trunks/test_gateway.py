"""The gateway by itself: what it takes from a trunk's messages, however they are damaged."""

import asyncio
import socket
import sys
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pstn.lines.trunk import gateway
from pstn.lines.trunk.gateway import Gateway
from pstn.lines.trunk.outside import DEAD_MS, Outside, Peer, TrunkRows
from pstn.sip_messages import Request, parsed, parsed_response, response

ROWS: dict[str, Any] = {
    "hosts": [["198.51.100.1", 5060]],
    "transport": "udp",
    "tls": {},
    "realm": None,
    "no_answer_s": 3.0,
    "inbound_from": [],
    "codecs": ["pcmu"],
    "srtp": "off",
}
INVITE = (
    b"INVITE sip:+12025550111@198.51.100.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:6000;branch=z9hG4bKone;rport\r\nMax-Forwards: 70\r\n"
    b"From: <sip:+12025550100@198.51.100.1>;tag=ours\r\nTo: <sip:+12025550111@198.51.100.1>\r\nCall-ID: one\r\n"
    b"CSeq: 7 INVITE\r\nContact: <sip:+12025550100@127.0.0.1:6000>\r\nX-Leg: leg\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: 87\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 20000 RTP/AVP 0\r\n"
)
INCOMING = (
    b"INVITE sip:acme@192.0.2.9:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKtwo\r\n"
    b"From: <sip:+12025550122@198.51.100.1>;tag=theirs\r\nTo: <sip:+12025550100@198.51.100.1>\r\nCall-ID: two\r\n"
    b"CSeq: 1 INVITE\r\nContact: <sip:gw@198.51.100.1>\r\nRecord-Route: <sip:198.51.100.1;lr>\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class Sides:
    """A gateway between a library and a host, both of which keep what they are sent."""

    def __init__(self, *, edge: bool) -> None:
        self.library: list[bytes] = []
        self.trunk: list[bytes] = []
        self.heard: list[tuple[int, set[IPv4Network]]] = []
        rows = {"main": {**ROWS, "behind_nat": not edge}}
        made: Any = Gateway(
            6000,
            lambda port, networks: self.heard.append((port, set(networks))),
            address="192.0.2.9",
            sip_port=5060,
            public_address=None,
            stun=None,
            trunks=rows,
        )
        self.gateway = made
        self.rows: TrunkRows = made.trunks["main"]
        self.peer = Peer(("198.51.100.1", 5060), self.trunk.append)
        made._inside = self
        made.outside.peer = self._peer

    async def _peer(self, *_: object) -> Peer:
        return self.peer

    def sendto(self, data: bytes, _: object) -> None:
        self.library.append(data)

    async def invited(self) -> Request:
        """The INVITE that the host got."""
        self.gateway.expect("leg", "main", "198.51.100.1", 5060)
        self.gateway._from_inside(INVITE, ("127.0.0.1", 6000))
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        sent = parsed(self.trunk[-1])
        assert sent
        return sent

    def comes(self, data: bytes) -> None:
        self.gateway._from_outside(data, self.peer, [self.rows])


_TURNS = 10
"""Of the loop, until what it has to do at once is done: how many that takes depends on the version of Python."""
REFUSED, FULL = ("X-Trunk-Refused", "407"), ("X-Trunk-Why", "calls")
DRAINING, DOWN = ("X-Trunk-Why", "draining"), ("X-Trunk-Why", "down")


@pytest.mark.parametrize(
    ("edge", "more", "told"),
    [
        (True, [REFUSED], {"trunk": "second", "refused_us": 407}),
        (True, [FULL], {"trunk": "second"}),
        (True, [DRAINING], {}),  # another edge may ask the trunk
        (True, [DOWN], {}),
        (True, [REFUSED, DOWN], {"refused_us": 407}),
        (False, [REFUSED], {}),
    ],
)
def test_only_an_edge_tells_of_a_trunk_that_it_could_ask(edge, more, told):
    async def story() -> None:
        sides = Sides(edge=edge)
        asked = await sides.invited()
        sides.comes(response(503, asked, "far", ("X-Trunk", "second"), *more))
        assert [parsed_response(each).status for each in sides.library] == [100, 503]
        assert sides.trunk[-1].startswith(b"ACK ")
        assert sides.gateway.final("leg") == told

    asyncio.run(story())


@pytest.mark.parametrize("unanswered", ["INVITE", "BYE"])
def test_nothing_is_kept_of_a_call_whose_host_falls_silent(monkeypatch, unanswered):
    monkeypatch.setattr(gateway, "KEPT_S", 0.0)

    async def story() -> None:
        sides = Sides(edge=False)
        sides.rows.no_answer_s = 0.01 if unanswered == "INVITE" else 3.0
        asked = await sides.invited()
        kept = (sides.gateway._clients, sides.gateway._by_own_branch, sides.gateway._dialogs)
        assert all(kept)
        if unanswered == "BYE":
            sides.comes(response(200, asked, "far", ("Contact", "<sip:gw@198.51.100.1>")))
            bye = (
                INVITE.replace(b"INVITE", b"BYE")
                .replace(b"bKone", b"bKbye")
                .replace(b">\r\nCall-ID", b">;tag=far\r\nCall-ID")
            )
            sides.gateway._from_inside(bye, ("127.0.0.1", 6000))
        while any(kept):  # noqa: ASYNC110 - timers of the gateway, which tells nobody
            await asyncio.sleep(0)
        sides.gateway.final("leg")
        assert not any(kept) and not sides.gateway._legs

    asyncio.run(asyncio.wait_for(story(), 5))


REGISTER = (
    b"REGISTER sip:sip.example.net SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6000;branch=z9hG4bKthree\r\n"
    b"Route: <sip:main@127.0.0.1:6001;lr>\r\nFrom: <sip:acme@sip.example.net>;tag=ours\r\n"
    b"To: <sip:acme@sip.example.net>\r\nCall-ID: three\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)


def test_why_a_host_was_not_reached_is_told_of_a_call_and_of_a_registration():
    """Both are answered 503 to the library, which has no words for it."""

    async def story() -> None:
        sides = Sides(edge=False)

        async def refuse(*_: object) -> Peer:
            raise ConnectionRefusedError

        reached, sides.gateway.outside.peer = sides.gateway.outside.peer, refuse
        sides.gateway.expect("leg", "main", "198.51.100.1", 5060)
        for request in (INVITE, REGISTER):
            sides.gateway._from_inside(request, ("127.0.0.1", 6000))
        await asyncio.sleep(0.05)
        assert [parsed_response(each).status for each in sides.library] == [100, 503, 503]
        why = "198.51.100.1:5060: nothing listens there over UDP → the port in hosts, or transport"
        assert (sides.gateway.final("leg"), sides.gateway.unreached("main")) == ({"why": why}, why)
        sides.gateway.outside.peer = reached
        sides.gateway._from_inside(REGISTER.replace(b"three", b"four"), ("127.0.0.1", 6000))
        await asyncio.sleep(0.05)
        asked = parsed(sides.trunk[-1])
        assert asked
        sides.comes(response(200, asked, None))
        assert sides.gateway.unreached("main") == ""

    asyncio.run(story())


def test_a_silent_host_is_told_of():
    async def story() -> None:
        sides = Sides(edge=False)
        sides.rows.no_answer_s = 0.01
        await sides.invited()
        await asyncio.sleep(0.1)
        assert parsed_response(sides.library[-1]).status == 408
        assert "198.51.100.1:5060: no answer → let UDP to and from" in str(sides.gateway.final("leg")["why"])

    asyncio.run(story())


def test_an_edge_has_time_to_hang_up_the_far_end_of_a_call_that_died_here(monkeypatch):
    monkeypatch.setattr(gateway, "BYE_S", 0.05)

    async def story() -> None:
        sides = Sides(edge=True)
        within = INVITE.replace(b">\r\nCall-ID", b">;tag=far\r\nCall-ID")
        for method, answered_at_once in ((b"OPTIONS", True), (b"BYE", False)):
            sides.trunk.clear()
            sides.comes(within.replace(b"INVITE", method))
            await asyncio.sleep(0.01)
            assert bool(sides.trunk) == answered_at_once
            while not sides.trunk:  # noqa: ASYNC110 - a timer of the gateway, which tells nobody
                await asyncio.sleep(0)
            assert parsed_response(sides.trunk[-1]).status == 481

    asyncio.run(asyncio.wait_for(story(), 5))


@pytest.mark.parametrize("edge", [True, False])
def test_an_edge_has_time_to_hang_up_the_far_end_of_a_call_that_is_up(monkeypatch, edge):
    """As it does when the call has lasted for a day. The library hears of it at once, as another trunk of us."""
    monkeypatch.setattr(gateway, "BYE_S", 0.05)

    async def story() -> None:
        sides = Sides(edge=edge)
        sides.comes(INCOMING)
        sides.comes(INCOMING.replace(b"INVITE", b"BYE").replace(b"bKtwo", b"bKbye").replace(b"CSeq: 1", b"CSeq: 2"))
        bye = parsed(sides.library[-1])
        assert bye and bye.method == "BYE"
        sides.trunk.clear()
        sides.gateway._from_inside(response(200, bye, "ours"), ("127.0.0.1", 6000))
        await asyncio.sleep(0.01)
        assert bool(sides.trunk) is not edge
        while not sides.trunk:  # noqa: ASYNC110 - a timer of the gateway, which tells nobody
            await asyncio.sleep(0)
        assert parsed_response(sides.trunk[-1]).status == 200

    asyncio.run(asyncio.wait_for(story(), 5))


def test_sound_is_let_in_from_the_addresses_of_the_answer_and_of_the_trunk():
    async def story() -> None:
        sides = Sides(edge=False)
        sides.rows.networks = {IPv4Network("198.51.100.1")}
        asked = await sides.invited()
        body = b"v=0\r\nc=IN IP4 203.0.113.7\r\nm=audio 30000 RTP/AVP 0\r\n"
        sides.comes(response(200, asked, "far").replace(b"Content-Length: 0", b"Content-Length: 51") + body)
        assert sides.heard == [(20000, {IPv4Network("198.51.100.1"), IPv4Network("203.0.113.7")})]

    asyncio.run(story())


@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 40), st.binary(max_size=12)), max_size=4), st.integers(0, 3)
)
def test_no_damaged_message_of_a_trunk_breaks_it(cuts, which):
    """Each cut replaces so many bytes at a place: of an answer, of an INVITE, or of the BYE of a call."""

    async def story() -> None:
        sides = Sides(edge=False)
        asked = await sides.invited()
        good = response(200, asked, "far", ("Contact", "<sip:gw@198.51.100.1>"), ("Record-Route", "<sip:a;lr>"))
        bye = INCOMING.replace(b"INVITE", b"BYE").replace(b"Call-ID: two", b"Call-ID: one")
        damaged = (good, INCOMING, bye, response(407, asked, "far", ("Proxy-Authenticate", 'Digest realm="a"')))[which]
        for at, length, instead in cuts:
            damaged = damaged[:at] + instead + damaged[at + length :]
        sides.comes(damaged)
        sides.comes(good)
        sides.comes(bye)

    asyncio.run(story())


def test_a_name_keeps_the_addresses_that_it_had_for_the_calls_over_them(monkeypatch):
    """(seconds, what the name is looked up to, None: nothing; where calls go, whose messages are taken)"""
    looks = [
        (0, ["198.51.100.1", "198.51.100.2"], "198.51.100.1", "12"),
        (60, ["198.51.100.2", "198.51.100.1"], "198.51.100.1", "12"),
        (120, ["198.51.100.3"], "198.51.100.3", "123"),
        (180, None, "198.51.100.3", "123"),
        (120 + 7500, ["198.51.100.3"], "198.51.100.3", "3"),
    ]

    async def story() -> None:
        loop, trunk = asyncio.get_running_loop(), TrunkRows(name="main", behind_nat=True, **ROWS)
        trunk.hosts = [("trunk.example", 5060)]
        outside = Outside("192.0.2.9", 5060, [trunk], None, lambda *_: None)
        for at, found, goes_to, taken in looks:

            async def look_up(*_: object, found: list[str] | None = found, **__: object) -> list[Any]:
                if found is None:
                    raise OSError
                return [(2, 1, 6, "", (each, 0)) for each in found]

            monkeypatch.setattr(loop, "getaddrinfo", look_up)
            monkeypatch.setattr(loop, "time", lambda at=at: float(at))
            await outside._resolve()
            assert outside._resolved["trunk.example"] == goes_to
            assert [each for each in "1234" if outside.trunks_at((f"198.51.100.{each}", 5060))] == list(taken)

    asyncio.run(story())


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_a_connection_that_nobody_acknowledges_breaks_in_seconds():
    async def story() -> None:
        trunk = TrunkRows(name="main", behind_nat=True, **(ROWS | {"transport": "tcp"}))
        outside = Outside("127.0.0.1", 5060, [trunk], None, lambda *_: None)
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
            await outside.peer(trunk, *server.sockets[0].getsockname())
            (stream,) = outside._streams.values()
            connection = stream._transport.get_extra_info("socket")
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == DEAD_MS
            stream.close()

    asyncio.run(story())

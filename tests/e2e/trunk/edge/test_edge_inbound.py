"""Calls from trunks, and messages of strangers, at a real edge."""

import socket
from contextlib import suppress

import pytest

from tests.e2e.trunk.edge.peer import Dialog, Peer, sdp
from tests.e2e.trunk.edge.running import CALLED, SECOND, SHOWN, Edge, a_moment, needs_edge, new_net

pytestmark = needs_edge
OUTSIDE = 15060
RULES = {
    "inbound": [{"match": r"(\d{10})", "replace": r"+1\1"}, {"match": r"00(?P<rest>[1-9]\d+)", "replace": r"+\g<rest>"}]
}


def _trunk(net: str, name: str, last: int, number: str, **rows) -> dict:
    hosts = [f"{net}.{last}:15070"]
    return {
        "name": name,
        "hosts": hosts,
        "display_numbers": [number],
        "calls_per_second": 1000,
        "numbers": RULES,
        **rows,
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    net = new_net()
    trunks = [_trunk(net, "first", 4, SHOWN), _trunk(net, "second", 5, SECOND, inbound_from=[f"{net}.64/26"])]
    with (
        Edge(tmp_path_factory.mktemp("edge"), net, trunks) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
        Peer(f"{net}.5", 15070) as second,
        Peer(f"{net}.70", 15070) as gateway,
    ):
        yield edge, node, {"first": first, "second": second, "gateway": gateway}


def _calls(trunk: Peer, edge: Edge, called: str, caller: str = "2025550123", *more: str) -> Dialog:
    call = Dialog.of_caller(trunk, caller, called, (edge.outside, OUTSIDE))
    trunk.send((edge.outside, OUTSIDE), trunk.request("INVITE", call.uri, call, *more, body=sdp(trunk.host, 42000)))
    return call


def test_a_call_to_a_display_number(place):
    edge, node, peers = place
    trunk = peers["first"]
    call = _calls(trunk, edge, SHOWN.removeprefix("+1"), "2025550123", "X-Leg: forged", "X-Trunk: forged")
    invite = node.next("INVITE")
    assert invite.uri == f"sip:{SHOWN}@{edge.inside}"
    assert f"<sip:{CALLED}@" in invite.value("from") and f"<sip:{SHOWN}@" in invite.value("to")
    assert (invite.all("x-trunk"), invite.all("x-leg")) == (["first"], [])
    assert f"c=IN IP4 {edge.inside}" in invite.raw
    node.answer(invite, 180, "Server: baresip v1", "X-Leg: abc")
    trunk.next("180")
    node.answer(invite, 200, body=sdp(node.host, 40000))
    answer = trunk.next("200")
    assert f"c=IN IP4 {edge.outside}" in answer.raw
    call.answered(answer)
    outside = (edge.outside, OUTSIDE)
    trunk.send(outside, trunk.request("ACK", call.uri, call))
    node.next("ACK")
    call.cseq = 2
    trunk.send(outside, trunk.request("BYE", call.uri, call))
    node.answer(node.next("BYE"), 200)
    trunk.next("200")
    for message in trunk.raw:
        for inside in (node.host, edge.inside, "X-Leg", "Server:", "baresip"):
            assert inside not in message


@pytest.mark.parametrize(
    ("caller", "more", "told"),
    [
        ("2025550123", (), "+12025550123"),
        ("00442079460100", (), "+442079460100"),
        ("anonymous", (), "anonymous"),
        ("2025550123", ("Privacy: id",), "anonymous"),
        ("7001", (), "anonymous"),
    ],
)
def test_the_caller_is_told_in_e164_or_not_at_all(place, caller, more, told):
    edge, node, peers = place
    _calls(peers["first"], edge, SHOWN.removeprefix("+1"), caller, *more)
    invite = node.next("INVITE")
    assert f"<sip:{told}@" in invite.value("from")
    node.answer(invite, 486)
    peers["first"].next("486")


@pytest.mark.parametrize(
    ("trunk", "called", "status"),
    [
        ("first", SECOND, "404"),  # another trunk's
        ("first", CALLED, "404"),  # nobody's: an edge calls nobody on a trunk's behalf
        ("gateway", SECOND, "486"),  # from where the file says
        ("gateway", SHOWN, "404"),
        ("second", SECOND, "404"),  # its host, which is none of its inbound_from
    ],
)
def test_a_trunk_reaches_its_own_display_numbers_only(place, trunk, called, status):
    edge, node, peers = place
    call = _calls(peers[trunk], edge, called)
    if status == "486":
        node.answer(node.next("INVITE"), 486)
    peers[trunk].next(status)
    assert not [each for each in node.raw if call.tag in each and status == "404"]


def test_a_living_node_is_asked(place, tmp_path, net):
    """A node that answers no OPTIONS is left out; while none lives, the trunk has 503 and may try another edge."""
    with (
        Edge(tmp_path, net, [_trunk(net, "first", 4, SHOWN)], more_nodes=[f"{net}.6"]) as edge,
        edge.node() as dead,
        Peer(f"{net}.6", 15060) as living,
        Peer(f"{net}.4", 15070) as trunk,
    ):
        dead.alive = False
        edge.sees_node(False, dead.host)
        for _ in range(4):
            _calls(trunk, edge, SHOWN)
            living.answer(living.next("INVITE"), 486)
            trunk.next("486")
        living.alive = False
        edge.sees_node(False, living.host)
        _calls(trunk, edge, SHOWN)
        trunk.next("503")
        assert dead.raw == []


SCANS = {
    "INVITE": ("sip:100@{edge}", sdp("198.51.100.9", 4000)),
    "REGISTER": ("sip:{edge}", ""),
    "OPTIONS": ("sip:100@{edge}", ""),
}


@pytest.mark.parametrize("method", SCANS)
def test_a_scanner_gets_no_answer_and_reaches_no_node(place, net, method):
    edge, node, _ = place
    before, probes = len(node.raw), edge.metrics().get("kamailio_edge_foreign", 0)
    target, body = SCANS[method]
    with Peer(f"{edge.net}.200", 5099) as stranger:
        heard = []
        stranger._took = lambda data, send: heard.append(data)
        for count in range(1000):
            call = Dialog.of_caller(stranger, "100", SHOWN, (edge.outside, OUTSIDE))
            message = stranger.request(method, target.format(edge=edge.outside), call, body=body)
            stranger.send((edge.outside, OUTSIDE), message)
            if count % 50 == 49:
                edge.metrics()  # waits until it was worked off: UDP would drop what comes faster
        a_moment()
    assert edge.metrics()["kamailio_edge_foreign"] - probes == 1000
    assert heard == [] and len(node.raw) == before


@pytest.mark.parametrize("to", ["second", "node", "stranger"])
def test_no_call_passes_as_part_of_one_that_is_not_there(place, to):
    """A tag in To and a Route with the edge: a message over UDP that only pretends to come from a trunk has both."""
    edge, node, peers = place
    first, before = peers["first"], {each: len(peer.raw) for each, peer in {**peers, "node": node}.items()}
    with Peer(f"{edge.net}.203", 5099) as stranger:
        target = {"second": peers["second"], "node": node, "stranger": stranger}[to]
        call = Dialog.of_caller(first, SHOWN, CALLED, (edge.outside, OUTSIDE))
        call.remote, call.routes = f"{call.remote};tag=none", [f"<sip:{edge.outside}:{OUTSIDE};lr>"]
        uri = f"sip:{CALLED}@{target.host}:{target.port}"
        first.send((edge.outside, OUTSIDE), first.request("INVITE", uri, call, body=sdp(first.host, 4000)))
        assert first.next("481", "408", "488", "200").what == "481"
        assert stranger.raw == []
    assert {each: len(peer.raw) for each, peer in {**peers, "node": node}.items() if each != "first"} == {
        each: count for each, count in before.items() if each != "first"
    }


def test_a_stranger_at_the_inside_gets_no_answer(place):
    edge, _, peers = place
    with Peer(f"{edge.net}.201", 5099) as stranger:
        call = Dialog.of_caller(stranger, SHOWN, CALLED, edge.at)
        stranger.send(edge.at, stranger.request("INVITE", call.uri, call, body=sdp(stranger.host, 4000)))
        a_moment()
        assert stranger.raw == [] and not [each for each in peers["first"].raw if call.tag in each]


SCAN = (
    "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def test_a_scanner_over_tcp_is_disconnected_without_a_word(tmp_path, net):
    with Edge(tmp_path, net, [_trunk(net, "first", 4, SHOWN, transport="tcp")]) as edge, edge.node() as node:
        for text in (SCAN, "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n"):
            with socket.create_connection((edge.outside, OUTSIDE), source_address=(f"{net}.99", 0)) as stranger:
                stranger.settimeout(5)
                stranger.sendall(text.encode())
                with suppress(ConnectionResetError):
                    assert stranger.recv(1000) == b""
        assert node.raw == []


def test_noise_is_not_answered(place):
    """Keep-alives and what is no SIP: RFC 5626's CRLF would be answered with CRLF."""
    edge, _, _ = place
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((f"{edge.net}.202", 0))
        for noise in (b"\r\n\r\n", b"\0" * 20, b"SIP/2.0 200 OK\r\n\r\n", b"INVITE\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
            stranger.sendto(noise, (edge.outside, OUTSIDE))
        stranger.settimeout(0.5)
        with pytest.raises(TimeoutError):
            stranger.recv(1000)

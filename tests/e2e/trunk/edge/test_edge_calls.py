"""Calls through a real edge, seen on the wire by the node and by the trunk."""

import re
import socket
import struct
from ipaddress import IPv4Network

import pytest

from lab.telco.certificates import Authority
from tests.e2e.trunk.edge.calls import hangs_up, is_answered, places
from tests.e2e.trunk.edge.certificates import server_of
from tests.e2e.trunk.edge.peer import CRYPTO, Peer, sdp
from tests.e2e.trunk.edge.running import CALLED, SHOWN, Edge, needs_edge, new_net

pytestmark = needs_edge
CHALLENGE = 'Proxy-Authenticate: Digest realm="telco", nonce="abc", algorithm=MD5, qop="auth"'


def _trunk(net: str, **rows) -> dict:
    return {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN], **rows}


def _secure(authority: Authority, host: str, **rows) -> dict:
    tls = {"transport": "tls", "srtp": "mandatory", "tls": {"ca": str(authority.certificate)}}
    return _trunk(host.rpartition(".")[0], hosts=[f"{host}:15071"], **tls, **rows)


def test_a_call_over_a_udp_trunk(tmp_path, net):
    with (
        Edge(tmp_path, net, [_trunk(net, identity={"pai": True})]) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as trunk,
    ):
        call = places(node, edge, "X-Leg: abc")
        invite = trunk.next("INVITE")
        assert invite.uri == f"sip:{CALLED}@{trunk.host}:{trunk.port}"
        assert f"<sip:{SHOWN}@{trunk.host}>" in invite.value("from")
        assert invite.value("p-asserted-identity") == f"<sip:{SHOWN}@{trunk.host}>"
        assert f"c=IN IP4 {edge.outside}" in invite.raw and "RTP/AVP" in invite.raw
        trunk.answer(invite, 180)
        assert node.next("180").value("x-trunk") == "first"
        trunk.answer(invite, 200, body=sdp(trunk.host, 42000))
        answer = node.next("200")
        assert f"c=IN IP4 {edge.inside}" in answer.raw
        call.answered(answer)
        node.send(edge.at, node.request("ACK", call.uri, call))
        trunk.next("ACK")
        assert edge.metrics()['kamailio_edge_calls{trunk="first"}'] == 1
        hangs_up(node, edge, call, trunk)
        # Nothing that left towards the trunk names an address of the inside, nor what the node calls itself.
        for message in trunk.raw:
            for inside in (node.host, edge.inside, "X-Leg", '"Node"', "User-Agent", "Server:", "kamailio"):
                assert inside not in message


def test_a_call_over_tls_srtp_and_digest(tmp_path, net):
    authority = Authority(tmp_path)
    host, own = f"{net}.4", authority.issue("edge")
    trunks = [_secure(authority, host, digest={"user": "acme", "secret": {"env": "TRUNK_SECRET"}})]
    with (
        Peer(host, 15071, "tls", context=server_of(authority, host)) as trunk,
        Edge(tmp_path, net, trunks, certificate=own.certificate, key=own.key) as edge,
        edge.node() as node,
    ):
        edge.sees(True, "first")
        call = places(node, edge)
        first = trunk.next("INVITE")
        trunk.answer(first, 407, CHALLENGE)
        again = trunk.next("INVITE")
        credentials = again.value("proxy-authorization")
        assert 'username="acme", realm="telco", nonce="abc"' in credentials
        assert again.value("cseq") == "2 INVITE"  # RFC 3261 §22.2
        assert "m=audio" in again.raw and "RTP/SAVP" in again.raw and "AES_CM_128_HMAC_SHA1_80" in again.raw
        assert "NULL_HMAC" not in again.raw  # it encrypts nothing
        trunk.answer(again, 200, body=sdp(trunk.host, 42000, profile="RTP/SAVP", more=CRYPTO))
        answer = node.next("200")
        assert "RTP/AVP" in answer.raw and "a=crypto" not in answer.raw
        call.answered(answer)
        node.send(edge.at, node.request("ACK", call.uri, call))
        assert [trunk.next("ACK").value("cseq") for _ in range(2)] == ["1 ACK", "2 ACK"]
        assert hangs_up(node, edge, call, trunk).value("cseq") == "3 BYE"


def _packet(number: int, payload: bytes) -> bytes:
    """RTP (RFC 3550 §5.1), G.711 µ-law."""
    return struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + payload


def _media_port(body: str) -> int:
    found = re.search(r"m=audio (\d+)", body)
    assert found
    return int(found[1])


def test_sound_is_plain_inside_and_encrypted_outside(tmp_path, net):
    authority = Authority(tmp_path)
    host, own = f"{net}.4", authority.issue("edge")
    with (
        Peer(host, 15071, "tls", context=server_of(authority, host)) as trunk,
        Edge(tmp_path, net, [_secure(authority, host)], certificate=own.certificate, key=own.key) as edge,
        edge.node() as node,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        for sound, address in ((near, (node.host, 40000)), (far, (host, 42000))):
            sound.bind(address)
            sound.settimeout(5)
        edge.sees(True, "first")
        call = places(node, edge)
        invite = trunk.next("INVITE")
        chosen = re.search(r"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80", invite.raw)
        assert chosen
        key = CRYPTO.replace("crypto:1", f"crypto:{chosen[1]}")
        trunk.answer(invite, 200, body=sdp(host, 42000, profile="RTP/SAVP", more=key))
        answer = node.next("200")
        call.answered(answer)
        node.send(edge.at, node.request("ACK", call.uri, call))
        inside = (edge.inside, _media_port(answer.raw))
        outside = (edge.outside, _media_port(invite.raw))
        plain = bytes(range(160))
        near.sendto(_packet(1, plain), inside)
        encrypted, source = far.recvfrom(2000)
        assert source == outside
        # The header as it was, the rest encrypted, and an authentication tag of 80 bits (RFC 3711).
        assert encrypted[:4] == _packet(1, b"")[:4] and len(encrypted) == 12 + 160 + 10
        assert plain[:16] not in encrypted
        # What does not bear a tag made with the key is not relayed.
        far.sendto(_packet(1, plain), outside)
        near.settimeout(0.5)
        with pytest.raises(TimeoutError):
            near.recv(2000)
        hangs_up(node, edge, call, trunk)


def test_two_edges_share_nothing(tmp_path, net):
    """Both serve the same trunk and nodes; one of them is killed, and the other's calls go on."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    trunks = [_trunk(net, calls_per_second=1000)]
    with (
        Peer(f"{net}.4", 15070) as trunk,
        Edge(tmp_path / "one", net, trunks) as one,
        Edge(tmp_path / "two", new_net(), trunks, nodes_from=(IPv4Network(f"{net}.0/24"),)) as two,
        one.node() as node,
    ):
        is_answered(node, one, places(node, one), trunk)
        call = places(node, two)
        is_answered(node, two, call, trunk)
        one.kill_kamailio()
        hangs_up(node, two, call, trunk)
        is_answered(node, two, places(node, two), trunk)

"""Calls through a real edge, seen on the wire by the node and by the trunk."""

from tests.e2e.trunk.edge.calls import hangs_up, places
from tests.e2e.trunk.edge.certificates import Authority
from tests.e2e.trunk.edge.peer import CRYPTO, Peer, sdp
from tests.e2e.trunk.edge.running import CALLED, SHOWN, Edge, needs_edge

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
        Peer(host, 15071, "tls", context=authority.server(host)) as trunk,
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

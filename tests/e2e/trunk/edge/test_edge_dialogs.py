"""Requests within a call, and calls whose other side is gone, at a real edge."""

import re
import socket
import ssl

import pytest

from pstn.host.edge_drain import DRAIN
from tests.e2e.trunk.edge.calls import cancels, hangs_up, is_answered, places
from tests.e2e.trunk.edge.certificates import over_tls
from tests.e2e.trunk.edge.peer import CRYPTO, Dialog, Peer, Received, sdp
from tests.e2e.trunk.edge.running import CALLED, SHOWN, Edge, needs_edge, new_net
from tests.e2e.waiting import until

pytestmark = needs_edge
SECURE = {"profile": "RTP/SAVP", "more": CRYPTO}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A trunk with TLS and SRTP."""
    with over_tls(tmp_path_factory.mktemp("edge"), new_net(), srtp="mandatory", calls_per_second=1000) as (
        edge,
        node,
        far,
    ):
        yield edge, node, far


def _up(place) -> tuple[Dialog, Dialog, Received]:
    """The dialog as the node has it, as the trunk has it, and the INVITE at the trunk."""
    edge, node, far = place
    call = places(node, edge)
    invite = is_answered(node, edge, call, far, body=sdp(far.host, 42000, **SECURE))
    return call, Dialog.of_called(invite), invite


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_node_offers_again(place, method):
    edge, node, far = place
    call, _, _ = _up(place)
    call.cseq += 1
    node.send(edge.at, node.request(method, call.uri, call, body=sdp(node.host, 40002)))
    request = far.next(method)
    assert "RTP/SAVP" in request.raw and "a=crypto" in request.raw and f"c=IN IP4 {edge.outside}" in request.raw
    assert node.host not in request.raw and edge.inside not in request.raw
    far.answer(request, 200, body=sdp(far.host, 42002, **SECURE))
    answer = node.next("200")
    assert "RTP/AVP" in answer.raw and "a=crypto" not in answer.raw and f"c=IN IP4 {edge.inside}" in answer.raw
    if method == "INVITE":
        node.send(edge.at, node.request("ACK", call.uri, call))
        far.next("ACK")
    hangs_up(node, edge, call, far)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_trunk_offers_again(place, method):
    edge, node, far = place
    call, theirs, invite = _up(place)
    invite.send(far.request(method, theirs.uri, theirs, body=sdp(far.host, 42004, **SECURE)).encode())
    request = node.next(method)
    assert "RTP/AVP" in request.raw and "a=crypto" not in request.raw and f"c=IN IP4 {edge.inside}" in request.raw
    assert far.host not in request.raw.partition("\r\n\r\n")[2]
    node.answer(request, 200, "Server: baresip", body=sdp(node.host, 40004))
    answer = far.next("200")
    assert "RTP/SAVP" in answer.raw and "a=crypto" in answer.raw and "Server" not in answer.raw
    if method == "INVITE":
        theirs.routes = list(reversed(answer.message.values("record-route"))) or theirs.routes
        invite.send(far.request("ACK", theirs.uri, theirs).encode())
        node.next("ACK")
    hangs_up(node, edge, call, far)


def test_the_trunk_hangs_up(place):
    edge, node, far = place
    _, theirs, invite = _up(place)
    invite.send(far.request("BYE", theirs.uri, theirs).encode())
    node.answer(node.next("BYE"), 200)
    assert far.next("200").value("cseq") == "1 BYE"
    until(lambda: edge.metrics()['kamailio_edge_calls{trunk="secure"}'] == 0)


def test_the_node_gives_up_while_it_rings(place):
    edge, node, far = place
    call = places(node, edge)
    invite = far.next("INVITE")
    far.answer(invite, 180)
    node.next("180")
    cancels(node, edge, call)
    cancelled = far.next("CANCEL")
    far.answer(cancelled, 200)
    far.answer(invite, 487)
    assert node.next("487").value("cseq").endswith("INVITE")
    until(lambda: edge.metrics()['kamailio_edge_calls{trunk="secure"}'] == 0)


def test_a_reliable_provisional_answer(place):
    """100rel passes, with its media (RFC 3262)."""
    edge, node, far = place
    call = places(node, edge, "Supported: 100rel")
    invite = far.next("INVITE")
    assert invite.value("supported") == "100rel"
    far.answer(invite, 183, "Require: 100rel", "RSeq: 1", body=sdp(far.host, 42000, **SECURE))
    early = node.next("183")
    assert early.value("rseq") == "1" and "RTP/AVP" in early.raw
    call.answered(early)
    call.cseq = 2
    node.send(edge.at, node.request("PRACK", call.uri, call, "RAck: 1 1 INVITE"))
    prack = far.next("PRACK")
    assert prack.value("rack") == "1 1 INVITE"
    far.answer(prack, 200)
    node.next("200")
    far.answer(invite, 486)
    node.next("486")


def test_an_offer_in_the_answer(place):
    """An INVITE without SDP: the trunk offers in its 200, the node answers in its ACK."""
    edge, node, far = place
    call = places(node, edge, body="")
    invite = far.next("INVITE")
    far.answer(invite, 200, body=sdp(far.host, 42000, **SECURE))
    offer = node.next("200", holding="m=audio")
    assert "RTP/AVP" in offer.raw and f"c=IN IP4 {edge.inside}" in offer.raw
    call.answered(offer)
    node.send(edge.at, node.request("ACK", call.uri, call, body=sdp(node.host, 40000)))
    ack = far.next("ACK", holding="m=audio")
    assert "RTP/SAVP" in ack.raw and "a=crypto" in ack.raw and f"c=IN IP4 {edge.outside}" in ack.raw
    hangs_up(node, edge, call, far)


def test_the_trunk_challenges_within_the_call(tmp_path, net):
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
    trunk = {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN], "digest": digest}
    with Edge(tmp_path, net, [trunk]) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        call = places(node, edge)
        is_answered(node, edge, call, far)
        call.cseq += 1
        node.send(edge.at, node.request("INVITE", call.uri, call, body=sdp(node.host, 40002)))
        far.answer(far.next("INVITE"), 407, 'Proxy-Authenticate: Digest realm="telco", nonce="abc"')
        old = far.next("INVITE")
        assert 'nonce="abc"' in old.value("proxy-authorization") and old.value("cseq") == "3 INVITE"
        far.answer(old, 407, 'Proxy-Authenticate: Digest realm="telco", nonce="def", stale=true')
        again = far.next("INVITE")
        assert 'nonce="def"' in again.value("proxy-authorization") and again.value("cseq") == "4 INVITE"
        assert f"c=IN IP4 {edge.outside}" in again.raw
        far.answer(again, 200, body=sdp(far.host, 42002))
        assert f"c=IN IP4 {edge.inside}" in node.next("200", holding="m=audio").raw
        node.send(edge.at, node.request("ACK", call.uri, call))
        far.next("ACK", holding="CSeq: 4 ACK")
        hangs_up(node, edge, call, far)


def test_a_trunk_calls_over_tls(place):
    """Over a connection that it makes; the node's BYE goes where its Contact says."""
    edge, node, far = place
    outside = (edge.outside, 15061)
    trusts = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusts.load_verify_locations(edge.folder / "authority.crt")
    trusts.check_hostname = False
    connection = socket.create_connection(outside, source_address=(far.host, 0))
    stream = trusts.wrap_socket(connection)
    far.serve(stream)
    theirs = Dialog.of_caller(far, CALLED, SHOWN, outside)
    stream.sendall(far.request("INVITE", theirs.uri, theirs, body=sdp(far.host, 42000, **SECURE)).encode())
    invite = node.next("INVITE")
    assert "RTP/AVP" in invite.raw and "a=crypto" not in invite.raw
    node.answer(invite, 200, body=sdp(node.host, 40000))
    answer = far.next("200", holding="m=audio")
    assert "RTP/SAVP" in answer.raw and "a=crypto" in answer.raw
    theirs.answered(answer)
    stream.sendall(far.request("ACK", theirs.uri, theirs).encode())
    node.next("ACK", holding=theirs.call_id)
    ours = Dialog.of_called(invite)
    node.send(edge.at, node.request("BYE", ours.uri, ours))
    far.answer(far.next("BYE"), 200)
    node.next("200", holding=" BYE\r\n")


def test_a_trunk_behind_nat(tmp_path, net):
    """What its Contact names is an address of its own network: requests go to where its messages come from."""
    trunk = {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN]}
    with Edge(tmp_path, net, [trunk]) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        call = places(node, edge)
        invite = far.next("INVITE")
        far.answer(invite, 200, body=sdp(far.host, 42000), contact="<sip:them@192.168.7.7:5060>")
        call.answered(node.next("200"))
        node.send(edge.at, node.request("ACK", call.uri, call))
        assert far.next("ACK").uri == "sip:them@192.168.7.7:5060"
        hangs_up(node, edge, call, far)
        theirs = Dialog.of_caller(far, CALLED, SHOWN, (edge.outside, 15060))
        request = far.request("INVITE", theirs.uri, theirs, body=sdp(far.host, 42000))
        far.send((edge.outside, 15060), re.sub("Contact: <[^>]*>", "Contact: <sip:them@192.168.7.7:5060>", request))
        called = node.next("INVITE")
        node.answer(called, 200, body=sdp(node.host, 40000))
        theirs.answered(far.next("200", holding="m=audio"))
        far.send((edge.outside, 15060), far.request("ACK", theirs.uri, theirs))
        node.next("ACK")
        ours = Dialog.of_called(called)
        node.send(edge.at, node.request("BYE", ours.uri, ours))
        far.answer(far.next("BYE"), 200)


def test_a_restart_cuts_no_call(tmp_path, net):
    """With credentials, which shift the numbers of requests, and over TLS, whose connections are lost."""
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
    with over_tls(tmp_path, net, srtp="mandatory", digest=digest) as (edge, node, far):
        call = places(node, edge)
        far.answer(far.next("INVITE"), 401, 'WWW-Authenticate: Digest realm="telco", nonce="abc"')
        is_answered(node, edge, call, far, body=sdp(far.host, 42000, **SECURE))
        edge.stop_kamailio()
        edge.start_kamailio()
        assert edge.metrics()['kamailio_edge_calls{trunk="secure"}'] == 1
        call.cseq += 1
        node.send(edge.at, node.request("INVITE", call.uri, call, body=sdp(node.host, 40002)))
        again = far.next("INVITE", holding="CSeq: 3 INVITE")
        assert "RTP/SAVP" in again.raw and f"c=IN IP4 {edge.outside}" in again.raw
        far.answer(again, 200, body=sdp(far.host, 42002, **SECURE))
        node.next("200", holding="m=audio")
        node.send(edge.at, node.request("ACK", call.uri, call))
        bye = hangs_up(node, edge, call, far)
        assert bye.value("cseq") == "4 BYE"
        for message in far.raw:
            assert node.host not in message and edge.inside not in message
        until(lambda: edge.metrics()['kamailio_edge_calls{trunk="secure"}'] == 0)


def test_after_a_crash_a_call_can_be_hung_up(tmp_path, net):
    trunk = {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN]}
    with Edge(tmp_path, net, [trunk]) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        ours = places(node, edge)
        is_answered(node, edge, ours, far)
        invite = is_answered(node, edge, places(node, edge), far)
        edge.kill_kamailio()
        edge.start_kamailio()
        hangs_up(node, edge, ours, far)
        theirs = Dialog.of_called(invite)
        far.send((edge.outside, 15060), far.request("BYE", theirs.uri, theirs))
        node.answer(node.next("BYE"), 200)
        far.next("200")
        for message in far.raw:
            assert node.host not in message and edge.inside not in message


def test_a_change_of_the_file_cuts_no_call(tmp_path, net, capsys):
    """Another order of trunks, numbers, secrets, addresses and rules are read while calls go on."""

    def trunk(name: str, last: int, **rows) -> dict:
        return {"name": name, "hosts": [f"{net}.{last}:15070"], "display_numbers": [SHOWN], **rows}

    with (
        Edge(tmp_path, net, [trunk("first", 4, codecs=["pcma"])]) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
        Peer(f"{net}.5", 15070) as second,
    ):
        call = places(node, edge)
        is_answered(node, edge, call, first)
        rules = {"outbound": [{"match": r"\+(\d+)", "replace": r"00\1"}]}
        edge.trunks([trunk("second", 5, numbers=rules), trunk("first", 4, codecs=["pcma"])])
        assert edge.renders("--reload") == 0, capsys.readouterr().err
        places(node, edge)
        moved = second.next("INVITE")
        assert moved.uri.startswith(f"sip:00{CALLED[1:]}@")
        second.answer(moved, 486)
        node.next("486")
        theirs = Dialog.of_caller(second, CALLED, SHOWN, (edge.outside, 15060))
        second.send((edge.outside, 15060), second.request("INVITE", theirs.uri, theirs, body=sdp(second.host, 42000)))
        node.answer(node.next("INVITE"), 486)
        second.next("486")
        call.cseq += 1
        node.send(edge.at, node.request("INVITE", call.uri, call, body=sdp(node.host, 40002)))
        again = first.next("INVITE")
        assert "RTP/AVP 8 101" in again.raw  # its own trunk's codecs still
        first.answer(again, 200, body=sdp(first.host, 42002))
        node.next("200", holding="m=audio")
        node.send(edge.at, node.request("ACK", call.uri, call))
        hangs_up(node, edge, call, first)
        edge.trunks([trunk("first", 4)], sip_port=15062)
        assert edge.renders("--reload") == 1
        assert "restart Kamailio" in capsys.readouterr().err


def test_an_edge_that_drains_takes_no_call_and_keeps_its_own(tmp_path, net):
    trunk = {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN]}
    with Edge(tmp_path, net, [trunk]) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        call = places(node, edge)
        is_answered(node, edge, call, far)
        edge.rpc(*DRAIN)
        places(node, edge)
        assert node.next("503").value("x-trunk-why") == "draining"
        theirs = Dialog.of_caller(far, CALLED, SHOWN, (edge.outside, 15060))
        far.send((edge.outside, 15060), far.request("INVITE", theirs.uri, theirs, body=sdp(far.host, 42000)))
        far.next("503")
        hangs_up(node, edge, call, far)
        until(lambda: re.search(r"all: 0$", edge.rpc("dlg.stats_active"), re.MULTILINE))


@pytest.mark.parametrize("gone", ["node", "far"])
def test_the_living_side_is_hung_up_when_the_other_is_gone(place, gone):
    """After some 45 s: OPTIONS each 30 s, the least that Kamailio takes, a time-out of 3 s, and 10 s until it hangs up.

    A busy machine, where Kamailio's timers wait for their turn, takes longer.
    """
    edge, node, far = place
    call, _, invite = _up(place)
    dead, living = (node, far) if gone == "node" else (far, node)
    dead.alive = False
    try:
        bye = living.next("BYE", holding=call.call_id, seconds=120)
        living.answer(bye, 200)
        until(lambda: edge.metrics()['kamailio_edge_calls{trunk="secure"}'] == 0)
    finally:
        dead.alive = True
    if living is far:
        assert node.host not in bye.raw and edge.inside not in bye.raw
        assert int(bye.value("cseq").split()[0]) >= int(invite.value("cseq").split()[0])

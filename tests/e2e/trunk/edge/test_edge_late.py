"""Calls that ring, or are answered, when nobody waits for it any more, at a real edge."""

import time
from dataclasses import replace

import pytest

from tests.e2e.trunk.edge.calls import cancels, hangs_up, places
from tests.e2e.trunk.edge.certificates import over_tls
from tests.e2e.trunk.edge.peer import Dialog, Peer, Received, sdp
from tests.e2e.trunk.edge.running import CALLED, SHOWN, Edge, a_moment, needs_edge, new_net
from tests.e2e.waiting import until

pytestmark = needs_edge
WAIT_S = 5.0
"""For which Kamailio keeps a transaction after its end (wt_timer)."""
PROXY = "<sip:198.51.100.9;lr>"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    net = new_net()
    trunks = [
        {"name": name, "hosts": [f"{net}.{last}:15070"], "display_numbers": [SHOWN], "no_answer_seconds": 1.5}
        for name, last in (("first", 4), ("second", 5))
    ]
    with (
        Edge(tmp_path_factory.mktemp("edge"), net, trunks, more_nodes=[f"{net}.6"]) as edge,
        edge.node() as node,
        Peer(f"{net}.6", 15060) as other,
        Peer(f"{net}.4", 15070) as first,
        Peer(f"{net}.5", 15070) as second,
    ):
        yield edge, node, other, first, second


def _answers_late(peer: Peer, invite: Received) -> None:
    """And is hung up."""
    headers = (("record-route", PROXY), *invite.message.headers)
    proxied = replace(invite, message=replace(invite.message, headers=headers))
    peer.answer(proxied, 200, body=sdp(peer.host, 42000))
    ack, bye = (peer.next(each, holding=f"Call-ID: {invite.value('call-id')}\r\n") for each in ("ACK", "BYE"))
    number = int(invite.value("cseq").split()[0])
    assert (ack.value("cseq"), bye.value("cseq")) == (f"{number} ACK", f"{number + 1} BYE")
    for request in (ack, bye):
        assert request.uri == f"sip:them@{peer.host}:{peer.port};transport={peer.transport}"
        assert request.all("route") == [PROXY]
        assert request.value("from").partition("tag=")[2] == invite.value("from").partition("tag=")[2]
        assert request.value("to").endswith(";tag=them")
    peer.answer(bye, 200)


def test_a_trunk_answers_after_the_next_one_was_asked(place):
    edge, node, _, first, second = place
    places(node, edge)
    late = first.next("INVITE")
    invite = second.next("INVITE")
    second.answer(invite, 180)
    node.next("180")
    _answers_late(first, late)
    second.answer(invite, 200, body=sdp(second.host, 42000))
    answer = node.next("200", holding=" INVITE\r\n")
    assert answer.value("x-trunk") == "second"


@pytest.mark.parametrize("after", [0.0, WAIT_S + 2.0])
def test_a_trunk_answers_after_the_call_ended(place, after):
    edge, node, _, first, second = place
    places(node, edge)
    late = first.next("INVITE")
    second.answer(second.next("INVITE"), 486)
    node.next("486")
    a_moment(after)
    _answers_late(first, late)


def test_a_trunk_answers_a_cancel_and_then_the_call(place):
    edge, node, _, first, second = place
    call = places(node, edge)
    late = first.next("INVITE")
    cancels(node, edge, call)
    assert node.next("487").value("cseq").endswith("INVITE")
    _answers_late(first, late)
    assert second.now("INVITE") is None


def test_a_node_answers_after_the_next_one_was_asked(place):
    edge, node, other, first, _ = place
    theirs = Dialog.of_caller(first, CALLED, SHOWN, (edge.outside, 15060))
    first.send((edge.outside, 15060), first.request("INVITE", theirs.uri, theirs, body=sdp(first.host, 42000)))
    slow, late = until(lambda: next(((each, got) for each in (node, other) if (got := each.now("INVITE"))), None))
    quick = other if slow is node else node
    quick.answer(quick.next("INVITE"), 486)
    first.next("486")
    _answers_late(slow, late)


def test_a_repeated_answer_of_a_call_that_is_up_reaches_the_node(place):
    edge, node, _, first, _ = place
    call = places(node, edge)
    invite = first.next("INVITE")
    first.answer(invite, 200, body=sdp(first.host, 42000))
    call.answered(node.next("200", holding=call.call_id))
    node.forget()
    a_moment(WAIT_S + 2.0)
    first.answer(invite, 200, body=sdp(first.host, 42000))
    node.next("200", holding=call.call_id)
    assert first.now("BYE") is None


@pytest.mark.parametrize("what", ["200 INVITE", "486 INVITE", "200 BYE"])
def test_a_stranger_s_answer_reaches_nobody(place, what):
    edge, node, *_ = place
    status, method = what.split()
    foreign = edge.metrics()["kamailio_edge_foreign"]
    node.raw.clear()
    with Peer(f"{edge.net}.99", 15070) as stranger:
        call = Dialog.of_caller(stranger, CALLED, SHOWN, (edge.outside, 15060))
        answer = stranger.request(method, call.uri, call).replace(
            f"{method} {call.uri} SIP/2.0\r\n",
            f"SIP/2.0 {status} Because\r\nVia: SIP/2.0/UDP {edge.outside}:15060;branch=z9hG4bKnone\r\n"
            f"Via: SIP/2.0/UDP {node.host}:{node.port};branch=z9hG4bKnone\r\n",
            1,
        )
        stranger.send((edge.outside, 15060), answer)
        until(lambda: edge.metrics()["kamailio_edge_foreign"] == foreign + 1)
        a_moment()
        assert stranger.raw == node.raw == []


def test_over_tls(tmp_path, net):
    """By the connection that there is: the other end's port is none where it listens."""
    with over_tls(tmp_path, net, no_answer_seconds=0.5) as (edge, node, far):
        places(node, edge)
        late = far.next("INVITE")
        node.next("408")
        _answers_late(far, late)
        assert far.connections == 1


RINGS_S = 14.0
"""Longer than a node takes from its death to the first question that it does not answer."""


@pytest.mark.parametrize("node_is", ["alive", "dead", "started again"])
def test_a_telephone_does_not_ring_for_a_node_that_died(place, node_is):
    edge, node, _, first, _ = place
    call = places(node, edge)
    invite = first.next("INVITE")
    first.answer(invite, 180)
    node.next("180")
    began = time.monotonic()
    node.alive, node.knows_calls = node_is != "dead", node_is != "started again"
    try:
        if node_is == "alive":
            a_moment(RINGS_S)
            assert first.now("CANCEL") is None
            assert node.asked == 1
            first.answer(invite, 200, body=sdp(first.host, 42000))
            call.answered(node.next("200", holding=call.call_id))
            node.send(edge.at, node.request("ACK", call.uri, call))
            first.next("ACK")
            hangs_up(node, edge, call, first)
            return
        cancel = first.next("CANCEL", seconds=60)
        assert 8 < time.monotonic() - began < (45 if node_is == "dead" else 20)
        first.answer(cancel, 200)
        _answers_late(first, invite)
        until(lambda: '"event": "node_gone"' in edge.log())
    finally:
        node.alive = node.knows_calls = True

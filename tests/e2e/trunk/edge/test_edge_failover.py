"""Which trunk an edge asks after an answer, as pstn.trunks.failover has it, seen on the wire by both trunks."""

import re

import pytest

from lab.telco.certificates import Authority
from pstn.trunks.failover import Then, then
from tests.e2e.trunk.edge.calls import places
from tests.e2e.trunk.edge.certificates import server_of
from tests.e2e.trunk.edge.peer import Peer, sdp
from tests.e2e.trunk.edge.running import SECRET, SHOWN, Edge, needs_edge, new_net
from tests.e2e.waiting import until

pytestmark = needs_edge
CODES = [
    300,
    302,
    380,
    *range(400, 424),
    480,
    481,
    483,
    484,
    486,
    488,
    491,
    *range(500, 506),
    513,
    580,
    600,
    603,
    604,
    606,
]
CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


def _trunk(net: str, name: str, last: int, **rows) -> dict:
    rows = {"calls_per_second": 1000, "no_answer_seconds": 2.0, **rows}
    return {"name": name, "hosts": [f"{net}.{last}:15070"], "display_numbers": [SHOWN], **rows}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    net = new_net()
    trunks = [_trunk(net, "first", 4), _trunk(net, "second", 5)]
    with (
        Edge(tmp_path_factory.mktemp("edge"), net, trunks) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
        Peer(f"{net}.5", 15070) as second,
    ):
        yield edge, node, first, second


@pytest.mark.parametrize("rang", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_the_answer_of_a_trunk(place, code, rang):
    edge, node, first, second = place
    before = edge.metrics().get('kamailio_edge_refused{trunk="first"}', 0)
    tag = places(node, edge).tag
    invite = first.next("INVITE")
    if rang:
        first.answer(invite, 183)
        node.next("183")
    first.answer(invite, code, 'WWW-Authenticate: Digest realm="a", nonce="b"' if code == 401 else "X-No: 1")
    expected = then(code, rang=rang)
    if expected is Then.END:
        answer = node.next(str(code))
        assert (answer.value("x-trunk"), answer.value("x-trunk-refused")) == ("first", "")
        assert not [each for each in second.raw if each.startswith("INVITE") and tag in each]
    else:
        second.answer(second.next("INVITE"), 486)
        answer = node.next("486")
        refused = str(code) if expected is Then.NEXT_AND_ALARM else ""
        assert (answer.value("x-trunk"), answer.value("x-trunk-refused")) == ("second", refused)
    refusals = edge.metrics().get('kamailio_edge_refused{trunk="first"}', 0) - before
    assert refusals == (expected is Then.NEXT_AND_ALARM)


def test_what_the_last_trunk_answers_is_the_answer(place):
    edge, node, first, second = place
    places(node, edge)
    first.answer(first.next("INVITE"), 403)
    second.answer(second.next("INVITE"), 503)
    answer = node.next("503")
    assert (answer.value("x-trunk"), answer.value("x-trunk-refused")) == ("second", "403")


def test_silence(place):
    edge, node, first, second = place
    places(node, edge)
    first.next("INVITE")
    second.answer(second.next("INVITE"), 200, body=sdp(second.host, 42000))
    assert node.next("200").value("x-trunk") == "second"


def test_hosts_of_a_trunk_are_tried_in_their_order_before_the_next_trunk(tmp_path, net):
    trunks = [{**_trunk(net, "first", 4), "hosts": [f"{net}.4:15070", f"{net}.5:15070"]}, _trunk(net, "second", 6)]
    with (
        Edge(tmp_path, net, trunks) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as one,
        Peer(f"{net}.5", 15070) as two,
        Peer(f"{net}.6", 15070) as three,
    ):
        places(node, edge)
        for host in (one, two, three):
            host.answer(host.next("INVITE"), 503)
        assert node.next("503").value("x-trunk") == "second"
        # Our credentials are the trunk's, not the host's: its next host would refuse them too.
        places(node, edge)
        one.answer(one.next("INVITE"), 403)
        three.answer(three.next("INVITE"), 486)
        node.next("486")


def test_credentials_that_a_trunk_refuses(tmp_path, net):
    """They are sent once; its next answer counts, whatever it is, and the secret is in no log."""
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
    with (
        Edge(tmp_path, net, [_trunk(net, "first", 4, digest=digest)]) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
    ):
        for code, again in [(401, 401), (407, 407), (407, 403), (401, 407)]:
            places(node, edge)
            header = f'{CHALLENGES[code]}: Digest realm="telco", nonce="abc"'
            first.answer(first.next("INVITE"), code, header)
            second = first.next("INVITE")
            assert second.value("authorization" if code == 401 else "proxy-authorization")
            first.answer(second, again, header)
            answer = node.next(str(again))
            assert answer.value("x-trunk-refused") == str(again)
            # Nobody but the trunk asks for credentials.
            assert not answer.value("www-authenticate") and not answer.value("proxy-authenticate")
        assert edge.metrics()['kamailio_edge_refused{trunk="first"}'] == 4
        assert '"event": "trunk_refused_us", "trunk": "first", "status": 403' in edge.log()
        assert SECRET not in edge.log()


@pytest.mark.parametrize("stale", ["stale=true", 'stale="TRUE"', "stale=false"])
def test_a_challenge_whose_nonce_was_too_old_is_met_once_more(tmp_path, net, stale):
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
    with (
        Edge(tmp_path, net, [_trunk(net, "first", 4, digest=digest)]) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
    ):
        places(node, edge)
        for nonce, more in (("one", ""), ("two", f", {stale}"), ("three", f", {stale}")):
            invite = first.next("INVITE")
            assert nonce == "one" or 'username="acme"' in invite.value("proxy-authorization")
            first.answer(invite, 407, f'Proxy-Authenticate: Digest realm="telco", nonce="{nonce}"{more}')
            if nonce == "two" and stale == "stale=false":
                break
        assert node.next("407").value("x-trunk-refused") == "407"
        sent = [each for each in first.raw if each.startswith("INVITE")]
        assert [re.findall('nonce="(.*?)"', each) for each in sent] == [[], ["one"], ["two"]][: len(sent)]
        assert len(sent) == (2 if stale == "stale=false" else 3)


def test_another_realm_than_the_file_s_gets_no_credentials(tmp_path, net):
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}, "realm": 'a "telco"; $x'}
    with (
        Edge(tmp_path, net, [_trunk(net, "first", 4, digest=digest)]) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
    ):
        places(node, edge)
        first.answer(first.next("INVITE"), 407, 'Proxy-Authenticate: Digest realm="other", nonce="abc"')
        assert node.next("407").value("x-trunk-refused") == "407"
        assert len([each for each in first.raw if each.startswith("INVITE")]) == 1


@pytest.mark.parametrize("fault", ["closed", "another authority", "another name"])
def test_a_failure_of_tls(tmp_path, net, fault):
    authority = Authority(tmp_path)
    other = Authority(tmp_path, "stranger") if fault == "another authority" else authority
    own = authority.issue("edge")
    name = f"{net}.9" if fault == "another name" else f"{net}.4"
    tls = {"transport": "tls", "tls": {"ca": str(authority.certificate)}}
    trunks = [{**_trunk(net, "first", 4, **tls), "hosts": [f"{net}.4:15071"]}, _trunk(net, "second", 5)]
    port = 15072 if fault == "closed" else 15071
    with (
        Peer(f"{net}.4", port, "tls", context=server_of(other, name)) as first,
        Edge(tmp_path, net, trunks, certificate=own.certificate, key=own.key) as edge,
        edge.node() as node,
        Peer(f"{net}.5", 15070) as second,
    ):
        until(lambda: '"trunk": "first"' in edge.log() and '"up": "no"' in edge.log())
        places(node, edge)
        second.answer(second.next("INVITE"), 200, body=sdp(second.host, 42000))
        assert node.next("200").value("x-trunk") == "second"
        assert first.raw == []


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_connection_whose_other_end_is_gone(tmp_path, net, transport):
    """Nothing closes it. Calls go to the next trunk, and soon over a new connection."""
    authority = Authority(tmp_path)
    own, context = authority.issue("edge"), server_of(authority, f"{net}.4")
    port = 15071 if transport == "tls" else 15070
    rows = (
        {"transport": "tls", "tls": {"ca": str(authority.certificate)}} if transport == "tls" else {"transport": "tcp"}
    )
    trunks = [{**_trunk(net, "first", 4, options_every=3600, **rows), "hosts": [f"{net}.4:{port}"]}]
    trunks.append(_trunk(net, "second", 5))
    with (
        Peer(f"{net}.4", port, transport, context=context if transport == "tls" else None) as first,
        Edge(tmp_path, net, trunks, certificate=own.certificate, key=own.key) as edge,
        edge.node() as node,
        Peer(f"{net}.5", 15070) as second,
    ):
        until(lambda: '"trunk": "first"' in edge.log())
        first.loses_connections()
        places(node, edge)
        second.answer(second.next("INVITE"), 486)
        assert node.next("486").value("x-trunk") == "second"
        edge.sees(False, "first")
        edge.sees(True, "first")
        places(node, edge)
        first.answer(first.next("INVITE"), 486)
        assert node.next("486").value("x-trunk") == "first"
        assert first.connections == 2

"""Each row of a trunk in trunks.yaml, as the trunk sees it on the wire through a real edge."""

import base64
import json
import re
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from lab.telco.certificates import Authority
from pstn.trunks.headers import identity_headers
from pstn.trunks.trunk_file import read
from tests.e2e.trunk.edge.calls import hangs_up, is_answered, places
from tests.e2e.trunk.edge.certificates import over_tls, server_of
from tests.e2e.trunk.edge.peer import CRYPTO, Dialog, Peer, sdp
from tests.e2e.trunk.edge.running import CALLED, SECOND, SECRET, SHOWN, Edge, needs_edge
from tests.e2e.waiting import until

pytestmark = needs_edge


def _trunk(net: str, **rows) -> dict:
    return {"name": "first", "hosts": [f"{net}.4:15070"], "display_numbers": [SHOWN], **rows}


def _tls(net: str, authority: Authority, **rows) -> dict:
    tls = {"ca": str(authority.certificate), **rows.pop("tls", {})}
    return _trunk(net, hosts=[f"{net}.4:15071"], transport="tls", tls=tls, **rows)


def _invite(tmp_path, net, trunk, **call):
    """The INVITE that a UDP trunk gets."""
    with Edge(tmp_path, net, [trunk]) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        places(node, edge, **call)
        invite = far.next("INVITE")
        far.answer(invite, 486)
        node.next("486")
        return invite


@pytest.mark.parametrize("rows", [
    {},
    {"pai": True},
    {"ppi": True, "privacy": True},
    {"rpid": True, "diversion": SECOND},
])  # fmt: skip
def test_identity(tmp_path, net, rows):
    trunk = _trunk(net, identity=rows)
    invite = _invite(tmp_path, net, trunk)
    expected = identity_headers(read(tmp_path / "trunks.yaml").trunks[0], SHOWN)
    names = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy", "Diversion")
    assert {name: invite.value(name.lower()) for name in names if invite.value(name.lower())} == expected


def test_from(tmp_path, net):
    invite = _invite(tmp_path, net, _trunk(net, **{"from": {"user": "acme#1", "domain": "acme.example"}}))
    assert invite.value("from").partition(";")[0].strip() == "<sip:acme#1@acme.example>"
    assert f"<sip:{CALLED}@acme.example>" in invite.value("to")


def test_numbers(tmp_path, net):
    rules = {
        "outbound": [
            {"match": r"\+1(?P<rest>\d{10})", "replace": r"9\g<rest>"},
            {"match": r"\+(\d+)", "replace": r"00\1"},
        ]
    }
    invite = _invite(tmp_path, net, _trunk(net, numbers=rules, identity={"pai": True}), called="+442079460100")
    assert invite.uri.startswith("sip:00442079460100@")
    assert "<sip:92025550100@" in invite.value("from") and "<sip:92025550100@" in invite.value("p-asserted-identity")


@pytest.mark.parametrize(
    ("codecs", "types"), [(["pcma", "pcmu"], "8 0 101"), (["opus"], "96 97"), (["g722", "pcmu"], "9 0 101")]
)
def test_codecs(tmp_path, net, codecs, types):
    """Offered in the file's order, and no other."""
    offer = sdp(f"{net}.3", 40000, types="0 8 9 96 101")
    invite = _invite(tmp_path, net, _trunk(net, codecs=codecs), body=offer)
    assert re.search(r"m=audio \d+ RTP/AVP (.*)\r", invite.raw)[1] == types


def test_rules_of_rewriting_mean_the_same_as_on_a_laptop(tmp_path, net):
    """The edge's regular expressions are PCRE's, a laptop's are Python's."""
    written = [
        {"match": r"\+1(?P<area>\d{3})(\d{7})", "replace": r"*\g<area>#\2"},
        {"match": r"\+44|\+45", "replace": "4"},
        {"match": r"\+(?!49)(?:3|4)[0-9]+?(\d{2})", "replace": r"x\1"},
        {"match": r"[Aa]bc|a:b\\c|d", "replace": r"(-_.!~)"},
    ]
    numbers = [
        "+12025550100",
        "+44",
        "+445",
        "+45",
        "+491234",
        "+331234",
        "abc",
        "a:b\\c",
        "d",
        "dd",
        "xd",
        "+1202555010",
    ]
    with Edge(tmp_path, net, [_trunk(net, numbers={"outbound": written, "inbound": written})]) as edge:
        rewrites = read(tmp_path / "trunks.yaml").trunks[0].numbers
        for plan in ("1", "2"):
            for number in numbers:
                found = re.search(r"Output: (.*)", edge.rpc("dialplan.translate", plan, f"s:{number}", check=False))
                assert (found[1] if found else number) == rewrites.to_trunk(number), number


def test_calls_and_calls_per_second(tmp_path, net):
    trunks = [_trunk(net, calls=2, calls_per_second=4)]
    with Edge(tmp_path, net, trunks) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        calls = []
        for _ in range(2):
            call = places(node, edge)
            is_answered(node, edge, call, far)
            calls.append(call)
        places(node, edge)
        full = node.next("503")
        assert (full.value("x-trunk"), full.value("x-trunk-why")) == ("first", "calls")
        hangs_up(node, edge, calls[0], far)
        until(lambda: edge.metrics()['kamailio_edge_calls{trunk="first"}'] == 1)
        count = 0
        while True:  # the second in which it counts began when the first of these calls came
            count += 1
            places(node, edge)
            answer = far_or_node(far, node)
            if answer.what == "503":
                break
            far.answer(answer, 486)
            node.next("486")
            assert count < 60
        assert answer.value("x-trunk-why") == "calls per second"
        assert edge.metrics()['kamailio_edge_limited{trunk="first"}'] >= 2


def far_or_node(far: Peer, node: Peer):
    """What comes first: the INVITE at the trunk or the refusal at the node."""
    return until(lambda: far.now("INVITE") or node.now("503"))


def test_a_full_trunk_is_passed_over(tmp_path, net):
    trunks = [_trunk(net, calls=1), {**_trunk(net), "name": "second", "hosts": [f"{net}.5:15070"]}]
    with (
        Edge(tmp_path, net, trunks) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070) as first,
        Peer(f"{net}.5", 15070) as second,
    ):
        is_answered(node, edge, places(node, edge), first)
        is_answered(node, edge, places(node, edge), second)


def test_options(tmp_path, net):
    """A host that answers no OPTIONS is left out until it does; each trunk is asked as often as its row says."""
    trunks = [
        _trunk(net, options_every=5),
        {**_trunk(net), "name": "second", "hosts": [f"{net}.5:15070"], "options_every": 3600},
    ]
    with (
        Edge(tmp_path, net, trunks) as edge,
        edge.node() as node,
        Peer(f"{net}.4", 15070, alive=False) as first,
        Peer(f"{net}.5", 15070) as second,
    ):
        edge.sees(False, "first")
        places(node, edge)
        second.answer(second.next("INVITE"), 486)
        assert node.next("486").value("x-trunk") == "second" and first.raw == []
        second.alive = first.alive = True
        edge.sees(True, "first")
        places(node, edge)
        first.answer(first.next("INVITE"), 486)
        assert node.next("486").value("x-trunk") == "first"
        assert second.probes == 1


def test_a_number_on_no_trunk(tmp_path, net):
    with Edge(tmp_path, net, [_trunk(net)]) as edge, edge.node() as node, Peer(f"{net}.4", 15070) as far:
        places(node, edge, shown=SECOND)
        unknown = node.next("404")
        assert (unknown.value("x-trunk-why"), unknown.value("x-trunk")) == ("number", "")
        places(node, edge, called="+1202%0d%0a")
        assert node.next("404").value("x-trunk-why") == "number"
        assert far.raw == []


@pytest.mark.parametrize("encrypts", [True, False])
def test_optional_srtp(tmp_path, net, encrypts):
    """RTP/AVP with keys (RFC 8643): a trunk that knows SRTP answers with its key, another one without."""
    with over_tls(tmp_path, net, srtp="optional") as (edge, node, far):
        places(node, edge)
        invite = far.next("INVITE")
        assert "RTP/AVP" in invite.raw and "a=crypto" in invite.raw
        far.answer(invite, 200, body=sdp(far.host, 42000, more=CRYPTO if encrypts else ""))
        answer = node.next("200")
        assert "RTP/AVP" in answer.raw and "a=crypto" not in answer.raw


def test_a_mandatory_srtp_that_the_trunk_does_not_answer_ends_the_call(tmp_path, net):
    with over_tls(tmp_path, net, srtp="mandatory") as (edge, node, far):
        call = places(node, edge)
        invite = far.next("INVITE")
        far.answer(invite, 200, body=sdp(far.host, 42000))
        call.answered(node.next("200"))
        node.send(edge.at, node.request("ACK", call.uri, call))
        far.answer(far.next("BYE"), 200)
        node.answer(node.next("BYE"), 200)
        # And one that calls without it is refused.
        theirs = Dialog.of_caller(far, "100", SHOWN, (edge.outside, 15061))
        invite.send(far.request("INVITE", theirs.uri, theirs, body=sdp(far.host, 42000)).encode())
        far.next("488")


@pytest.mark.parametrize("has", [True, False])
def test_a_client_certificate(tmp_path, net, has):
    authority = Authority(tmp_path)
    own, client = authority.issue("edge"), authority.issue("client")
    rows = {"certificate": str(client.certificate), "key": str(client.key)} if has else {}
    context = server_of(authority, f"{net}.4", asks_client=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where the handshake itself fails without one
    with (
        Peer(f"{net}.4", 15071, "tls", context=context) as far,
        Edge(tmp_path, net, [_tls(net, authority, tls=rows)], certificate=own.certificate, key=own.key) as edge,
    ):
        if has:
            edge.sees(True, "first")
        else:
            until(lambda: '"up": "no"' in edge.log(), 30)
            assert far.probes == 0


def _issued_to(authority: Authority) -> dict:
    pair = authority.issue("sp.example")
    return {"certificate": pair.certificate.name, "key": pair.key.name, "x5u": "https://sp.example/$x;a.pem"}


@pytest.mark.parametrize("attestation", ["A", "B", "C"])
def test_signing(tmp_path, net, attestation):
    """A PASSporT of the display number and the called number (RFC 8588), whose signature the certificate verifies."""
    authority = Authority(tmp_path)
    rows = {**_issued_to(authority), "attestation": attestation}
    invite = _invite(
        tmp_path, net, _trunk(net, signing=rows, numbers={"outbound": [{"match": r"\+(\d+)", "replace": r"00\1"}]})
    )
    token, information = invite.value("identity").split(";", 1)
    assert information == f"info=<{rows['x5u']}>;alg=ES256;ppt=shaken"
    header, payload, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    assert json.loads(header) == {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": rows["x5u"]}
    told = json.loads(payload)
    assert (told["attest"], told["orig"], told["dest"]) == (
        attestation,
        {"tn": SHOWN.removeprefix("+")},
        {"tn": [CALLED.removeprefix("+")]},
    )
    certificate = x509.load_pem_x509_certificate((tmp_path / rows["certificate"]).read_bytes())
    first, second = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    signed = ".".join(token.split(".")[:2]).encode()
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(encode_dss_signature(first, second), signed, ec.ECDSA(hashes.SHA256()))


def test_registration(tmp_path, net):
    """With credentials after the challenge, again before half of what the registrar gave; calls come to the Contact."""
    trunk = _trunk(net, digest={"user": "acme", "secret": {"env": "TRUNK_SECRET"}}, registration={"expires": 600})
    with Peer(f"{net}.4", 15070) as far, Edge(tmp_path, net, [trunk]) as edge, edge.node() as node:
        first = far.next("REGISTER")
        until(lambda: far.probe)
        assert edge.inside not in first.raw + far.probe
        assert first.uri == f"sip:{net}.4" and f"<sip:acme@{net}.4>" in first.value("to")
        contact = f"<sip:first@{edge.outside}:15060;transport=udp>"
        assert (first.value("contact"), first.value("expires")) == (contact, "600")
        far.answer(first, 401, 'WWW-Authenticate: Digest realm="telco", nonce="abc"')
        again = far.next("REGISTER")
        assert 'username="acme"' in again.value("authorization")
        # It takes its time, and names the other edge of the same account too.
        time.sleep(1.5)
        other = contact.replace(edge.outside, f"{net}.9")
        far.answer(again, 200, contact=f"{other};expires=7200, {contact};expires=40")
        answered = time.monotonic()
        until(lambda: edge.metrics()['kamailio_edge_registered{trunk="first"}'] == 1)
        assert edge.metrics()['kamailio_edge_refused{trunk="first"}'] == 0
        call = Dialog.of_caller(far, "+12025550123", "first", (edge.outside, 15060))
        far.send((edge.outside, 15060), far.request("INVITE", call.uri, call, body=sdp(far.host, 42000)))
        invite = node.next("INVITE")
        assert invite.uri == f"sip:{SHOWN}@{edge.inside}"
        node.answer(invite, 486)
        refreshed = far.next("REGISTER", seconds=30)
        assert "already freed" not in edge.log(), "tm has forgotten the first transaction, after 5 s"
        far.answer(refreshed, 401, 'WWW-Authenticate: Digest realm="telco", nonce="abc"')
        far.answer(far.next("REGISTER"), 401, 'WWW-Authenticate: Digest realm="telco", nonce="def", stale=true')
        refreshed = far.next("REGISTER")
        assert time.monotonic() - answered > 15, "half of 40 s"
        for _ in range(2):
            far.answer(refreshed, 403)
        until(lambda: edge.metrics()['kamailio_edge_refused{trunk="first"}'] == 1)
        assert edge.metrics()['kamailio_edge_registered{trunk="first"}'] == 0
        assert (
            '"event": "registration_failed", "trunk": "first", "status": 403' in edge.log() and SECRET not in edge.log()
        )

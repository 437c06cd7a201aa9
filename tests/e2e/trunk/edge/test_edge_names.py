"""Trunks whose hosts are names, at a real edge: Kamailio asks DNS, and not /etc/hosts."""

import os
import socket
import struct
import threading

import pytest

from lab.telco.certificates import Authority
from tests.e2e.trunk.edge.calls import places
from tests.e2e.trunk.edge.certificates import server_of
from tests.e2e.trunk.edge.peer import Dialog, Peer, sdp
from tests.e2e.trunk.edge.running import CALLED, SHOWN, Edge, a_moment, needs_edge
from tests.e2e.waiting import until

pytestmark = [needs_edge, pytest.mark.skipif(os.geteuid() != 0, reason="it gives Kamailio another /etc/resolv.conf")]


class NameServer:
    """Answers questions for A records (RFC 1035 §4) on port 53 of `host`; knows `addresses`, and nothing else."""

    def __init__(self, host: str, addresses: dict[str, str]) -> None:
        self.addresses = addresses
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 53))

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(512)
            except OSError:
                return
            labels, at = [], 12
            while data[at]:
                labels.append(data[at + 1 : at + 1 + data[at]].decode())
                at += 1 + data[at]
            question = data[12 : at + 5]
            address = self.addresses.get(".".join(labels))
            is_a = struct.unpack("!H", question[-4:-2])[0] == 1
            answer = b""
            if address and is_a:
                answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
            flags = 0x8180 if address else 0x8183
            head = data[:2] + struct.pack("!HHHHH", flags, 1, 1 if answer else 0, 0, 0)
            self._socket.sendto(head + question + answer, source)


@pytest.fixture
def named(tmp_path, net):
    """A name server, and what makes Kamailio ask it."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {net}.53\noptions timeout:1 attempts:1\n")
    script = f'mount --bind {resolver} /etc/resolv.conf && exec "$@"'
    with NameServer(f"{net}.53", {"sip.example.net": f"{net}.4"}) as server:
        yield server, ["unshare", "--mount", "sh", "-c", script, "sh"]


def _trunk(net: str, name: str, host: str, **rows) -> dict:
    return {"name": name, "hosts": [host], "display_numbers": [SHOWN], **rows}


def test_a_host_s_name_is_called_and_calls(tmp_path, net, named):
    _, before = named
    trunks = [_trunk(net, "unknown", "no-such.example.net"), _trunk(net, "first", "sip.example.net:15070")]
    edge = Edge(tmp_path, net, trunks)
    edge.before = before
    with edge, edge.node() as node, Peer(f"{net}.4", 15070) as far, Peer(f"{net}.99", 5099) as stranger:
        edge.sees(True, "first")
        edge.sees(False, "unknown")
        places(node, edge)
        invite = far.next("INVITE")
        assert invite.uri == f"sip:{CALLED}@sip.example.net:15070"
        far.answer(invite, 486)
        assert node.next("486").value("x-trunk") == "first"
        for peer in (stranger, far):
            theirs = Dialog.of_caller(peer, CALLED, SHOWN, (edge.outside, 15060))
            request = peer.request("INVITE", theirs.uri, theirs, body=sdp(peer.host, 42000))
            peer.send((edge.outside, 15060), request)
            if peer is stranger:
                a_moment()
                assert stranger.raw == [] and not [each for each in node.raw if theirs.call_id in each]
        node.answer(node.next("INVITE"), 486)
        far.next("486")


@pytest.mark.parametrize(
    ("certificate", "row", "is_good"),
    [
        ("sip.example.net", {}, True),
        ("*.example.net", {}, True),
        ("trunk.example.org", {}, False),
        ("trunk.example.org", {"name": "trunk.example.org"}, True),
        ("sip.example.net", {"name": "trunk.example.org"}, False),
        ("trunk.example.org", {"verify": False}, True),
    ],
)
def test_a_certificate_bears_the_name(tmp_path, net, named, certificate, row, is_good):
    _, before = named
    authority = Authority(tmp_path)
    own = authority.issue("edge")
    tls = {"ca": str(authority.certificate), **row}
    trunk = _trunk(net, "first", "sip.example.net:15071", transport="tls", tls=tls)
    edge = Edge(tmp_path, net, [trunk], certificate=own.certificate, key=own.key)
    edge.before = before
    with Peer(f"{net}.4", 15071, "tls", context=server_of(authority, certificate)) as far, edge:
        until(lambda: '"event": "trunk_host", "trunk": "first"' in edge.log())
        edge.sees(is_good, "first")  # it is set after the line is written
        assert far.probes

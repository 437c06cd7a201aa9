"""TLS of a trunk that a test plays, with a certificate of an authority of its own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.telco.certificates import Authority
from tests.e2e.trunk.edge.peer import Peer
from tests.e2e.trunk.edge.running import SHOWN, Edge


def server_of(authority: Authority, name: str, *, asks_client: bool = False) -> ssl.SSLContext:
    """`name`: of the certificate. `asks_client`: for a certificate of the same authority."""
    pair = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.certificate)
    return context


@contextmanager
def over_tls(folder: Path, net: str, **rows) -> Iterator[tuple[Edge, Peer, Peer]]:
    """An edge whose only trunk, `secure`, has TLS and lives; a node, and the trunk. `rows`: more of the trunk's."""
    authority = Authority(folder)
    own, host = authority.issue("edge"), f"{net}.4"
    tls = {"transport": "tls", "tls": {"ca": str(authority.certificate)}}
    trunk = {"name": "secure", "hosts": [f"{host}:15071"], "display_numbers": [SHOWN], **tls, **rows}
    with (
        Peer(host, 15071, "tls", context=server_of(authority, host)) as far,
        Edge(folder, net, [trunk], certificate=own.certificate, key=own.key) as edge,
        edge.node() as node,
    ):
        edge.sees(True, "secure")
        yield edge, node, far

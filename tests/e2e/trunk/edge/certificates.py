"""TLS of a trunk that a test plays, with a certificate of an authority of its own."""

import ssl

from lab.telco.certificates import Authority


def server_of(authority: Authority, name: str, *, asks_client: bool = False) -> ssl.SSLContext:
    """`name`: of the certificate. `asks_client`: for a certificate of the same authority."""
    pair = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.certificate)
    return context

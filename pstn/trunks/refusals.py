"""What a failure means in plain words, and which rows of the trunk file to change."""

import errno
import os
import socket
import ssl
from datetime import UTC, datetime
from typing import NamedTuple

from pstn.trunks.tls_context import TlsFileError
from pstn.trunks.trunk_file import Trunk


class Refusal(NamedTuple):
    """`change`: what to do; empty where it is not ours to change."""

    reason: str
    change: str

    def __str__(self) -> str:
        return f"{self.reason} → {self.change}" if self.change else self.reason


NOT_YET_VALID, EXPIRED, UNKNOWN_ISSUERS, WRONG_NAMES = 9, 10, {2, 18, 19, 20, 21}, {62, 64}
"""X509_V_ERR_… of OpenSSL's x509_vfy.h."""
TELEPHONE = (480, 486, 487, 600, 603)
"""The trunk reached the called party: nothing of the file is wrong."""
UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def of_name(error: OSError, host: str) -> Refusal:
    """A name that was not resolved: `socket.gaierror` or TimeoutError."""
    if isinstance(error, TimeoutError) or error.errno == socket.EAI_AGAIN:
        return Refusal(f"no DNS server answers what {host} is", "this machine's DNS; or hosts: an address instead")
    return Refusal(
        f"{host} is not found in DNS: it has no IPv4 address",
        "hosts: a name with an A record; SRV and NAPTR records are not looked up: name their targets as hosts",
    )


def of_certificate(error: ssl.SSLCertVerificationError, host: str) -> Refusal:
    """`host`: the name that the certificate must bear."""
    code, message, clock = error.verify_code, error.verify_message, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if code == EXPIRED:
        return Refusal("the trunk's certificate has expired", f"ask the provider, or set our clock: it is {clock}")
    if code == NOT_YET_VALID:
        return Refusal("the trunk's certificate is not valid yet", f"set our clock: it is {clock}")
    if code in WRONG_NAMES:
        return Refusal(
            f"the trunk's certificate is not for {host}", "hosts: the name that the provider gives; or tls.name"
        )
    if code in UNKNOWN_ISSUERS:
        return Refusal(
            f"nobody whom we trust vouches for the trunk's certificate ({message})",
            "tls.ca: a file with the provider's certificate authority",
        )
    return Refusal(f"the trunk's certificate is refused: {message}", "ask the provider")


def of_tls(error: ssl.SSLError) -> Refusal:
    reason = (error.reason or "").upper()
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return Refusal(
            f"the trunk ended the TLS handshake ({reason})", "it may want our certificate: tls.certificate, tls.key"
        )
    if "PROTOCOL_VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return Refusal("the trunk has no TLS 1.2 or later", "ask the provider")
    if "WRONG_VERSION" in reason or "RECORD" in reason or "UNKNOWN_PROTOCOL" in reason:
        return Refusal("what listens there does not speak TLS", "transport: tcp or udp, or the port of TLS in hosts")
    if "ALERT" in reason and ("CERT" in reason or "UNKNOWN_CA" in reason):
        return Refusal(f"the trunk refused our certificate ({reason})", "tls.certificate, tls.key")
    return Refusal(f"TLS failed ({reason or type(error).__name__})", "ask the provider")


def of_connection(error: OSError, transport: str, host: str, certified: str = "") -> Refusal:
    """A connection, or a UDP packet, that did not arrive. `certified`: the name of a certificate, if not the host's."""
    match error:
        case ssl.SSLCertVerificationError():
            return of_certificate(error, certified or host)
        case ssl.SSLError():
            return of_tls(error)
        case TlsFileError():
            return Refusal(str(error), error.row)
        case socket.gaierror():
            return of_name(error, host)
        case ConnectionRefusedError():
            return Refusal(f"nothing listens there over {transport.upper()}", "the port in hosts, or transport")
        case ConnectionResetError():
            wants = "our certificate (tls.certificate, tls.key)" if transport == "tls" else "a TLS connection"
            return Refusal("the host closed the connection", f"it may want {wants}, or another address of ours")
        case TimeoutError():
            return Refusal(
                "no connection in time", f"let {transport.upper()} to this address and port through the firewall"
            )
        case _ if error.errno in UNREACHABLE:
            return Refusal(
                f"no way to the host ({os.strerror(error.errno)})", "interface, the route to the host, or hosts"
            )
        case _:
            why = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
            return Refusal(f"not reached: {why}", "interface, or the route to the host")


def of_silence(transport: str) -> Refusal:
    first = (
        "let UDP to and from this address through the firewall"
        if transport == "udp"
        else "the port may not be that of SIP"
    )
    return Refusal(
        "no answer", f"{first}; the provider may answer only addresses that it was told, or no OPTIONS at all"
    )


def of_credentials(status: int, realm: str) -> Refusal:
    """The final answer to a request with credentials, or to one that needed none. `status`: not 2xx."""
    match status:
        case 401 | 407:
            return Refusal(
                f"the trunk refused our credentials ({status})",
                f"digest.user, digest.secret: they are for realm {realm!r}",
            )
        case 403:
            return Refusal(
                "the trunk refused our credentials (403)",
                "digest.user, digest.secret; or from.domain; or the account may not register from this address",
            )
        case 404:
            return Refusal("the trunk has no such account (404)", "digest.user, or from.domain")
        case 405 | 501:
            return Refusal(
                f"the host takes no registrations ({status})", "remove registration, or name registration.registrar"
            )
        case 423:
            return Refusal("the trunk wants a longer registration (423)", "registration.expires")
        case _:
            return Refusal(f"the trunk answered {status}", "ask the provider")


def of_call(status: int, trunk: Trunk) -> Refusal:
    """The final answer to an INVITE with our credentials where the trunk wants any. `status`: 300 or more."""
    match status:
        case 401 | 407:
            return Refusal(f"the trunk refused our credentials ({status})", "digest.user, digest.secret, digest.realm")
        case 403:
            return Refusal("the trunk does not let us call with this caller (403)", _caller_rows(trunk))
        case 404 | 484 | 604:
            return Refusal(
                f"the trunk does not know this number ({status})", "numbers.outbound: the provider's form of a number"
            )
        case 408:
            return Refusal(
                "no answer (408)", "let it through the firewall; ask the provider whether it knows our address"
            )
        case 415 | 488 | 606:
            return Refusal(f"the trunk refused our audio ({status})", _audio_rows(trunk))
        case 421 | 420 | 422 | 494:
            return Refusal(f"the trunk demands an extension that is not served here ({status})", "ask the provider")
        case _ if status in TELEPHONE:
            return Refusal(f"the telephone was not reached ({status})", "answer the test call, or call another number")
        case 503:
            return Refusal(
                "the trunk has no room, or is down (503)", "calls and calls_per_second: what the provider allows"
            )
        case _:
            return Refusal(f"the trunk answered {status}", "ask the provider")


def _caller_rows(trunk: Trunk) -> str:
    """Rows by which a caller is named, those first that are not used yet."""
    shown, rows = trunk.identity, []
    if not shown.pai:
        rows.append("identity.pai: true")
    if not shown.ppi:
        rows.append("identity.ppi: true")
    if trunk.digest and not trunk.from_.user:
        rows.append("from.user: the account's user")
    if not trunk.from_.domain:
        rows.append("from.domain: the provider's")
    rows.append("numbers.outbound: the form of the display number")
    return f"try, one at a time: {'; '.join(rows)}; and ask whether the display number is this trunk's"


def _audio_rows(trunk: Trunk) -> str:
    srtp = {
        "off": "srtp: mandatory (with transport: tls)",
        "optional": "srtp: mandatory, or off",
        "mandatory": "srtp: off, if the provider has none",
    }[trunk.srtp]
    codecs = [each for each in ("pcma", "pcmu", "g722", "opus") if each not in trunk.codecs]
    return f"{srtp}; codecs: {f'add {codecs[0]}' if codecs else 'fewer'}"

"""A host of a trunk on loopback, which answers each request as a function says; and its certificates."""

import asyncio
import datetime
import ssl
from collections.abc import Callable
from contextlib import suppress
from hashlib import md5, sha256
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pstn.sip_messages import Request, parsed, response

Reply = tuple[int, dict[str, str]] | int | None
"""A status with further headers or without; None: silence. A header "via" replaces what is added to the Via."""
Says = Callable[[Request], Reply]


class Peer:
    def __init__(self, says: Says) -> None:
        self.says, self.asked = says, list[Request]()
        self.port = 0
        self._closing: Any = None

    async def start(self, transport: str, context: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        if transport == "udp":
            socket, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=("127.0.0.1", 0))
            self.port, self._closing = socket.get_extra_info("sockname")[1], socket
        else:
            server = await loop.create_server(lambda: _Stream(self), "127.0.0.1", 0, ssl=context)
            self.port, self._closing = server.sockets[0].getsockname()[1], server

    def close(self) -> None:
        self._closing.close()

    def answer(self, data: bytes) -> bytes | None:
        request = parsed(data)
        if request is None:
            return None
        self.asked.append(request)
        reply = self.says(request)
        if reply is None:
            return None
        status, more = reply if isinstance(reply, tuple) else (reply, {})
        via = more.pop("via", "")
        said = response(status, request, "peer", *more.items())
        return said.replace(b";rport\r\n", f";rport{via}\r\n".encode(), 1)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def connection_made(self, transport: Any) -> None:
        self._out = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if said := self._peer.answer(data):
            self._out.sendto(said, addr)


class _Stream(asyncio.Protocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def connection_made(self, transport: Any) -> None:
        self._out = transport

    def data_received(self, data: bytes) -> None:
        if said := self._peer.answer(data):
            with suppress(OSError):
                self._out.write(b"\r\n")  # a keep-alive
                self._out.write(said[:20])  # a stream has no packets
                self._out.write(said[20:])


class Account:
    """Answers as a registrar with one account; a nonce is good for one request where `stale` says so."""

    def __init__(
        self,
        user: str,
        secret: str,
        realm: str,
        algorithm: str = "MD5",
        *,
        status: int = 401,
        qop: str = "auth",
        **then: Any,
    ) -> None:
        self.user, self.secret, self.realm, self.algorithm, self.status, self.qop = (
            user,
            secret,
            realm,
            algorithm,
            status,
            qop,
        )
        self.refuses, self.stale = then.get("refuses", 0), then.get("stale", False)

    def __call__(self, request: Request) -> Reply:
        if request.method == "OPTIONS" and self.status == 401:
            return 200
        given = request.value("authorization" if self.status == 401 else "proxy-authorization")
        if not given:
            return self._challenge("first")
        said = parse_keqv_list(parse_http_list(given.removeprefix("Digest ")))
        if self.refuses:
            return self.refuses
        if said["response"] != self._wanted(said, request.method):
            return self._challenge("first")
        if self.stale and said["nonce"] == "first":
            return self._challenge("second", stale="true")
        return 200, {"Contact": "<sip:acme@192.0.2.7>, <sip:acme@192.0.2.8>"}

    def _challenge(self, nonce: str, **more: str) -> Reply:
        name = "WWW-Authenticate" if self.status == 401 else "Proxy-Authenticate"
        rows = {
            "realm": self.realm,
            "nonce": nonce,
            "opaque": "o, p",
            **({"qop": self.qop} if self.qop else {}),
            **more,
        }
        text = ", ".join(f'{key}="{value}"' for key, value in rows.items())
        return self.status, {name: f"Digest {text}, algorithm={self.algorithm}"}

    def _wanted(self, said: dict[str, str], method: str) -> str:
        """As RFC 7616 §3.4.1 has it, of what the request says."""
        kind = {"MD5": md5, "SHA-256": sha256}[self.algorithm]

        def hashed(*parts: str) -> str:
            return kind(":".join(parts).encode()).hexdigest()

        middle = [said["nc"], said["cnonce"], said["qop"]] if self.qop else []
        secret = hashed(self.user, self.realm, self.secret)
        return hashed(secret, said["nonce"], *middle, hashed(method, said["uri"]))


class Authority:
    """A certificate authority with its certificates, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._written("ca", self._certificate("ca", "ca", self._key, (-1, 100), is_ca=True), self._key)[0]

    def issue(self, name: str, *, days: tuple[float, float] = (-1, 60), self_signed: bool = False) -> tuple[Path, Path]:
        """Certificate and key, valid from and to so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._certificate(name, name if self_signed else "ca", key, days)
        return self._written(f"{name}-{days[1]}-{self_signed}", made, key)

    def _certificate(
        self, name: str, issuer: str, key: ec.EllipticCurvePrivateKey, days: tuple[float, float], *, is_ca: bool = False
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, issuer)]
        other = x509.IPAddress(IPv4Address(name)) if name[0].isdigit() else x509.DNSName(name)
        builder = (
            x509.CertificateBuilder(names[1], names[0], key.public_key(), x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.SubjectAlternativeName([other]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        return builder.sign(self._key if issuer == "ca" else key, hashes.SHA256())

    def _written(self, name: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[Path, Path]:
        certificate, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return certificate, secret

"""Posting to an SP: what really goes over the line, and what never does. The SP's servers here listen on loopback."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address, ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from duologue.adapters.notifying.dns_names import addresses_of
from duologue.adapters.notifying.http_sp_endpoints import HttpSpEndpoints, HttpTimeouts
from duologue.adapters.notifying.sp_urls import ResolvedSpUrls
from duologue.domain.errors import ForbiddenAddress, InvalidField
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from tools.template import ROOT

NAME = "sp.example.com"
HERE = IPv4Address("127.0.0.1")
SHORT = HttpTimeouts(connect=timedelta(seconds=1), whole=timedelta(seconds=0.4))


class Server(HTTPServer):
    """An SP's server that keeps what it got and answers with `status`, `headers` and `body`."""

    def __init__(
        self, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None, address: str = "127.0.0.1"
    ) -> None:
        super().__init__((address, 0), Handler)
        self.status, self.body, self.headers = status, body, headers or {}
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    def handle_error(self, request, client_address) -> None:
        """A client that went away, or did not trust us, is what some tests want."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(server: Server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def talking(talk: Callable[[socket.socket], None]):
    """A server that speaks no proper HTTP: `talk` has the connection for itself."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        line.settimeout(5)  # if the platform does not hang up, the server does, and the platform says so
        with line:
            try:
                talk(line)
            except OSError:  # the platform hung up, as it should
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join()


def on_laptop(addresses_of) -> HttpSpEndpoints:
    return HttpSpEndpoints(ResolvedSpUrls(addresses_of, allow_loopback=True, allow_plain_http=True))


def here(**more) -> HttpSpEndpoints:
    urls = ResolvedSpUrls(lambda host: [HERE], allow_loopback=True, allow_plain_http=True)
    return HttpSpEndpoints(urls, **more)


def request(url: str) -> WebhookRequest:
    return WebhookRequest(url, {"Content-Type": "application/json;charset=UTF-8", "X-Signed": "yes"}, b'{"a":1}')


def test_an_sp_has_the_time_that_its_page_says():
    assert HttpTimeouts().whole == timedelta(seconds=6)
    assert "any other 2xx within six seconds" in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_a_request_arrives_as_it_was_written():
    server = Server(body=b'{"resultcode":"0"}')
    with serving(server) as port:
        assert here().post(request(f"http://{NAME}:{port}/status?sp=1")) == Reply(200, b'{"resultcode":"0"}')
    ((path, headers, body),) = server.got
    assert (path, body) == ("/status?sp=1", b'{"a":1}')
    assert headers["Host"] == f"{NAME}:{port}"
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["X-Signed"] == "yes"
    assert headers["Content-Length"] == "7"


def test_no_redirect_is_followed():
    other = Server()
    with serving(other) as elsewhere:
        server = Server(status=302, headers={"Location": f"http://127.0.0.1:{elsewhere}/"})
        with serving(server) as port:
            assert here().post(request(f"http://{NAME}:{port}/")).status == 302
    assert len(server.got) == 1 and not other.got


def test_the_environments_proxy_is_not_used(monkeypatch):
    proxy = Server()
    with serving(proxy) as proxy_port, serving(Server()) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy_port}")
        assert here().post(request(f"http://{NAME}:{port}/")).status == 200
    assert not proxy.got


class Names:
    """A name server that gives another answer each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def __call__(self, host: str):
        return [ip_address(address) for address in self.answers.pop(0)]


def test_a_name_that_was_allowed_when_saved_is_judged_again_when_used():
    server = Server()
    with serving(server) as port:
        names = Names(["8.8.8.8"], ["127.0.0.1"])
        urls = ResolvedSpUrls(names, allow_plain_http=True)
        url = f"http://{NAME}:{port}/"
        urls.check([("statusUrl", url)])
        reply = HttpSpEndpoints(urls).post(request(url))
    assert reply.status is None and "resolves to an address" in reply.note
    assert not server.got


def test_a_name_is_looked_up_once_per_request_so_it_cannot_change_in_between():
    names = Names(["127.0.0.1"])
    with serving(Server()) as port:
        reply = on_laptop(names).post(request(f"http://{NAME}:{port}/"))
    assert reply.status == 200
    assert names.answers == []


def test_the_connection_goes_to_the_address_that_was_judged():
    try:
        server = Server(address="127.0.0.2")
    except OSError as error:
        pytest.skip(f"this system has one loopback address only: {error}")
    with serving(server) as port:
        reply = on_laptop(Names(["127.0.0.2"])).post(request(f"http://localhost:{port}/"))
    assert reply.status == 200
    assert server.got[0][1]["Host"] == f"localhost:{port}"


def test_the_next_address_is_tried_when_one_takes_no_connection():
    server = Server()
    with serving(server) as port:
        endpoints = on_laptop(Names(["127.0.0.2", "127.0.0.1"]))
        assert endpoints.post(request(f"http://{NAME}:{port}/")).status == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "64:ff9b::a9fe:a9fe"])
def test_forbidden_addresses_are_refused_when_saved(address):
    urls = ResolvedSpUrls(Names([address]), allow_plain_http=True)
    with pytest.raises(ForbiddenAddress, match="feeUrl resolves"):
        urls.check([("feeUrl", f"http://{NAME}/")])


def test_what_is_no_url_is_refused_when_saved_and_not_sent():
    for text in ("no url", f"http://{NAME}:25/"):
        with pytest.raises(InvalidField, match="statusUrl"):
            ResolvedSpUrls(lambda host: [HERE]).check([("statusUrl", text)])
        assert here().post(request(text)).status is None


def test_a_host_that_two_urls_name_is_looked_up_once():
    names = Names(["8.8.8.8"])
    ResolvedSpUrls(names).check([("statusUrl", f"https://{NAME}/status"), ("feeUrl", f"https://{NAME}/fee")])
    assert names.answers == []


def test_two_hosts_are_looked_up_at_once_so_that_both_take_no_longer_than_one():
    both = threading.Barrier(2, timeout=10)

    def slow(host: str):
        both.wait()
        return [ip_address("8.8.8.8")]

    ResolvedSpUrls(slow).check([("statusUrl", "https://a.example.com/"), ("feeUrl", "https://b.example.com/")])


def test_a_host_that_no_resolver_speaks_of_passes_when_saved_and_gets_nothing():
    """It is no fault of the SP's, and what was not judged is not posted to."""
    urls = ResolvedSpUrls(lambda host: None)
    urls.check([("statusUrl", f"https://{NAME}/")])
    assert HttpSpEndpoints(urls).post(request(f"https://{NAME}/")) == Reply(
        None, note="the URL's host could not be looked up"
    )


def test_beside_a_host_that_no_resolver_speaks_of_a_forbidden_one_is_refused():
    urls = ResolvedSpUrls(lambda host: [HERE] if host == "inside.example.com" else None)
    with pytest.raises(ForbiddenAddress, match="feeUrl resolves"):
        urls.check([("statusUrl", f"https://{NAME}/"), ("feeUrl", "https://inside.example.com/")])


def test_a_name_that_does_not_exist_is_refused_when_saved():
    with pytest.raises(ForbiddenAddress, match="feeUrl names a host that has no address"):
        ResolvedSpUrls(lambda host: []).check([("feeUrl", f"https://{NAME}/")])


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), ()),
        (socket.gaierror(socket.EAI_AGAIN, "no server answered"), None),
        (socket.gaierror(socket.EAI_FAIL, "a server failed"), None),
        (OSError("no descriptors left"), None),
    ],
)
def test_that_a_name_does_not_exist_is_another_thing_than_that_nobody_knows(monkeypatch, error, found):
    def fail(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert addresses_of(NAME) == found


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: over.wait(10) and [])
    monkeypatch.setattr("duologue.adapters.notifying.dns_names._TIMEOUT_SECONDS", 0.05)
    try:
        assert addresses_of(NAME) is None
    finally:
        over.set()


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    reply = here().post(request(f"http://{NAME}:{port}/"))
    assert reply == Reply(None, note="no HTTP response")
    assert reply.cause.startswith("ConnectionRefusedError: ")


def drip(line: socket.socket, text: bytes) -> None:
    """A byte every now and then, so that no single wait is long."""
    for place in range(len(text)):
        line.sendall(text[place : place + 1])
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("at_once", "slowly", "status"),
    [
        (b"", b"", None),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, None),
        (b"HTTP/1.1 200 OK\r\n", b"X-Slow: yes\r\n" * 100, 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 1000, 200),
    ],
)
def test_who_speaks_without_end_is_cut_off_in_the_middle(at_once, slowly, status):
    """Each byte comes in time, the last one never would: the limit is of the whole exchange."""
    ends = []

    def talk(line: socket.socket) -> None:
        with suppress(OSError):  # the platform has hung up
            line.sendall(at_once)
            drip(line, slowly)
            while line.recv(4096):
                pass
            return
        ends.append("cut off")

    with talking(talk) as port:
        reply = here(timeouts=SHORT).post(request(f"http://{NAME}:{port}/"))
    assert (reply.status, reply.note) == (status, "" if status else "too slow")
    assert ends == (["cut off"] if slowly else [])


class Line:
    """A connection to a server that sends `pieces`, then does what `end` says: closes, goes on waiting, or breaks."""

    def __init__(self, pieces: list[bytes], end: bytes | OSError) -> None:
        self.pieces, self.end = [piece for piece in pieces if piece], end
        self.timeouts: list[float] = []
        self.sent = b""

    def recv(self, size: int) -> bytes:
        if self.pieces:
            piece = self.pieces.pop(0)
            if piece[size:]:
                self.pieces.insert(0, piece[size:])
            return piece[:size]
        if isinstance(self.end, OSError):
            raise self.end
        return self.end

    def send(self, data: bytes) -> int:
        self.sent += data[:7]
        return len(data[:7])

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *error: object) -> None:
        return None


CLOSES, STAYS_OPEN, BREAKS = b"", TimeoutError(), ConnectionResetError()
TAKEN, REFUSED = b'{"resultcode":"0"}', b'{"resultcode":"1020001"}'


def of_length(length: int, body: bytes, status: str = "200 OK", headers: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n".encode() + headers + b"\r\n" + body


OK = of_length(18, TAKEN)
REPLIES: dict[str, tuple[bytes, bytes | OSError, Reply]] = {
    "plain": (OK, CLOSES, Reply(200, TAKEN)),
    "the connection stays open": (OK, STAYS_OPEN, Reply(200, TAKEN)),
    "reset after the end": (OK, BREAKS, Reply(200, TAKEN)),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", STAYS_OPEN, Reply(204)),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", STAYS_OPEN, Reply(200)),
    "a reason in UTF-8": (of_length(0, b"", "200 \u6210\u529f"), STAYS_OPEN, Reply(200)),
    "line feeds only": (OK.replace(b"\r\n", b"\n"), STAYS_OPEN, Reply(200, TAKEN)),
    "HTTP/1.0, until it closes": (b"HTTP/1.0 200 OK\r\n\r\n" + TAKEN, CLOSES, Reply(200, TAKEN)),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12;ext=1\r\n" + TAKEN + b"\r\n0\r\nX-T: 1\r\n\r\n",
        STAYS_OPEN,
        Reply(200, TAKEN),
    ),
    "a redirect": (of_length(0, b"", "307 T", b"Location: http://127.0.0.1:1/\r\n"), CLOSES, Reply(307)),
    "a wait": (of_length(0, b"", "503 Busy", b"retry-AFTER: 40\r\n"), CLOSES, Reply(503, retry_after="40")),
    "100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, STAYS_OPEN, Reply(200, TAKEN)),
    "102": (b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + OK, STAYS_OPEN, Reply(200, TAKEN)),
    "103": (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + OK, STAYS_OPEN, Reply(200, TAKEN)),
    "199, then no": (b"HTTP/1.1 199 X\r\n\r\n" + of_length(0, b"", "500 E"), STAYS_OPEN, Reply(500)),
    "101, which nobody asked for": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK, STAYS_OPEN, Reply(101)),
    "102 and no more": (b"HTTP/1.1 102 Processing\r\n\r\n", STAYS_OPEN, Reply(None, note="too slow")),
    "half a 102": (b"HTTP/1.1 102 Processing\r\nX: y\r\n", STAYS_OPEN, Reply(None, note="too slow")),
    "102 and the end": (b"HTTP/1.1 102 Processing\r\n\r\n", CLOSES, Reply(None, note="no HTTP response")),
    "a body without an end": (b"HTTP/1.1 200 OK\r\n\r\n" + REFUSED, STAYS_OPEN, Reply(200, REFUSED)),
    "a body that is late": (of_length(18, b""), STAYS_OPEN, Reply(200)),
    "half a body": (of_length(18, TAKEN[:9]), STAYS_OPEN, Reply(200, TAKEN[:9])),
    "shorter than said": (of_length(400, REFUSED), CLOSES, Reply(200, REFUSED)),
    "shorter than said, broken off": (of_length(400, REFUSED), BREAKS, Reply(200, REFUSED)),
    "longer than said": (of_length(2, b"{}garbage"), CLOSES, Reply(200, b"{}")),
    "two lengths": (of_length(2, b"{}", headers=b"Content-Length: 3\r\n"), CLOSES, Reply(200)),
    "a header that is none": (of_length(0, b"", headers=b"no header\r\n"), CLOSES, Reply(200)),
    "103 before such a header": (
        b"HTTP/1.1 103 E\r\n\r\n" + of_length(0, b"", headers=b"no header\r\n"),
        CLOSES,
        Reply(200),
    ),
    "a chunk that is none": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        CLOSES,
        Reply(200),
    ),
    "130 cookies": (
        of_length(18, REFUSED[:18], headers=b"Set-Cookie: a=b\r\n" * 130),
        CLOSES,
        Reply(200, REFUSED[:18]),
    ),
    "headers without an end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, STAYS_OPEN, Reply(200)),
    "only the beginning of a long body": (of_length(9000, b"x" * 9000), STAYS_OPEN, Reply(200, b"x" * 4096)),
    "nothing": (b"", CLOSES, Reply(None, note="no HTTP response")),
    "nothing yet": (b"", STAYS_OPEN, Reply(None, note="too slow")),
    "reset at once": (b"", BREAKS, Reply(None, note="no HTTP response")),
    "half a status line": (b"HTTP/1.1 200 O", STAYS_OPEN, Reply(None, note="too slow")),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", STAYS_OPEN, Reply(None, note="too slow")),
    "no status": (b"HTTP/1.1 abc\r\n\r\n", STAYS_OPEN, Reply(None, note="no HTTP response")),
    "a status after garbage": (b"garbage\r\n" + OK, CLOSES, Reply(None, note="no HTTP response")),
    "zeros": (b"\0" * 70_000, STAYS_OPEN, Reply(None, note="no HTTP response")),
}


@pytest.mark.parametrize("pieces", [1, 7, 5000])
@pytest.mark.parametrize("name", REPLIES)
def test_a_final_status_line_is_a_reply_and_what_was_read_of_the_body_belongs_to_it(monkeypatch, name, pieces):
    text, end, expected = REPLIES[name]
    size = max(1, len(text) // pieces)
    line = Line([text[place : place + size] for place in range(0, len(text), size)], end)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **more: line)
    assert here().post(request(f"http://{NAME}/")) == expected
    assert line.sent.startswith(b"POST / HTTP/1.1\r\nHost: sp.example.com\r\n") and line.sent.endswith(
        b'\r\n\r\n{"a":1}'
    )


@pytest.mark.parametrize("counts", [True, False])
def test_a_body_that_decides_nothing_is_not_waited_for_to_the_deadline(monkeypatch, counts):
    """Each of a call's notifications waits for the one before it."""
    line = Line([of_length(18, b"")], STAYS_OPEN)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **more: line)
    assert here().post(replace(request(f"http://{NAME}/"), reply_body_counts=counts)).status == 200
    assert (line.timeouts[-1] > 1) == counts


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A certificate authority of this test's own, and a server's certificate by it."""

    def __init__(self, tmp_path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .add_extension(_SIGNS, critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.file = tmp_path / "server.pem"
        self.file.write_bytes(secret + self.pem.encode())

    def server(self, asked: list[str]) -> Server:
        """A server with this certificate; `asked` gets the name that each client asks for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        context.sni_callback = lambda line, name, own: asked.append(name)
        server = Server()
        server.socket = context.wrap_socket(server.socket, server_side=True)
        return server

    def trusted(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.pem)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
        return context


@pytest.mark.parametrize("host", [NAME, f"{NAME}."])
def test_tls_speaks_of_the_name_and_goes_to_the_address(tmp_path, host):
    authority = Authority(tmp_path, NAME)
    asked: list[str] = []
    server = authority.server(asked)
    with serving(server) as port:
        reply = here(tls=authority.trusted()).post(request(f"https://{host}:{port}/"))
    assert reply == Reply(200)
    assert asked == [NAME]
    assert server.got[0][1]["Host"] == f"{host}:{port}"


def test_a_certificate_of_another_name_is_not_taken(tmp_path):
    authority = Authority(tmp_path, "other.example.com")
    server = authority.server([])
    with serving(server) as port:
        reply = here(tls=authority.trusted()).post(request(f"https://{NAME}:{port}/"))
    assert reply == Reply(None, note="no HTTP response")
    assert reply.cause.startswith("SSLCertVerificationError: ")
    assert not server.got


def test_an_authority_that_the_system_does_not_trust_is_not_taken(tmp_path):
    server = Authority(tmp_path, NAME).server([])
    with serving(server) as port:
        reply = here().post(request(f"https://{NAME}:{port}/"))
    assert reply.status is None and reply.cause.startswith("SSLCertVerificationError: ")
    assert not server.got


@pytest.mark.parametrize("greeting", [b"", b"\x16\x03\x03\x3f\xff" + bytes(100)])
def test_who_takes_the_connection_and_never_ends_its_tls_greeting_is_cut_off_in_time(greeting):
    def talk(line: socket.socket) -> None:
        drip(line, greeting)
        while line.recv(4096):
            pass

    with talking(talk) as port:
        assert here(timeouts=SHORT).post(request(f"https://{NAME}:{port}/")) == Reply(None, note="too slow")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"])
def test_an_address_needs_no_resolver(monkeypatch, address):
    monkeypatch.delattr(socket, "getaddrinfo")
    assert addresses_of(address) == (ip_address(address),)


def test_the_systems_resolver_knows_loopback_and_no_invented_name():
    assert all(address.is_loopback for address in addresses_of("localhost"))
    assert addresses_of("a" * 300) == ()


def test_plain_http_is_for_whom_the_operator_allows_it():
    """At save and at send alike; what was saved while it was allowed is not posted to any more."""
    strict = ResolvedSpUrls(lambda host: [HERE], allow_loopback=True)
    strict.check([("feeUrl", f"https://{NAME}/fee")])
    with pytest.raises(ForbiddenAddress, match=r"^feeUrl must be an https URL"):
        strict.check([("feeUrl", f"http://{NAME}/fee")])
    server = Server()
    with serving(server) as port:
        assert HttpSpEndpoints(strict).post(request(f"http://{NAME}:{port}/")) == Reply(
            None, note="the URL must be an https URL"
        )
        assert here().post(request(f"http://{NAME}:{port}/")).status == 200

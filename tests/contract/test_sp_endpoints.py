"""Posting to an SP: what really goes over the line, and what never does. The SP's servers here listen on loopback."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address, ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from duologue.adapters.dns_names import addresses_of
from duologue.adapters.http_sp_endpoints import HttpSpEndpoints, HttpTimeouts
from duologue.domain.errors import ForbiddenAddress, InvalidField
from duologue.domain.webhook_request import Reply, WebhookRequest

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


def here(**more) -> HttpSpEndpoints:
    return HttpSpEndpoints(lambda host: [HERE], allow_loopback=True, allow_plain_http=True, **more)


def request(url: str) -> WebhookRequest:
    return WebhookRequest(url, {"Content-Type": "application/json;charset=UTF-8", "X-Signed": "yes"}, b'{"a":1}')


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


def test_of_a_long_reply_only_the_beginning_is_read():
    with serving(Server(body=b"x" * 100_000)) as port:
        reply = here().post(request(f"http://{NAME}:{port}/"))
    assert (reply.status, reply.body) == (200, b"x" * 4096)


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
        endpoints = HttpSpEndpoints(names, allow_plain_http=True)
        url = f"http://{NAME}:{port}/"
        endpoints.check([("statusUrl", url)])
        reply = endpoints.post(request(url))
    assert reply.status is None and "resolves to an address" in reply.note
    assert not server.got


def test_a_name_is_looked_up_once_per_request_so_it_cannot_change_in_between():
    names = Names(["127.0.0.1"])
    with serving(Server()) as port:
        reply = HttpSpEndpoints(names, allow_loopback=True, allow_plain_http=True).post(
            request(f"http://{NAME}:{port}/")
        )
    assert reply.status == 200
    assert names.answers == []


def test_the_connection_goes_to_the_address_that_was_judged():
    try:
        server = Server(address="127.0.0.2")
    except OSError as error:
        pytest.skip(f"this system has one loopback address only: {error}")
    with serving(server) as port:
        reply = HttpSpEndpoints(Names(["127.0.0.2"]), allow_loopback=True, allow_plain_http=True).post(
            request(f"http://localhost:{port}/")
        )
    assert reply.status == 200
    assert server.got[0][1]["Host"] == f"localhost:{port}"


def test_the_next_address_is_tried_when_one_takes_no_connection():
    server = Server()
    with serving(server) as port:
        endpoints = HttpSpEndpoints(Names(["127.0.0.2", "127.0.0.1"]), allow_loopback=True, allow_plain_http=True)
        assert endpoints.post(request(f"http://{NAME}:{port}/")).status == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "64:ff9b::a9fe:a9fe"])
def test_forbidden_addresses_are_refused_when_saved(address):
    endpoints = HttpSpEndpoints(Names([address]), allow_plain_http=True)
    with pytest.raises(ForbiddenAddress, match="feeUrl resolves"):
        endpoints.check([("feeUrl", f"http://{NAME}/")])


def test_what_is_no_url_is_refused_when_saved_and_not_sent():
    with pytest.raises(InvalidField, match="statusUrl"):
        here().check([("statusUrl", "no url")])
    assert here().post(request("no url")).status is None


def test_a_host_that_two_urls_name_is_looked_up_once():
    names = Names(["8.8.8.8"])
    HttpSpEndpoints(names).check([("statusUrl", f"https://{NAME}/status"), ("feeUrl", f"https://{NAME}/fee")])
    assert names.answers == []


def test_two_hosts_are_looked_up_at_once_so_that_both_take_no_longer_than_one():
    both = threading.Barrier(2, timeout=10)

    def slow(host: str):
        both.wait()
        return [ip_address("8.8.8.8")]

    HttpSpEndpoints(slow).check([("statusUrl", "https://a.example.com/"), ("feeUrl", "https://b.example.com/")])


def test_a_host_that_no_resolver_speaks_of_passes_when_saved_and_gets_nothing():
    """It is no fault of the SP's, and what was not judged is not posted to."""
    endpoints = HttpSpEndpoints(lambda host: None)
    endpoints.check([("statusUrl", f"https://{NAME}/")])
    assert endpoints.post(request(f"https://{NAME}/")) == Reply(None, note="the URL's host could not be looked up")


def test_beside_a_host_that_no_resolver_speaks_of_a_forbidden_one_is_refused():
    endpoints = HttpSpEndpoints(lambda host: [HERE] if host == "inside.example.com" else None)
    with pytest.raises(ForbiddenAddress, match="feeUrl resolves"):
        endpoints.check([("statusUrl", f"https://{NAME}/"), ("feeUrl", "https://inside.example.com/")])


def test_a_name_that_does_not_exist_is_refused_when_saved():
    with pytest.raises(ForbiddenAddress, match="feeUrl names a host that has no address"):
        HttpSpEndpoints(lambda host: []).check([("feeUrl", f"https://{NAME}/")])


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
    monkeypatch.setattr("duologue.adapters.dns_names._TIMEOUT_SECONDS", 0.05)
    try:
        assert addresses_of(NAME) is None
    finally:
        over.set()


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert here().post(request(f"http://{NAME}:{port}/")) == Reply(None, note="ConnectionRefusedError")


def drip(line: socket.socket, text: bytes) -> None:
    """A byte every now and then, so that no single wait is long."""
    for place in range(len(text)):
        line.sendall(text[place : place + 1])
        time.sleep(0.02)


@pytest.mark.parametrize(
    "talk",
    [
        lambda line: line.recv(1),
        lambda line: line.close(),
        lambda line: line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda line: line.sendall(b"HTTP/1.1 abc\r\n\r\n"),
        lambda line: line.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200),
        lambda line: line.sendall(b"\0" * 70_000),
    ],
)
def test_who_speaks_no_http_has_not_replied(talk):
    with talking(talk) as port:
        reply = here(timeouts=SHORT).post(request(f"http://{NAME}:{port}/"))
    assert reply.status is None and reply.note


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
    ],
)
def test_who_speaks_without_end_is_cut_off_in_the_middle(text):
    """Each byte comes in time, the last one never would: the limit is of the whole exchange."""
    ends = []

    def talk(line: socket.socket) -> None:
        with suppress(OSError):  # the platform has hung up
            drip(line, text)
            while line.recv(4096):
                pass
            return
        ends.append("cut off")

    with talking(talk) as port:
        reply = here(timeouts=SHORT).post(request(f"http://{NAME}:{port}/"))
    assert reply.status is None and reply.note in ("too slow", "TimeoutError")
    assert ends == (["cut off"] if text else [])


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
    assert reply == Reply(None, note="SSLCertVerificationError")
    assert not server.got


def test_an_authority_that_the_system_does_not_trust_is_not_taken(tmp_path):
    server = Authority(tmp_path, NAME).server([])
    with serving(server) as port:
        assert here().post(request(f"https://{NAME}:{port}/")) == Reply(None, note="SSLCertVerificationError")
    assert not server.got


def test_who_takes_the_connection_and_never_greets_is_cut_off_in_time():
    def talk(line: socket.socket) -> None:
        while line.recv(4096):
            pass

    with talking(talk) as port:
        assert here(timeouts=SHORT).post(request(f"https://{NAME}:{port}/")) == Reply(None, note="too slow")


def test_the_systems_resolver_knows_addresses_and_loopback_and_no_invented_name():
    assert addresses_of("127.0.0.1") == (HERE,)
    assert addresses_of("::1") == (ip_address("::1"),)
    assert all(address.is_loopback for address in addresses_of("localhost"))
    assert addresses_of("a" * 300) == ()


def test_plain_http_is_for_whom_the_operator_allows_it():
    """At save and at send alike; what was saved while it was allowed is not posted to any more."""
    strict = HttpSpEndpoints(lambda host: [HERE], allow_loopback=True)
    strict.check([("feeUrl", f"https://{NAME}/fee")])
    with pytest.raises(ForbiddenAddress, match=r"^feeUrl must be an https URL"):
        strict.check([("feeUrl", f"http://{NAME}/fee")])
    server = Server()
    with serving(server) as port:
        assert strict.post(request(f"http://{NAME}:{port}/")) == Reply(None, note="the URL must be an https URL")
        assert here().post(request(f"http://{NAME}:{port}/")).status == 200

"""Which requests a server on loopback answers, and that no answer of it can be read by another site."""

import asyncio
import http.client
import re
import socket
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pstn.http_guard import GuardedHandler, LoopbackHttpServer, guarded, refusal
from pstn.serve import LoopbackServer
from pstn.service import PstnService

ROOT = Path(__file__).parents[2]
PORT = 4566
OWN = ("Host", f"127.0.0.1:{PORT}")
NAVIGATED = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))


def judged(*headers, method="GET", **more):
    """The rule that refused, or None."""
    reason = refusal(method, headers, PORT, **more)
    return reason and reason.removeprefix("Refused by the ").partition(" rule: ")[0]


class TestHost:
    @pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "LocalHost:4566", "[::1]:4566"])
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
    def test_loopback_with_our_port(self, host, method):
        assert judged(("host", host), method=method) is None

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "127.0.0.1:45660",
            "127.0.0.2:4566",
            "evil.example:4566",
            "rebind.evil.example:4566",
            "127.0.0.1.evil.example:4566",
            "evil.localhost:4566",
            "bucket.s3.localhost:4566",
            "localhost.:4566",
            "user@127.0.0.1:4566",
            "127.0.0.1:4566, evil.example",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
    def test_any_other(self, host, method):
        assert judged(("Host", host), method=method) == "Host"

    def test_none_and_two(self):
        assert judged() == "Host"
        assert judged(OWN, OWN) == "Host"

    def test_a_name_that_the_server_was_given(self):
        also = ["https://site.example"]
        assert judged(("Host", "site.example"), also=also) is None
        assert judged(("Host", "site.example:4566"), also=also) == "Host"
        assert judged(OWN, also=also) is None


class TestOrigin:
    FOREIGN = (
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8090",
        "https://127.0.0.1:4566",
        "http://evil.localhost:4566",
        "http://127.0.0.1:4566.evil.example",
        "http://127.0.0.1:4566/",
        "http://127.0.0.1:4566 http://evil.example",
    )

    @pytest.mark.parametrize("origin", FOREIGN)
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
    @pytest.mark.parametrize("pages", [True, False])
    def test_of_another_site(self, origin, method, pages):
        assert judged(OWN, ("Origin", origin), method=method, pages=pages) == "Origin"

    @pytest.mark.parametrize("origin", ["http://127.0.0.1:4566", "http://localhost:4566"])
    def test_our_own_page_if_there_is_one(self, origin):
        assert judged(OWN, ("Origin", origin), method="POST", pages=True) is None
        assert judged(OWN, ("Origin", origin), method="POST", pages=False) == "Origin"

    def test_ours_beside_another(self):
        both = (("Origin", "http://127.0.0.1:4566"), ("origin", "http://evil.example"))
        assert judged(OWN, *both, pages=True) == "Origin"

    def test_where_a_proxy_shows_us(self):
        headers = (("Host", "site.example"), ("Origin", "https://site.example"))
        assert judged(*headers, method="POST", pages=True, also=["https://site.example"]) is None
        assert judged(*headers, method="POST", also=["https://site.example"]) == "Origin"

    def test_a_link_does_not_excuse_it(self):
        assert judged(OWN, ("Origin", "null"), *NAVIGATED) == "Origin"


class TestFetchSite:
    @pytest.mark.parametrize("site", ["none", "same-origin"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_our_own_page_and_what_the_user_typed(self, site, method):
        assert judged(OWN, ("Sec-Fetch-Site", site), method=method) is None

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "", "something-new"])
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
    def test_any_other(self, site, method):
        assert judged(OWN, ("Sec-Fetch-Site", site), method=method) == "Sec-Fetch-Site"
        assert judged(OWN, ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors"), method=method) == "Sec-Fetch-Site"

    def test_a_link_may_be_opened(self):
        assert judged(OWN, *NAVIGATED) is None

    def test_where_the_server_says_so(self):
        assert judged(OWN, *NAVIGATED, link=False) == "Sec-Fetch-Site"

    @pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
    def test_a_form_is_no_link(self, method):
        assert judged(OWN, *NAVIGATED, method=method) == "Sec-Fetch-Site"

    @pytest.mark.parametrize("dest", ["iframe", "frame", "embed", "image", "empty"])
    def test_a_frame_is_no_link(self, dest):
        assert judged(OWN, *NAVIGATED[:2], ("Sec-Fetch-Dest", dest)) == "Sec-Fetch-Site"

    @pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
    def test_a_script_is_no_link(self, mode):
        assert judged(OWN, NAVIGATED[0], ("Sec-Fetch-Mode", mode), NAVIGATED[2]) == "Sec-Fetch-Site"


class TestAsgi:
    """Driven as a server drives it."""

    def sent(self, scope):
        """What an application that lets everybody in sends through the guard, and whether it was asked."""
        asked, sent = [], []

        async def app(scope, receive, send):
            asked.append(scope["type"])
            lines = [(b"Access-Control-Allow-Origin", b"*"), (b"access-control-max-age", b"9"), (b"x-kept", b"1")]
            await send({"type": "http.response.start", "status": 200, "headers": lines})

        async def send(message):
            sent.append(message)

        scope = {"path": "/", "query_string": b"", "headers": [(b"host", b"127.0.0.1:4566")], **scope}
        asyncio.run(guarded(app, PORT, is_link=lambda scope: scope["path"] == "/link")(scope, None, send))
        return asked, sent

    def test_no_answer_lets_another_site_read_it(self):
        _, [start] = self.sent({"type": "http", "method": "GET"})
        assert start["headers"] == [(b"x-kept", b"1")]

    def test_a_refusal_is_plain_and_asks_nobody(self):
        headers = [(b"host", b"127.0.0.1:4566"), (b"origin", b"null")]
        asked, [start, body] = self.sent({"type": "http", "method": "OPTIONS", "headers": headers})
        assert (asked, start["status"]) == ([], 403)
        assert dict(start["headers"])[b"content-type"] == b"text/plain; charset=utf-8"
        assert body["body"].startswith(b"Refused by the Origin rule: ")

    def test_a_web_socket_of_a_page(self):
        headers = [(b"host", b"127.0.0.1:4566"), (b"origin", b"http://evil.example")]
        assert self.sent({"type": "websocket", "headers": headers}) == ([], [{"type": "websocket.close"}])
        assert self.sent({"type": "websocket"})[0] == ["websocket"]

    @pytest.mark.parametrize(("path", "asked"), [("/link", ["http"]), ("/", [])])
    def test_what_may_be_linked_to(self, path, asked):
        headers = [(name.encode(), value.encode()) for name, value in (OWN, *NAVIGATED)]
        assert self.sent({"type": "http", "method": "GET", "path": path, "headers": headers})[0] == asked

    def test_starting_and_stopping_are_no_requests(self):
        assert self.sent({"type": "lifespan"})[0] == ["lifespan"]


@contextmanager
def asked(port, method, path="/", body=None, **headers):
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, spelled)
        yield connection.getresponse()


class TestHandler:
    @pytest.fixture
    def port(self):
        class Open(GuardedHandler, BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                content = self.content(1000)
                if content is None:
                    self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "At most 1000 bytes.")
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                """Silent."""

        server = LoopbackHttpServer(0, Open)
        server.begin("open")
        yield server.server_port
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.server_port))

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "PATCH", "ANYTHING"])
    def test_every_method_passes_it(self, port, method):
        with asked(port, method, body=b"x" * 100_000, Origin="http://evil.example") as answer:
            assert (answer.status, answer.headers["Connection"]) == (403, "close")
            assert answer.read().startswith(b"Refused by the Origin rule: ")

    @pytest.mark.parametrize("body", [b"", b"x" * 1000], ids=len)
    def test_others_are_served(self, port, body):
        with asked(port, "POST", body=body) as answer:
            assert (answer.status, answer.read()) == (200, body)

    @pytest.mark.parametrize("origin", [{}, {"Origin": "http://evil.example"}], ids=["let in", "refused"])
    @pytest.mark.parametrize("length", ["1001", "9" * 5000, "-1", "+1", "1_0", "\xb2", "1, 1", "", None], ids=str)
    def test_no_length_of_a_body_breaks_it(self, port, origin, length):
        declared = {"Transfer_Encoding": "chunked"} if length is None else {"Content_Length": length}
        with asked(port, "POST", body=b"x" * 1001 if length == "1001" else None, **declared, **origin) as answer:
            assert answer.status == (403 if origin else 413)


def test_every_module_with_a_server_asks_it():
    """Without starting a lab; tests/e2e/site attacks each port of a running one."""
    serves = re.compile(
        r"(?i:HTTPServer)\(|HTTPRequestHandler|start_server\(|http_serving|uvicorn\.Server|websockets\.asyncio\.server"
    )
    files = [file for folder in ("lab", "pstn") for file in (ROOT / folder).rglob("*.py")]
    files = [file for file in files if ROOT / "lab/telco" not in file.parents]  # its servers speak SIP
    servers = {file: text for file in files if serves.search(text := file.read_text(encoding="utf-8"))}
    assert len(servers) >= 7
    guard = re.compile(r"http_guard|from lab\.pages import .*PageHandler")  # a PageHandler is a GuardedHandler
    assert [file for file, text in servers.items() if not guard.search(text) and file.stem != "http_guard"] == []


class TestTheNetworkAlone:
    @pytest.fixture
    def port(self):
        service = PstnService(lambda *_: None)
        with LoopbackServer(service) as url:
            yield int(url.rpartition(":")[2])
        service.close()

    @pytest.mark.parametrize(
        "headers",
        [{"Host": "rebind.example"}, {"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}],
        ids=str,
    )
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [("GET", "/_lab/phones", None), ("POST", "/_lab/phones/+12025550111/call", b"{}"), ("OPTIONS", "/_lab/", None)],
    )
    def test_a_web_page_is_not_let_in(self, port, headers, method, path, body):
        with asked(port, method, path, body, **headers) as answer:
            assert answer.status == 403
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]

    def test_a_program_is(self, port):
        with asked(port, "GET", "/_lab/calls") as answer:
            assert (answer.status, answer.read()) == (200, b"[]")

"""A page of another site, in headless Chromium on the machine where `make up` runs, attacks every port of the lab.

What could be done through each of them: tests/e2e/cloud/test_web_pages.py, tests/pstn/test_http_guard.py.
"""

import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.sockets import only_on_linux, session, sockets
from tests.e2e.waiting import until

pytestmark = only_on_linux

ROOT = Path(__file__).parents[3]
JACK, LINE = "+12025550111", "+12025550100"
BODY = f"""INVITE sip:{LINE}@127.0.0.1 SIP/2.0\r
Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r
From: <sip:{JACK}@127.0.0.1>;tag=1\r
To: <sip:{LINE}@127.0.0.1>\r
Call-ID: 1\r
CSeq: 1 INVITE\r
Content-Length: 0\r
\r
"""
"""A page can send it to any TCP port, after the header of an HTTP request."""
SENDS = """async ({url, ...request}) => {
  request.signal = AbortSignal.timeout(5000);
  try { return await (await fetch(url, request)).text(); } catch (refused) { return `not read: ${refused.name}`; }
}"""
LINKS = """url => {
  const link = Object.assign(document.createElement("a"), {href: url, textContent: "here"});
  document.body.append(link);
  link.click();
}"""
OPENS_A_SOCKET = """url => new Promise(done => {
  const socket = new WebSocket(url);
  socket.onopen = () => done("open");
  socket.onerror = () => done("refused");
})"""


@dataclass(frozen=True)
class Target:
    """A running `lab up`, and how a program of this machine uses it."""

    faces: dict[str, str]
    ports: tuple[int, ...]
    """All TCP ports on which its processes listen."""

    def calls(self) -> list[str]:
        """The transactions of all calls."""
        with urllib.request.urlopen(f"{self.faces['AWS']}/_lab/calls", timeout=10) as answer:
            return [call["transaction"] for call in json.load(answer)]


@pytest.fixture(scope="module", params=[[], ["--auth"]], ids=["no auth", "auth"])
def lab_up(browser, request, tmp_path_factory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("attacked")
    (ROOT / ".lab" / "layers").mkdir(parents=True, exist_ok=True)
    (folder / "layers").symlink_to(ROOT / ".lab" / "layers")
    ports = [f"--{name}-port=0" for name in ("api", "aws", "home", "site", "console", "sip", "registrar", "phone")]
    command = [sys.executable, "-m", "lab", "up", *ports, *request.param, "--state-dir", str(folder)]
    up = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        guide = []
        for line in up.stdout:
            guide.append(line)
            if "Stop with Ctrl-C." in line:
                break
        threading.Thread(target=up.stdout.read, daemon=True).start()  # so that it never waits to print
        faces = dict(
            re.findall(
                r"^(API|AWS|HOME|SITE|CONSOLE|PHONE|SP) +(http://127\.0\.0\.1:\d+)\b", "".join(guide), re.MULTILINE
            )
        )
        assert {"API", "AWS", "HOME", "SITE", "CONSOLE", "SP"} <= faces.keys(), "".join(guide)
        listening = {each.port for each in sockets(session(up.pid)) if each.listens}
        assert listening.issuperset(urlsplit(url).port or 0 for url in faces.values())
        yield Target(faces, tuple(sorted(listening)))
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def another_site() -> Iterator[str]:
    """An empty page. Chromium resolves every *.localhost to loopback, so no rule about public addresses protects us."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://evil.localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


class Attacker:
    """A page of the other site; what each face of the lab answered to it."""

    def __init__(self, page: Any, home: str) -> None:
        self.page = page
        self.answers: list[Any] = []
        page.on("response", lambda answer: self.answers.append(answer) if not answer.url.startswith(home) else None)
        page.goto(home)

    def send(self, url: str, method: str = "POST", body: str | None = None, **more: Any) -> str:
        """What the page could read."""
        request = {"url": url, "method": method, "mode": "no-cors", **more}
        text: str = self.page.evaluate(SENDS, request if body is None else {**request, "body": body})
        return text

    def visit(self, url: str) -> None:
        """Go there, whether or not it answers."""
        from playwright.sync_api import Error

        with suppress(Error):
            self.page.goto(url, timeout=5_000)

    def assert_refused(self) -> None:
        """Something was asked, and nothing of it was answered."""
        assert self.answers
        for answer in self.answers:
            assert (answer.status, answer.url) == (403, answer.url)
            assert not [name for name in answer.headers if name.startswith("access-control")], answer.url
        self.answers.clear()


@pytest.fixture
def attacker(browser, another_site) -> Iterator[Attacker]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield Attacker(page, another_site)
    context.close()


class TestEveryPort:
    """That the lab listens on; those of its faces answer in HTTP, others (SIP) do not answer a page at all."""

    @pytest.fixture
    def urls(self, lab_up) -> Iterator[list[str]]:
        before = lab_up.calls()
        yield [f"http://127.0.0.1:{port}" for port in lab_up.ports]
        assert lab_up.calls() == before

    def assert_each_face_refused(self, attacker, lab_up) -> None:
        faces = {urlsplit(url).port for url in lab_up.faces.values()}

        def answered() -> set[int | None]:
            attacker.page.wait_for_timeout(20)  # the browser tells of an answer after the page has it
            return {urlsplit(answer.url).port for answer in attacker.answers}

        until(lambda: answered() >= faces)
        assert answered() == faces
        attacker.assert_refused()

    def test_refuses_requests(self, lab_up, attacker, urls):
        for url in urls:
            attacker.send(f"{url}/", "GET")
            attacker.send(f"{url}/", "POST", BODY)
        self.assert_each_face_refused(attacker, lab_up)

    @pytest.mark.parametrize("headers", [{}, {"X-Amz-Target": "x"}], ids=["simple", "preflight"])
    def test_lets_nothing_be_read(self, attacker, urls, headers):
        for url in urls:
            for method, body in (("GET", None), ("POST", BODY)):
                text = attacker.send(f"{url}/", method, body, mode="cors", headers=headers)
                assert text in ("not read: TypeError", "not read: TimeoutError"), url

    def test_refuses_a_name_that_was_made_to_lead_here(self, lab_up, attacker, urls):
        for url in urls:
            attacker.visit(url.replace("127.0.0.1", "rebound.localhost"))
        self.assert_each_face_refused(attacker, lab_up)

    def test_refuses_web_sockets(self, attacker, urls):
        for url in urls:
            assert attacker.page.evaluate(OPENS_A_SOCKET, url.replace("http", "ws") + "/socket") == "refused"


@pytest.mark.parametrize("face", ["HOME", "SITE", "CONSOLE", "PHONE"])
def test_a_person_opens_its_pages_by_a_link(lab_up, attacker, face):
    if face not in lab_up.faces:
        pytest.skip("no telephones over SIP on this machine")
    attacker.page.evaluate(LINKS, f"{lab_up.faces[face]}/")
    attacker.page.wait_for_url(f"{lab_up.faces[face]}/")
    attacker.page.wait_for_load_state("networkidle")
    assert {answer.status for answer in attacker.answers if not answer.url.endswith("favicon.ico")} == {200}

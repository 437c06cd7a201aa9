"""A page of another site, in headless Chromium on the machine where `make up` runs, attacks every port of the lab.

Each attack is also made by a program, which is let in: so it would have worked.
"""

import base64
import io
import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.e2e.sockets import only_on_linux, session, sockets

pytestmark = only_on_linux

ROOT = Path(__file__).parents[3]
KEY = Credentials("111122223333", "test")
"""In README.md: every page may know it."""
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
POSTS_A_FORM = """url => {
  const form = Object.assign(document.createElement("form"), {method: "POST", enctype: "text/plain", action: url});
  form.append(Object.assign(document.createElement("input"), {name: '{"to": "+12025550100", "x": "', value: '"}'}));
  document.body.append(form);
  form.submit();
}"""
LINKS = """url => {
  const link = Object.assign(document.createElement("a"), {href: url, textContent: "here"});
  document.body.append(link);
  link.click();
}"""
EMBEDS = """url => document.body.append(Object.assign(document.createElement("iframe"), {src: url}))"""
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

    @property
    def aws(self) -> str:
        return self.faces["AWS"]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws,
            region_name="us-east-1",
            aws_access_key_id=KEY.access_key,
            aws_secret_access_key=KEY.secret_key,
            config=Config(signature_version="s3v4" if service == "s3" else None, s3={"addressing_style": "path"}),
        )

    def calls(self) -> list[str]:
        """The transactions of all calls."""
        with urllib.request.urlopen(f"{self.aws}/_lab/calls", timeout=10) as answer:
            return [call["transaction"] for call in json.load(answer)]


@pytest.fixture(scope="module", params=[[], ["--auth"]], ids=["no auth", "auth"])
def lab_up(browser, request, tmp_path_factory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("attacked")
    (ROOT / ".lab" / "layers").mkdir(parents=True, exist_ok=True)
    (folder / "layers").symlink_to(ROOT / ".lab" / "layers")
    ports = [f"--{name}-port=0" for name in ("api", "aws", "site", "sip", "registrar", "phone")]
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
        faces = dict(re.findall(r"^(API|AWS|SITE|PHONE|SP) +(http://127\.0\.0\.1:\d+)\b", "".join(guide), re.MULTILINE))
        assert {"API", "AWS", "SITE", "SP"} <= faces.keys(), "".join(guide)
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
        self.page, self._home = page, home
        self.answers: list[Any] = []
        page.on("response", lambda answer: self.answers.append(answer) if not answer.url.startswith(home) else None)
        self.go_home()

    def go_home(self) -> None:
        self.page.goto(self._home)

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
    page.set_default_timeout(20_000)
    yield Attacker(page, another_site)
    context.close()


def signed(method: str, url: str, service: str, body: str = "") -> str:
    """The URL with a signature in its query, as a page can make one."""
    request = AWSRequest(method, url, data=body)
    SigV4QueryAuth(KEY, service, "us-east-1").add_auth(request)
    return str(request.url)


def by_a_program(method: str, url: str, body: str = "") -> int:
    request = urllib.request.Request(url, body.encode() or None, {"Content-Type": "text/plain"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
        return int(answer.status)


def test_it_runs_no_code(lab_up, attacker, tmp_path):
    marker = tmp_path / "run-by-a-page"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as package:
        package.writestr("handler.py", f"def handler(event, context):\n    open({str(marker)!r}, 'w').close()\n")
    trusts = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trusts]}, separators=(",", ":"))
    function = {
        "FunctionName": "evil",
        "Runtime": "python3.13",
        "Handler": "handler.handler",
        "Role": "arn:aws:iam::111122223333:role/evil",
        "Code": {"ZipFile": base64.b64encode(zipped.getvalue()).decode()},
    }
    made, functions = json.dumps(function), f"{lab_up.aws}/2015-03-31/functions"
    role = AWSRequest(
        "GET",
        lab_up.aws + "/",
        params={
            "Action": "CreateRole",
            "Version": "2010-05-08",
            "RoleName": "evil",
            "AssumeRolePolicyDocument": policy,
        },
    ).prepare()
    attacks = [
        ("GET", signed("GET", str(role.url), "iam"), ""),
        ("POST", signed("POST", functions, "lambda", made), made),
        ("POST", signed("POST", f"{functions}/evil/invocations", "lambda", "{}"), "{}"),
    ]
    for method, url, body in attacks:
        attacker.send(url, method, body or None)
    attacker.page.evaluate(LINKS, attacks[0][1])
    attacker.page.wait_for_url(f"{lab_up.aws}/**")
    assert not marker.exists()
    attacker.assert_refused()
    assert "evil" not in {each["RoleName"] for each in lab_up.client("iam").list_roles()["Roles"]}
    assert "evil" not in {each["FunctionName"] for each in lab_up.client("lambda").list_functions()["Functions"]}

    assert [by_a_program(*attack) for attack in attacks] == [200, 201, 200]
    assert marker.exists()


def test_it_reads_nothing(lab_up, attacker):
    asks = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    tables = signed("POST", f"{lab_up.aws}/", "dynamodb", "{}")
    assert attacker.send(tables, body="{}", mode="cors", headers=asks) == "not read: TypeError"
    assert attacker.send(f"{lab_up.aws}/_lab/calls", "GET", mode="cors") == "not read: TypeError"


def test_it_makes_no_phone_dial(lab_up, attacker):
    dial, body = f"{lab_up.aws}/_lab/phones/{JACK}/call", json.dumps({"to": LINE})
    attacker.send(dial, body=body)
    attacker.page.evaluate(POSTS_A_FORM, dial)
    attacker.page.wait_for_url(dial)
    attacker.assert_refused()
    assert lab_up.calls() == []

    assert by_a_program("POST", dial, body) == 200
    assert len(lab_up.calls()) == 1


class TestEveryPort:
    """That the lab listens on; those of its faces answer in HTTP, others (SIP) do not answer a page at all."""

    @pytest.fixture
    def urls(self, lab_up) -> Iterator[list[str]]:
        before = lab_up.calls()
        yield [f"http://127.0.0.1:{port}" for port in lab_up.ports]
        assert lab_up.calls() == before

    def assert_each_face_refused(self, attacker, lab_up) -> None:
        answered = {urlsplit(answer.url).port for answer in attacker.answers}
        assert answered == {urlsplit(url).port for url in lab_up.faces.values()}
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

    def test_refuses_frames(self, lab_up, attacker, urls):
        for url in urls:
            attacker.page.evaluate(EMBEDS, url)
        attacker.page.wait_for_load_state("networkidle")
        self.assert_each_face_refused(attacker, lab_up)

    def test_refuses_a_name_that_was_made_to_lead_here(self, lab_up, attacker, urls):
        for url in urls:
            attacker.visit(url.replace("127.0.0.1", "rebound.localhost"))
        self.assert_each_face_refused(attacker, lab_up)

    def test_refuses_web_sockets(self, attacker, urls):
        for url in urls:
            assert attacker.page.evaluate(OPENS_A_SOCKET, url.replace("http", "ws") + "/socket") == "refused"


@pytest.mark.parametrize("face", ["SITE", "PHONE"])
def test_a_person_opens_its_pages_by_a_link(lab_up, attacker, face):
    if face not in lab_up.faces:
        pytest.skip("no telephones over SIP on this machine")
    attacker.page.evaluate(LINKS, f"{lab_up.faces[face]}/")
    attacker.page.wait_for_url(f"{lab_up.faces[face]}/")
    attacker.page.wait_for_load_state("networkidle")
    assert {answer.status for answer in attacker.answers if not answer.url.endswith("favicon.ico")} == {200}


def test_a_person_follows_a_link_to_a_recording(lab_up, attacker):
    """The platform looks for it; there is none."""
    attacker.page.evaluate(LINKS, f"{lab_up.faces['API']}/r/{'0' * 43}")
    attacker.page.wait_for_url(f"{lab_up.faces['API']}/r/*")
    assert [answer.status for answer in attacker.answers if "/r/" in answer.url] == [404]


def test_a_person_follows_a_link_to_a_stored_object(lab_up, attacker):
    s3 = lab_up.client("s3")
    s3.create_bucket(Bucket="linked")
    s3.put_object(Bucket="linked", Key="a/1.txt", Body=b"what was said", ContentType="text/plain")
    link = s3.generate_presigned_url("get_object", {"Bucket": "linked", "Key": "a/1.txt"})
    attacker.page.evaluate(LINKS, link)
    attacker.page.wait_for_url(link)
    assert attacker.page.inner_text("body") == "what was said"

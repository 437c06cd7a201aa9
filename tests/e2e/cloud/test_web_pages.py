"""No web page uses the AWS endpoint, what is mounted on it, or the API's port; only links to stored objects open."""

import base64
import http.client
import io
import json
import zipfile
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.config import Config

from lab.aws.ministack import ministack

PAGE = {
    "another name": {"Host": "rebind.example:{port}"},
    "another port": {"Host": "127.0.0.1:1"},
    "another origin": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    "an old browser": {"Origin": "null"},
    "no-cors": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"},
    "a page on loopback": {"Origin": "http://127.0.0.1:8090", "Sec-Fetch-Site": "same-site"},
}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
PREFLIGHT = {
    "Origin": "http://evil.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-amz-target",
}


@pytest.fixture(params=[True, False], ids=["auth", "no auth"])
def auth(request, cloud, monkeypatch):
    """What `Cloud(auth=…)` sets."""
    monkeypatch.setattr(ministack("app"), "AUTH", request.param)


def ask(port, method, path, body=None, headers=None):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        spelled = {name: value.format(port=port) for name, value in (headers or {}).items()}
        connection.request(method, path, body, spelled)
        answer = connection.getresponse()
        return answer.status, {name.lower() for name in answer.headers}, answer.read()


def is_refused(answer):
    status, headers, body = answer
    return (status, body[:15]) == (403, b"Refused by the ") and not [n for n in headers if n.startswith("access-c")]


@pytest.mark.parametrize("headers", PAGE.values(), ids=PAGE)
class TestAPage:
    def test_makes_no_function(self, cloud, auth, headers):
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as package:
            package.writestr("handler.py", "def handler(event, context): ...")
        wanted = {
            "FunctionName": "evil",
            "Runtime": "python3.13",
            "Handler": "handler.handler",
            "Role": "arn:aws:iam::111122223333:role/evil",
            "Code": {"ZipFile": base64.b64encode(zipped.getvalue()).decode()},
        }
        plain = {"Content-Type": "text/plain", **headers}
        assert is_refused(ask(cloud.port, "POST", "/2015-03-31/functions", json.dumps(wanted), plain))
        made = [function["FunctionName"] for function in cloud.client("lambda").list_functions()["Functions"]]
        assert "evil" not in made

    def test_reads_no_table(self, cloud, auth, headers):
        asks = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
        assert is_refused(ask(cloud.port, "POST", "/", b"{}", asks | headers))

    def test_reaches_nothing_that_is_mounted(self, cloud, auth, headers, monkeypatch):
        app, route, reached = ministack("app"), "_handle_special_data_plane_request", []
        monkeypatch.setattr(app, route, getattr(app, route))  # unmounts at the end

        async def handler(*request):
            reached.append(request)
            return 200, {}, b""

        cloud.mount("/_mounted/", handler)
        assert ask(cloud.port, "POST", "/_mounted/x")[0] == 200
        assert is_refused(ask(cloud.port, "POST", "/_mounted/x", b"{}", headers))
        assert len(reached) == 1

    def test_reaches_no_function_through_the_api(self, stack, auth, headers):
        before = len(stack.seen("Probe"))
        assert is_refused(ask(stack.edge.port, "POST", "/echo/bob", b"x", headers))
        assert len(stack.seen("Probe")) == before


def test_no_preflight_succeeds(stack, cloud, auth):
    for port in (cloud.port, stack.edge.port):
        assert is_refused(ask(port, "OPTIONS", "/", headers=PREFLIGHT))


def test_no_answer_can_be_read_by_another_site(stack, cloud, auth):
    """MiniStack allows every origin of its own accord; so does the function of this API."""
    asked = [(cloud.port, "GET", "/"), (cloud.port, "OPTIONS", "/"), (stack.edge.port, "POST", "/echo/bob", b"x")]
    for request in asked:
        status, headers, _ = ask(*request)
        assert status in (200, 201)
        assert not [name for name in headers if name.startswith("access-control")]


class TestALink:
    @pytest.fixture
    def stored(self, cloud):
        """A presigned path."""
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="sounds")
        s3.put_object(Bucket="sounds", Key="a/1.wav", Body=b"sound")
        signer = cloud.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
        url = urlsplit(signer.generate_presigned_url("get_object", {"Bucket": "sounds", "Key": "a/1.wav"}))
        yield f"{url.path}?{url.query}"
        s3.delete_object(Bucket="sounds", Key="a/1.wav")
        s3.delete_bucket(Bucket="sounds")

    def test_opens_a_stored_object(self, cloud, auth, stored):
        status, headers, body = ask(cloud.port, "GET", stored, headers=LINK)
        assert (status, body) == (200, b"sound")
        assert not [name for name in headers if name.startswith("access-control")]

    def test_that_the_page_cannot_embed(self, cloud, auth, stored):
        assert is_refused(ask(cloud.port, "GET", stored, headers=LINK | {"Sec-Fetch-Dest": "audio"}))
        assert is_refused(ask(cloud.port, "POST", stored, headers=LINK))

    @pytest.mark.parametrize("path", ["/", "/sounds/a/1.wav", "/111122223333/queue"])
    def test_makes_no_role(self, cloud, auth, stored, path):
        """The query protocols act on a GET."""
        act = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "evil", "AssumeRolePolicyDocument": "{}"}
        signed = stored.partition("?")[2]
        assert is_refused(ask(cloud.port, "GET", f"{path}?{signed}&{urlencode(act)}", headers=LINK))
        assert "evil" not in [role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]]

    @pytest.mark.parametrize("path", ["/_lab/phones", "/_ministack/health", "/2015-03-31/functions/evil"])
    def test_opens_nothing_else(self, cloud, auth, path):
        assert is_refused(ask(cloud.port, "GET", path, headers=LINK))

    def test_of_the_api_opens(self, stack, auth):
        """That is where the link to a recording begins."""
        assert not is_refused(ask(stack.edge.port, "GET", "/nowhere", headers=LINK))

"""The user data of pstn.yaml, run as a machine runs it: with a metadata service, a bucket and Debian's commands."""

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tools.template import ROOT, read_template

_RESOURCES: dict[str, dict[str, Any]] = read_template(ROOT / "pstn.yaml")["Resources"]
_KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/token+of=the/role")
_ROLE = "node-role"
_PACKAGE, _OF_EDGES = "duologue-pstn_0.1.0_amd64.deb", "edge/kamailio_5.6.3_amd64.deb"


class Aws:
    """The metadata service of one machine, and S3 with one object, for a request that the machine's role signed."""

    def __init__(self, archive: bytes) -> None:
        self.refused: list[str] = []
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self._say(b"imds-token" if self.path == "/latest/api/token" else None)

            def do_GET(self) -> None:
                if self.path == "/releases/archive.tar":
                    self._say(archive if self._is_signed() else None)
                elif self.headers["X-aws-ec2-metadata-token"] == "imds-token":
                    self._say(aws.metadata.get(self.path.removeprefix("/latest/meta-data/")))

            def _is_signed(self) -> bool:
                given = {name.lower(): value for name, value in self.headers.items()}
                request = AWSRequest("GET", f"{aws.url}{self.path}", headers={"host": given["host"]})
                request.context["timestamp"] = given["x-amz-date"]
                signed = S3SigV4Auth(_KEYS, "s3", "us-east-1")
                names = re.search(r"SignedHeaders=([\w;-]+)", given["authorization"])
                assert names and names[1] == "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
                for name in names[1].split(";")[1:]:
                    request.headers[name] = given[name]
                text = signed.string_to_sign(request, signed.canonical_request(request))
                if given["authorization"].endswith(f"Signature={signed.signature(text, request)}"):
                    return given["x-amz-security-token"] == _KEYS.token
                aws.refused.append(given["authorization"])
                return False

            def _say(self, content: bytes | None) -> None:
                self.send_response(403 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        role = {"AccessKeyId": _KEYS.access_key, "SecretAccessKey": _KEYS.secret_key, "Token": _KEYS.token}
        at = "iam/security-credentials/"
        self.metadata = {at: _ROLE.encode(), f"{at}{_ROLE}": json.dumps(role).encode()}
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        for name in (_PACKAGE, _OF_EDGES):
            about = tarfile.TarInfo(name)
            about.size = 4
            packed.addfile(about, io.BytesIO(b"deb\n"))
    return file.getvalue()


ARCHIVE = _archive()


@pytest.fixture
def aws() -> Iterator[Aws]:
    running = Aws(ARCHIVE)
    yield running
    running.close()


def boot(aws: Aws, template: str, folder: Path, sha256: str = "") -> tuple[int, list[str]]:
    """Run a machine's user data, with /etc, /run and /var in `folder`: its status, and the commands that it gave."""
    text, own = _RESOURCES[template]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert own["Boot"] == {"Fn::GetAtt": ["Boot", "Value"]}
    values = {
        "AWS::Region": "us-east-1", "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "pstn",
        "ArchiveBucket": "releases", "ArchiveKey": "archive.tar", "TrunksKey": "trunks.yaml",
        "ArchiveSha256": sha256 or hashlib.sha256(ARCHIVE).hexdigest(),
        "NodeSecret": "arn:aws:secretsmanager:us-east-1:111122223333:secret:pstn-node-AbCdEf",
        "Trunks": ",arn:aws:secretsmanager:us-east-1:111122223333:secret:trunks-AbCdEf",
        "CallControlArn": "arn:aws:lambda:us-east-1:111122223333:function:call-control:live",
        "NodesTable": "pstn-nodes", "RecordingsBucket": "recordings", "SipPort": "5060", "DrainSeconds": "86400",
        "EdgeA": "10.0.1.10", "EdgeB": "10.0.2.10",
        "Inside": "10.0.1.10", "NodeNetwork": "10.0.0.0/16",
        "EdgeAddressA": "198.51.100.7", "EdgeAddressB": "198.51.100.7", "NodeLogs": "/duologue/pstn/nodes",
        "EdgeLogs": "/duologue/pstn/edges",
    }  # fmt: skip
    script = re.sub(r"\$\{([\w:]+)\}", lambda found: values.get(found[1]) or "", text.replace("${Boot}", "<boot>"))
    script = script.replace("<boot>", _RESOURCES["Boot"]["Properties"]["Value"])
    for place in ("/etc/duologue", "/run/", "/var/cache/"):
        (folder / place.strip("/")).mkdir(parents=True, exist_ok=True)
        script = script.replace(place, f"{folder}{place}")
    commands = folder / "bin"
    commands.mkdir()
    said = folder / "said"
    for name in ("apt-get", "systemctl", "duologue-pstn", "sleep"):
        (commands / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{said}\n')
    (commands / "ip").write_text("#!/bin/sh\necho '169.254.169.254 via 10.0.3.1 dev ens5 src 10.0.3.7 uid 0'\n")
    for path in commands.iterdir():
        path.chmod(0o755)
    environ = {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "IMDS": aws.url,
        "ARCHIVE_URL": f"{aws.url}/releases/archive.tar",
    }
    done = subprocess.run(["sh"], input=script, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, said.read_text().replace(str(folder), "").splitlines()


def settings(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("template", ["NodeTemplate", "EdgeTemplateA", "EdgeTemplateB"])
def test_a_machine_installs_the_archive_and_starts_its_units(aws: Aws, template: str, tmp_path: Path):
    status, said = boot(aws, template, tmp_path)
    assert (status, aws.refused) == (0, [])
    assert said[0].startswith("systemctl mask kamailio.service ")
    packages = [_PACKAGE] if template == "NodeTemplate" else [_PACKAGE, _OF_EDGES]
    files = " ".join(f"/var/cache/duologue/{name}" for name in packages)
    install = f"apt-get install -y --no-download --no-install-recommends {files}"
    assert said[1:3] == [install, "duologue-pstn host fetch --into /etc/duologue/trunks.yaml"]
    assert said[3].startswith("systemctl enable --now ") and len(said) == 4
    host = settings(tmp_path / "etc/duologue/host.env")
    group = {"NodeTemplate": "pstn-nodes", "EdgeTemplateA": "pstn-edge-a", "EdgeTemplateB": "pstn-edge-b"}[template]
    assert (host["DUOLOGUE_HOST_GROUP"], host["DUOLOGUE_HOST_TRUNKS"]) == (group, "releases/trunks.yaml")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "etc/duologue").iterdir()} == {0}


def test_a_node_listens_at_its_own_address(aws: Aws, tmp_path: Path):
    assert boot(aws, "NodeTemplate", tmp_path)[0] == 0
    node = settings(tmp_path / "etc/duologue/node.env")
    assert node["DUOLOGUE_PSTN_API"] == "10.0.3.7:8443"
    assert node["DUOLOGUE_PSTN_EDGES"] == "10.0.1.10:5070,10.0.2.10:5070"


def test_an_archive_that_is_not_the_named_one_is_not_installed(aws: Aws, tmp_path: Path):
    status, said = boot(aws, "NodeTemplate", tmp_path, sha256="0" * 64)
    assert status != 0
    assert {line.split()[0] for line in said} == {"sleep"}


@pytest.mark.parametrize("template", ["EdgeTemplateA", "EdgeTemplateB"])
def test_an_edge_is_rendered_for_its_two_addresses(aws: Aws, template: str, tmp_path: Path):
    assert boot(aws, template, tmp_path)[0] == 0
    [options] = settings(tmp_path / "etc/duologue/edge.env").values()
    assert options == "--inside 10.0.1.10:5070 --outside 10.0.1.10 --public 198.51.100.7 --nodes-from 10.0.0.0/16"

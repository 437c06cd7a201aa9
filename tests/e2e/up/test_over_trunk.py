"""`make up ARGS="--trunk FILE"`: a callback between two telephones of a trunk, which a hand-written peer plays."""

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import yaml

from pstn.lines.sip.settings import missing
from tests.e2e.sip.trunk_peer import INTERFACE, TRUNK, Company
from tests.e2e.sockets import session, sockets
from tests.e2e.up.processes import ROOT, read_until

ABROAD, CALLER, CALLEE = "+442079460100", "+12025550111", "+12025550122"
PORTS = ["--api-port", "0", "--aws-port", "0", "--console-port", "0"]


@pytest.fixture
def trunk(tmp_path):
    company = Company().open()
    hosts = [f"{TRUNK}:{company.port}"]
    rows = {"name": "main", "hosts": hosts, "display_numbers": ["+12025550100", "+12025550101"]}
    file = {"interface": INTERFACE, "sip_port": 15260, "rtp_ports": "27000-27099", "trunks": [rows]}
    (tmp_path / "trunks.yaml").write_text(yaml.safe_dump(file))
    yield company
    company.close()


def with_terminal(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    """A command of the lab, and what types at its terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "lab", *arguments]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    os.close(theirs)
    return process, ours


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on PATH")
def test_the_printed_commands_ring_two_telephones_over_the_trunk(trunk, tmp_path):
    state = tmp_path / "state"
    up, terminal = with_terminal("up", *PORTS, "--trunk", str(tmp_path / "trunks.yaml"), "--state-dir", str(state))
    try:
        asked = read_until(up, "at once, ")
        assert "Real telephones: every number that is called is dialled over main" in asked
        assert not (state / "env").exists(), "nothing is started before the answer"
        os.write(terminal, b"yes\n")
        guide = read_until(up, "Stop with Ctrl-C")
        assert "SITE" not in guide, "its contacts are scripted phones"
        printed = guide[guide.index("\n. ") : guide.index("Calls are shown here")]
        place = printed[: printed.index('curl -s "$API/rest/httpsessions/callStop')]

        def said(caller: str, callee: str) -> str:
            text = place.replace("YOUR-TELEPHONE", caller).replace("ANOTHER-TELEPHONE", callee)
            return subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=60).stderr

        assert '"resultcode": "0"' not in said("YOUR-TELEPHONE", "ANOTHER-TELEPHONE"), "only pasted"
        assert '"resultcode": "0"' not in said(CALLER, ABROAD), "of no country of the display numbers"
        assert trunk.asked == []
        assert '"resultcode": "0"' in said(CALLER, CALLEE)
        told = read_until(up, "talks with")
        first, second = trunk.got("INVITE", 2)
        assert [each.uri.partition("@")[0] for each in (first, second)] == [f"sip:{CALLER}", f"sip:{CALLEE}"]
        assert [each.value("from")[:18] for each in (first, second)] == ["<sip:+12025550100@", "<sip:+12025550101@"]
        assert "rings, showing" in told
        read_until(up, "← answer")  # notified to the SP's server, whose URLs the app has
        if sys.platform == "linux":
            outside = {each for each in sockets(session(up.pid)) if not each.address.is_loopback}
            assert outside == set()
        up.send_signal(signal.SIGINT)
        trunk.got("BYE", 2)
        assert up.wait(60) == 0
    finally:
        up.kill()
        os.close(terminal)


def test_a_port_in_use_and_a_file_that_is_not_there_are_told_before_anything_is_asked(trunk, tmp_path):
    file = tmp_path / "trunks.yaml"
    rows = yaml.safe_load(file.read_text())
    rows["trunks"][0] |= {"transport": "tls", "tls": {"ca": "none.pem"}}
    file.write_text(yaml.safe_dump(rows))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((INTERFACE, rows["sip_port"]))
        command = [sys.executable, "-m", "lab", "up", "--trunk", str(file), "--yes"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    first, second = ended.stderr.splitlines()
    assert first == f"trunk main: tls.ca: the file {tmp_path}/none.pem cannot be read: No such file or directory"
    assert second.startswith(f"sip_port: {INTERFACE}:15260 over UDP: Address already in use. Stop the `make up`")


def test_another_answer_than_yes_starts_nothing(trunk, tmp_path):
    up, terminal = with_terminal("up", *PORTS, "--trunk", str(tmp_path / "trunks.yaml"))
    os.write(terminal, b"y\n")
    said, _ = up.communicate(timeout=60)
    os.close(terminal)
    assert (up.returncode, "Nothing was started." in said, "API " in said) == (1, True, False)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "Nobody can be asked whether to dial real telephones: add --yes."),
        (["--yes", "--virtual"], "it goes neither with --virtual nor with --keep"),
        (["--yes", "--trunk", "no-such.yaml"], "no-such.yaml cannot be read"),
    ],
)
def test_without_an_answer_or_a_file_nothing_is_started(trunk, tmp_path, more, said):
    command = [sys.executable, "-m", "lab", "up", "--trunk", str(tmp_path / "trunks.yaml"), *more]
    ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
    assert "API " not in ended.stdout

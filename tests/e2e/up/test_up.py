"""`make up` and `make story`, as a stranger uses them."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from lab.__main__ import main
from pstn.lines.sip.child import ChildError
from pstn.lines.sip.settings import missing
from tests.e2e.sockets import session, sockets
from tests.e2e.up.processes import FREE, FREE_SIP, read_until, start


@pytest.mark.parametrize(
    ("telephones", "shell"),
    [(["--virtual"], ["bash"]), (FREE_SIP, ["zsh", "-f"])],
    ids=["scripts, bash", "sip where it can be, zsh"],
)
def test_the_printed_commands_place_a_callback_that_is_shown_live(telephones, shell, tmp_path):
    missing_program = next((program for program in ("curl", shell[0]) if not shutil.which(program)), None)
    if missing_program:
        pytest.skip(f"there is no {missing_program} on PATH")
    up = start("up", *FREE, *telephones, "--state-dir", str(tmp_path))
    try:
        guide = read_until(up, "Stop with Ctrl-C.")
        ports = re.findall(r"^(?:API|AWS) +http://127\.0\.0\.1:\d+$", guide, re.MULTILINE)
        assert len(ports) == 2
        site = re.search(r"^SITE +(http://127\.0\.0\.1:\d+) ", guide, re.MULTILINE)[1]
        assert b"Call me back" in urlopen(site, timeout=30).read()
        home = re.search(r"^HOME +(http://127\.0\.0\.1:\d+) ", guide, re.MULTILINE)[1]
        assert f'href="{home}"'.encode() in urlopen(site, timeout=30).read()
        pages = re.findall(r"^(?:SITE|CONSOLE|PHONE) +(http://127\.0\.0\.1:\d+) ", guide, re.MULTILINE)
        shown = urlopen(home, timeout=30).read().decode()
        assert [each for each in pages if f'href="{each}/"' not in shown] == []
        phone = re.search(r"^PHONE +(http://127\.0\.0\.1:\d+) ", guide, re.MULTILINE)
        assert bool(phone) == (telephones != ["--virtual"] and missing() is None)
        if phone:
            assert b"Switch on" in urlopen(phone[1], timeout=30).read()
            assert f'href="{phone[1]}/?number=%2B12025550111"'.encode() in urlopen(site, timeout=30).read()
        printed = guide[guide.index("\n. ") : guide.index("The telephones are scripted")]
        assert "#" not in printed, "zsh takes no comments from a keyboard"
        place_and_look_up = printed[: printed.index('curl -s "$API/rest/httpsessions/callStop')]
        said = subprocess.run([*shell, "-c", place_and_look_up], capture_output=True, text=True, check=True, timeout=60)
        assert '"resultcode": "0"' in said.stderr
        assert json.loads(said.stdout)["userData"] == "order-17"
        told = read_until(up, "talks with")
        opened = sockets(session(up.pid)) if sys.platform == "linux" else set()
        told += read_until(up, "← CDR")
        assert [each for each in opened if not each.address.is_loopback] == []
        if phone and opened:
            assert len([each for each in opened if each.protocol == "udp"]) >= 8 + 2  # RTP and RTCP of two legs, SIP
        for text in ("answers", "talks with", "hangs up", "the line goes dead", "← disconnect 0"):
            assert text in told
        console = re.search(r"^CONSOLE +(http://127\.0\.0\.1:\d+) ", guide, re.MULTILINE)[1]
        page = _page_with(f"{console}/calls/{_call_id(said.stdout)}", "CDR: acknowledged")
        for text in (
            "They talked for",
            "the callee talks",
            "state “Talk”",
            "the network reported: the callee answered",
        ):
            assert text in page
        assert "••• 0133" in _page_with(f"{console}/calls?text=0133", "data-row")
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
    assert not (tmp_path / "env").exists(), "its keys are nobody's any more"


def _call_id(looked_up: str) -> str:
    return json.loads(looked_up)["sessionId"].partition("@")[0]


def _page_with(url: str, text: str) -> str:
    """What the console shows is a second behind."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        page = urlopen(url, timeout=30).read().decode()
        if text in page:
            return page
        time.sleep(0.2)
    raise AssertionError(page)


@pytest.mark.skipif(bool(missing()), reason=missing() or "")
def test_a_softphone_registers_as_the_guide_says_and_is_let_go_at_the_end(tmp_path):
    up = start("up", *FREE, *FREE_SIP, "--state-dir", str(tmp_path))
    try:
        guide = read_until(up, "Stop with Ctrl-C.")
        host, port = re.search(r"domain: (127\.0\.0\.1):(\d+), over UDP", guide).groups()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(60)
            phone.sendto(REGISTER.format(host=host, port=port).encode(), (host, int(port)))
            assert phone.recv(2000).startswith(b"SIP/2.0 200 OK\r\n")
        read_until(up, "+12025550111 is now the telephone at sip:me@127.0.0.1:5070")
        assert json.loads((tmp_path / "telephones.json").read_text()) == {"+12025550111": "sip:me@127.0.0.1:5070"}
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
    assert json.loads((tmp_path / "telephones.json").read_text()) == {}


REGISTER = """REGISTER sip:{host}:{port} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport\r
From: <sip:12025550111@{host}:{port}>;tag=1\r
To: <sip:12025550111@{host}:{port}>\r
Call-ID: 1\r
CSeq: 1 REGISTER\r
Contact: <sip:me@127.0.0.1:5070>\r
Content-Length: 0\r
\r
"""


def test_without_a_case_the_cases_are_listed():
    listed, _ = (story := start("story")).communicate(timeout=120)
    assert story.returncode == 0
    assert "callee_busy " in listed


@pytest.mark.parametrize("telephones", [["--virtual"], []], ids=["scripts", "sip where it can be"])
def test_a_story_ends_with_its_checks(telephones):
    story = start("story", "caller_busy", *telephones)
    said, _ = story.communicate(timeout=120)
    assert story.returncode == 0, said
    assert re.search(r"All \d+ checks passed\.", said)
    assert "← disconnect 8108" in said
    assert "\033" not in said
    assert os.linesep in said


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_telephones_that_do_not_start_are_told_with_the_way_round(monkeypatch, capsys):
    def make_nothing(*_: object) -> None:
        raise ChildError("no socket")

    monkeypatch.setattr("lab.cli.demo.play_story", make_nothing)
    assert main(["demo"]) == 1
    told = capsys.readouterr().err
    assert "--virtual" in told
    assert "no socket" in told

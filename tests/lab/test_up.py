"""`make up` and `make story`, as a stranger uses them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.skipif(
    not shutil.which("curl") or not shutil.which("bash"), reason="the printed commands want curl and bash"
)
@pytest.mark.parametrize("telephones", [["--virtual"], ["--sip-port", "0"]], ids=["scripts", "sip where it can be"])
def test_the_printed_commands_place_a_callback_that_is_shown_live(telephones, tmp_path):
    free = ("--api-port", "0", "--aws-port", "0", "--site-port", "0")
    up = start("up", *free, *telephones, "--state-dir", str(tmp_path))
    try:
        guide = read_until(up, "Stop with Ctrl-C.")
        ports = re.findall(r"^(?:API|AWS) +http://127\.0\.0\.1:\d+$", guide, re.MULTILINE)
        assert len(ports) == 2
        site = re.search(r"^SITE +(http://127\.0\.0\.1:\d+) ", guide, re.MULTILINE)[1]
        assert b"Call me back" in urlopen(site, timeout=30).read()
        log_in_and_place = guide[guide.index("# log in") : guide.index("# stop it")]
        said = subprocess.run(["bash", "-c", log_in_and_place], capture_output=True, text=True, check=True, timeout=60)
        assert '"resultcode": "0"' in said.stderr
        told = read_until(up, "← CDR")
        for text in ("answers", "talks with", "hangs up", "the line goes dead", "← disconnect 0"):
            assert text in told
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0


def read_until(process: subprocess.Popen, text: str) -> str:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("it ended after:\n" + "".join(lines))


def test_a_taken_port_is_told_before_anything_starts():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        up = start("up", "--api-port", port, "--aws-port", "0", "--site-port", "0", "--virtual")
        said, _ = up.communicate(timeout=30)
    assert up.returncode == 1
    assert port in said
    assert "Traceback" not in said


def test_without_a_case_the_cases_are_listed_and_a_wrong_one_is_told():
    listed, _ = (story := start("story")).communicate(timeout=30)
    assert story.returncode == 0
    assert "callee_busy " in listed
    said, _ = (story := start("story", "calle_busy")).communicate(timeout=30)
    assert story.returncode == 2
    assert "callee_busy" in said


@pytest.mark.parametrize("telephones", [["--virtual"], []], ids=["scripts", "sip where it can be"])
def test_a_story_ends_with_its_checks(telephones):
    story = start("story", "caller_busy", *telephones)
    said, _ = story.communicate(timeout=120)
    assert story.returncode == 0, said
    assert re.search(r"All \d+ came true\.", said)
    assert "← disconnect 8108" in said
    assert "\033" not in said
    assert os.linesep in said

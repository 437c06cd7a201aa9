"""`python -m lab site`: the site on any deployment, its secrets from the environment."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from lab.cli.site import PASSWORD, SECRET

ROOT = Path(__file__).parents[2]
SECRETS = {SECRET: "secret", PASSWORD: "password"}


def start(*more: str, **secrets: str) -> subprocess.Popen:
    account = ("--api-url", "http://127.0.0.1:9", "--app-key", "key", "--username", "institute")
    command = [sys.executable, "-m", "lab", "site", *account, "--display-number", "+12025550100", *more]
    bare = {name: value for name, value in os.environ.items() if name not in SECRETS}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, env={**bare, **secrets}, text=True, **pipes)


def test_it_serves_until_it_is_told_to_end():
    site = start("--port", "0", **SECRETS)
    try:
        url = re.fullmatch(r"SITE  (\S+)\n", site.stdout.readline())[1]
        page = urlopen(url, timeout=30).read()
        assert b"Call me back" in page
        assert b"try one of these" not in page, "these telephones are the laptop's"
    finally:
        site.send_signal(signal.SIGTERM)
        assert site.wait(20) == 0


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        site = start("--port", str(taken.getsockname()[1]), **SECRETS)
        said, _ = site.communicate(timeout=30)
    assert site.returncode == 1
    assert "Traceback" not in said

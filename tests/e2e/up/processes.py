"""The lab's commands as processes of their own, as a user starts them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
FREE = ["--api-port", "0", "--aws-port", "0", "--site-port", "0", "--home-port", "0", "--console-port", "0"]
FREE_SIP = ["--sip-port", "0", "--registrar-port", "0", "--phone-port", "0"]


def start(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def read_until(process: subprocess.Popen, text: str) -> str:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("it ended after:\n" + "".join(lines))

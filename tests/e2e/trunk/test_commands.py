"""The commands with which a developer starts the stand-in telephone company."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from lab.telco.reaper import NAMESPACES

ROOT = Path(__file__).parents[3]


def test_the_demo_plays_a_recorded_callback_over_a_trunk():
    command = [sys.executable, "-m", "lab", "demo", "--telco"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "srtp: mandatory" in done.stdout
    assert re.search(r"^All [0-9]+ checks passed\.$", done.stdout, re.MULTILINE)


def test_the_company_is_there_until_it_is_interrupted():
    command = [sys.executable, "-m", "lab", "telco"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as telco:
        printed = ""
        for line in telco.stdout:
            printed += line
            if "Stop with Ctrl-C" in line:
                break
        namespace, file = re.search(r'ip netns exec (\S+) make up ARGS="--trunk (\S+) --yes"', printed).groups()
        assert (NAMESPACES / namespace).exists()
        assert Path(file).read_text() in printed
        telco.stdin.write("dial +12025550111\n")
        telco.stdin.flush()
        assert telco.stdout.readline() == "\n"
        assert [telco.stdout.readline() for _ in range(3)] == [
            "+12025550122 dials +12025550111\n",
            "it rings\n",
            "connected; `hang up` ends it\n",
        ]
        telco.stdin.close()
        telco.send_signal(signal.SIGINT)
        assert telco.wait(timeout=30) == 0
    assert not (NAMESPACES / namespace).exists()
    assert not Path(file).exists()

"""A process that ends with the lab, and with it what it started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.nodes.lab_process import LabProcess
from tests.e2e.waiting import until

FORKS = 'sleep 600 & echo $! > "$0"; wait'


def _runs(pid: int) -> bool:
    """Not as a zombie, which only waits for its parent to look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_stays_when_the_lab_is_killed(tmp_path):
    pids = tmp_path / "pid"
    lab = (
        "import sys, time; from pathlib import Path; from lab.nodes.lab_process import LabProcess\n"
        f"process = LabProcess(['sh', '-c', {FORKS!r}, {str(pids)!r}], Path({str(tmp_path / 'log')!r}), {{}})\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", lab], cwd=Path(__file__).parents[2])
    until(lambda: pids.exists() and pids.read_text().strip())
    forked = int(pids.read_text())
    assert _runs(forked)
    process.kill()
    process.wait()
    until(lambda: not _runs(forked))


def test_it_ends_by_a_signal_and_says_when_it_has_ended(tmp_path):
    process = LabProcess(["sleep", "600"], tmp_path / "log", dict(os.environ))
    assert not process.has_ended
    process.stop()
    assert process.has_ended

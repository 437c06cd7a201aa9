"""A function's process that is killed."""

import subprocess
from types import SimpleNamespace

from lab.aws.overlay.traces import Invocation


def test_it_has_ended_before_its_worker_gets_the_next_invocation():
    with subprocess.Popen(["sleep", "600"]) as process:
        Invocation("function", "", SimpleNamespace(_proc=process)).kill()
        assert process.returncode == -9

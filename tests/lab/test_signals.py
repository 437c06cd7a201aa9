"""A signal ends what serves, whichever thread the system gives it to."""

import subprocess
import sys

import pytest

PROGRAM = """
import signal, threading, time
from lab.cli import signals

stop = signals.stop_event()
other = threading.Thread(target=time.sleep, args=(60,), daemon=True)
other.start()
threading.Timer(0.2, signal.pthread_kill, ({thread}.ident, signal.{name})).start()
signals.wait(stop)
"""


@pytest.mark.parametrize("thread", ["threading.main_thread()", "other"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_either_signal_to_either_thread(thread, name):
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(thread=thread, name=name)], timeout=30, check=False)
    assert ended.returncode == 0

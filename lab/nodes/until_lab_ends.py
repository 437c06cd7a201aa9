"""`python -m lab.nodes.until_lab_ends PROGRAM …`: run a program until standard input ends or a signal comes.

The lab holds the other end of the input: however it ends, also by SIGKILL, nothing that it started stays. Programs that
fork are ended with all their processes: each has a session of its own.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any


def _kill(process: "subprocess.Popen[Any]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def main(command: list[str]) -> int:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_lab() -> None:
        sys.stdin.buffer.read()
        _kill(process)

    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the lab ends in its own order
    threading.Thread(target=end_with_lab, daemon=True).start()
    status = process.wait()
    _kill(process)  # what it left in its session
    return status


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]) & 0xFF)  # no thread of ours can end by itself: it reads

"""`python -m lab.telco.reaper PREFIX`: removes the network namespaces of this prefix when its standard input ends.

The input is a pipe from the process that made them, so it ends in whatever way that process ends. What still runs in
the namespaces is killed, except that process, which may have gone into one of them.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

NAMESPACES = Path("/run/netns")
"""Where `ip netns` keeps them."""
_GOES_S, _LOOK_S = 5.0, 0.02


def processes_in(namespace: str) -> set[int]:
    found = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    return {int(each) for each in found.stdout.split()}


def remove(prefix: str, spare: set[int]) -> None:
    """`prefix`: the names begin with it. `spare`: processes that are left alone."""
    names = sorted(path.name for path in NAMESPACES.glob(f"{prefix}-*"))
    give_up = time.monotonic() + _GOES_S
    for name in names:
        while (alive := processes_in(name) - spare) and time.monotonic() < give_up:
            for pid in alive:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(_LOOK_S)
        subprocess.run(["ip", "netns", "delete", name], check=False)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the pipe's end is what counts
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    owner = os.getppid()
    sys.stdin.buffer.read()
    remove(sys.argv[1], {owner, os.getpid()})

"""`python -m lab.cli.ends_with_lab MODULE …`: run a module as `python -m` does, until standard input ends.

The lab holds the other end: however it ends, also by SIGKILL, its child does not stay on its port, nor hold open what
the lab printed to.
"""

import os
import runpy
import sys
import threading


def _end_with_lab() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_lab, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

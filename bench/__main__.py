"""`python -m bench`: count and time, print, and write `bench/results.md`.

Targets are printed beside the figures; none is judged here.
"""

import argparse
import sys
from pathlib import Path

from bench.callbacks import count_callbacks
from bench.cold_starts import time_starts
from bench.place import time_placing
from bench.report import report
from tools.template import ROOT

RESULTS = Path(__file__).with_name("results.md")
_PROCESSES = 5


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What one callback costs")
    parser.add_argument("--callbacks", type=int, default=10, help="how many to play (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=11, help="cold starts of each function (default: %(default)s)")
    parser.add_argument("--placings", type=int, default=20, help="by each of 5 processes (default: %(default)s)")
    parser.add_argument("--state-dir", type=Path, default=ROOT / ".lab", help="working files (.lab)")
    asked = parser.parse_args()
    costs = count_callbacks(asked.callbacks, asked.state_dir)
    placing = time_placing(_PROCESSES, asked.placings, asked.state_dir)
    said = report(costs, placing, time_starts(asked.rounds, asked.state_dir))
    print(said, flush=True)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

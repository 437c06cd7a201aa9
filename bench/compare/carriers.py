"""`python -m bench.compare.carriers`: the same callbacks on the local Chime and with Carrier sip, in turn, in one run.

The second has a node as a process, and Kamailio and rtpengine as its edge. Writes `bench/carriers.md`.
"""

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bench.compare.__main__ import Setup, WentWrong, compare
from bench.compare.checkouts import NoLab, head
from bench.compare.report import report
from bench.compare.sp import NotPlaced
from lab.nodes import edge_process

RESULTS = Path(__file__).parent.parent / "carriers.md"


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare.carriers", description="Carrier sip beside chime")
    parser.add_argument("--callbacks", type=int, default=16, help="on each (default: %(default)s)")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if reason := edge_process.missing():
        print(reason, file=sys.stderr)
        return 1
    load = os.getloadavg()[0]
    chime = replace(head(), name="the local Chime")
    sip = replace(chime, name="carrier sip")
    try:
        labs = Setup(chime, "chime"), Setup(sip, "sip", ("--carrier", "sip"))
        figures = compare(labs, asked.callbacks)
    except (NoLab, WentWrong, NotPlaced, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    said = report(chime, sip, *figures, load, written_by="make bench-carriers", judged=False)
    print(said, flush=True)
    RESULTS.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Edges of test runs that go on beside one another."""

import itertools
import subprocess
import sys
from pathlib import Path

from tests.e2e.trunk.edge import running

pytestmark = running.needs_edge
ROOT = Path(__file__).parents[4]
ASKS = "import itertools; from tests.e2e.trunk.edge import running; running._nets = itertools.count(7); "


def test_two_runs_share_no_addresses(monkeypatch):
    monkeypatch.setattr(running, "_nets", itertools.count(7))
    mine = [running.new_net() for _ in range(3)]
    command = [sys.executable, "-c", f"{ASKS}print(running.new_net())"]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert other not in mine and len(set(mine)) == 3

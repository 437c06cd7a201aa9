"""Edges of test runs that go on beside one another."""

import itertools
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab.nodes.edge_process import is_bound
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


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_who_asks_whether_a_program_has_its_address_is_not_in_its_way(kind):
    host, port, over = f"{running.new_net()}.1", 12222, threading.Event()

    def asks() -> None:
        while not over.is_set():
            is_bound(host, port, kind)

    asking = threading.Thread(target=asks)
    asking.start()
    try:
        for _ in range(300):
            with socket.socket(socket.AF_INET, kind) as program:
                program.bind((host, port))
                if kind is socket.SOCK_STREAM:
                    program.listen()
                assert is_bound(host, port, kind)
        assert not is_bound(host, port, kind)
    finally:
        over.set()
        asking.join()

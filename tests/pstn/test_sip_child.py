"""The supervised child process of the SIP line, with a program that ends at once."""

import io
import json
import logging
import threading
from pathlib import Path

import pytest

from pstn.lines.sip.channel import MOST_LINES
from pstn.lines.sip.child import Child
from pstn.node import logs

ROOT = Path(__file__).parents[2]
WARNS = """
import asyncio, logging
from pstn.lines.sip.channel import Channel

log = logging.getLogger("sip-gateway")

async def main(channel):
    async def begin():
        log.info("nobody reads this")
        log.warning("number %d", "that is none")
        try:
            raise OSError("12025550111")
        except OSError:
            log.exception("call to sip:+12025550111@127.0.0.1 failed")
        for number in range(100):
            log.warning("trunk %s: 100 %% busy", number)
        channel.tell({"event": "ready"})
        return None
    await channel.serve(begin)

asyncio.run(main(Channel()))
"""


def test_what_a_child_warns_of_is_in_the_log_of_its_node(tmp_path, monkeypatch):
    """As a line of JSON with masked numbers, and no more than so many a minute."""
    (tmp_path / "warns.py").write_text(WARNS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    written, root = io.StringIO(), logging.getLogger()
    before = root.handlers, root.level
    child = Child("warns", lambda port: {}, lambda event: None, lambda _: None, tmp_path / "station-0.log")
    try:
        logs.set_up("1a2b3c4d", written)
        child.begin()
        child.wait()
    finally:
        child.close()
        root.handlers, root.level = before
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert len(lines) == MOST_LINES
    about = {"node": "1a2b3c4d", "child": "station-0", "logger": "sip-gateway"}
    assert lines[0].items() >= {**about, "level": "ERROR", "error": "OSError"}.items()
    assert lines[0]["message"] == "call to sip:+120******11@127.0.0.1 failed"
    assert (lines[1]["level"], lines[1]["message"]) == ("WARNING", "trunk 0: 100 % busy")
    assert (tmp_path / "station-0.log").read_text().count("busy") == 100, "the file has all of them"


def test_a_child_that_starts_slowly_is_not_taken_for_hung(tmp_path, monkeypatch):
    slow = """import sys, time; time.sleep(2); print('{"event": "ready"}', flush=True); sys.stdin.read()"""
    (tmp_path / "slow.py").write_text(slow)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("pstn.lines.sip.child.SILENT_S", 0.5)
    heard: list[int] = []
    child = Child("slow", lambda port: {}, lambda _: heard.append(child.generation), lambda _: None, tmp_path / "log")
    child.begin()
    child.wait()
    child.close()
    assert heard[0] == 1


def test_a_child_that_is_closed_between_two_processes_is_not_started_again(tmp_path, monkeypatch):
    (tmp_path / "ends_at_once.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def died(_generation: int) -> None:
        child.close()  # on the thread that would start the next one

    child = Child("ends_at_once", lambda port: {"port": port}, lambda event: None, died, tmp_path / "log", port=0)
    child.begin()
    for thread in child._threads:
        thread.join(30)
        assert not thread.is_alive()
    assert (child.generation, child.pid) == (1, None)


@pytest.mark.parametrize(("wanted", "ports"), [(0, 2), (5999, 1)])
def test_a_child_that_does_not_start_gets_another_port(tmp_path, monkeypatch, wanted, ports):
    """Another process may have taken the free one meanwhile; a port that was chosen stays."""
    (tmp_path / "ends_at_once.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tried: set[int] = set()
    deaths = threading.Semaphore(0)

    def options(port: int) -> dict[str, int]:
        tried.add(port)
        return {}

    child = Child("ends_at_once", options, lambda event: None, lambda _: deaths.release(), tmp_path / "log", wanted)
    child.begin()
    for _ in range(2):
        assert deaths.acquire(timeout=20)
    child.close()
    assert len(tried) >= ports
    assert wanted == 0 or tried == {wanted}

"""The supervised child process of the SIP line, with a program that ends at once."""

import threading

import pytest

from pstn.lines.sip.child import Child


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

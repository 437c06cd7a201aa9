"""The supervised child process of the SIP line, with a program that ends at once."""

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

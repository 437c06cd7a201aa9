"""To serve until somebody ends it: SIGTERM, or SIGINT from the keyboard."""

import signal
import threading

GLANCE_S = 0.5


def told_to_stop() -> threading.Event:
    """Set by either signal from now on. To be called, and waited for with `wait`, on the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait(stop: threading.Event) -> None:
    """A signal may go to any thread; that does not wake the main one, and Python handles it nowhere else."""
    while not stop.wait(GLANCE_S):
        pass

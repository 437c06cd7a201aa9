"""Run until SIGTERM, or SIGINT from the keyboard."""

import signal
import threading

CHECK_EVERY_S = 0.5


def stop_event() -> threading.Event:
    """An event that either signal sets. Call this, and `wait`, on the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait(stop: threading.Event) -> None:
    """Polls, because a signal may go to any thread, which does not wake the main one, where Python handles it."""
    while not stop.wait(CHECK_EVERY_S):
        pass

"""Work that is done again and again on a thread of its own."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Periodic:
    """Calls `run` every `seconds` between `start` and `stop`, which waits until the present run is over."""

    def __init__(self, name: str, seconds: float, run: Callable[[], object]) -> None:
        self._name, self._seconds, self._run = name, seconds, run
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._run()
            except Exception as error:  # noqa: BLE001 - whatever failed is tried again next time, and must not end the thread
                _log.warning("%s failed", self._name, extra={"error": type(error).__name__})

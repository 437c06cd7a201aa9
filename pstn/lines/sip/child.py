"""The parent's end of the pipe: a supervised child process, which is restarted when it dies.

Rule 1: what was sent to a child that died is lost; what is sent while there is none waits for the next.
Rule 2: `generation` counts the children, so that the owner knows what was lost with which.
Rule 3: a child that sends nothing for `SILENT_S`, or for `STARTS_S` before it is ready, counts as hung and is killed.
Rule 4: what a child logs from WARNING up is in the log of this process, too.
"""

import contextlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

LOOPBACK = "127.0.0.1"
READY_S = 60.0
STARTS_S, SILENT_S = 30.0, 15.0
AGAIN_S = (0.05, 0.2, 1.0, 5.0)
"""Delays before a restart, by how many children in a row died within `YOUNG_S`."""
YOUNG_S = 3.0


_log = logging.getLogger("pstn.children")
_log.addHandler(logging.NullHandler())  # a program that sets no log up, as the laboratory, shows none of it


class ChildError(Exception):
    """The child did not start; the message has the end of its log."""


class Child:
    """A program that speaks the protocol of `channel`.

    Args:
        module: run as `python -m`.
        options: called with the SIP port for every child; returns its only argument.
        heard: called with every event, on a thread of this object.
        died: called with the generation, on that thread, before another child is started.
        log: a file to which its stderr is appended.
        port: its SIP port, which a restarted child keeps; 0: any free one, and another one if the first child does not
            start with it, since somebody else may have taken it meanwhile.
    """

    def __init__(
        self,
        module: str,
        options: Callable[[int], dict[str, Any]],
        heard: Callable[[dict[str, Any]], None],
        died: Callable[[int], None],
        log: Path,
        port: int = 0,
    ) -> None:
        self.port = port or free_port()
        self._may_move = port == 0
        self.module, self.options, self.heard, self.died, self.log = module, options, heard, died, log
        self.generation = 0
        self.ready: dict[str, Any] = {}
        """The `ready` event of the current child."""
        self._lock = threading.Lock()
        self._up = threading.Condition(self._lock)
        self._process: subprocess.Popen[bytes] | None = None
        self._backlog: list[bytes] = []
        self._closing = threading.Event()
        self._last_heard = 0.0
        self._threads: list[threading.Thread] = []

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def begin(self) -> None:
        """Start it without waiting; what is sent meanwhile is queued."""
        for name, run in (("child-reader", self._live), ("child-watch", self._watch)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self) -> None:
        """Wait until it is ready. Raises: ChildError, after closing it."""
        with self._up:
            if not self._up.wait_for(lambda: self.ready, READY_S):
                tail = self.log.read_text(errors="replace")[-800:] if self.log.exists() else ""
                message = f"{self.module} did not start within {READY_S:.0f} s: {tail}"
                threading.Thread(target=self.close, daemon=True).start()
                raise ChildError(message)

    def send(self, **command: Any) -> int:
        """Returns the generation that will receive it."""
        line = json.dumps(command).encode() + b"\n"
        with self._lock:
            if self._process is None or self._process.stdin is None:
                self._backlog.append(line)
                return self.generation + 1
            self._write(self._process.stdin, line)
            return self.generation

    def close(self) -> None:
        """No other child is started from now on."""
        with self._lock:
            self._closing.set()
            process = self._process
        if process:
            _end(process)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=5)

    def kill(self, *, again: bool = True) -> None:
        """Kill it as a crash would. `again` False: it is not restarted."""
        with self._lock:
            if not again:
                self._closing.set()
            process = self._process
        if process:
            process.kill()

    # -- the threads
    def _live(self) -> None:
        failures = 0
        while (process := self._spawn()) is not None:
            born = time.monotonic()
            self._read(process)
            process.wait()
            with self._lock:
                self._process, self.ready = None, {}
            if self._closing.is_set():
                return
            if self._may_move:
                self.port = free_port()
            self.died(self.generation)
            failures = failures + 1 if time.monotonic() - born < YOUNG_S else 0
            self._closing.wait(AGAIN_S[min(failures, len(AGAIN_S) - 1)])

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        """The next child; None: it is being closed."""
        command = [sys.executable, "-m", self.module, json.dumps(self.options(self.port))]
        with self.log.open("ab") as log, self._lock:
            if self._closing.is_set():
                return None
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
            self._process, self._last_heard = process, time.monotonic()
            self.generation += 1
            waiting, self._backlog = self._backlog, []
            assert process.stdin
            for line in waiting:
                self._write(process.stdin, line)
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        for line in process.stdout:
            self._last_heard = time.monotonic()
            event = json.loads(line)
            if event["event"] == "log":
                self._say(event)
                continue
            if event["event"] == "ready":
                self._may_move = False
                with self._up:
                    self.ready = event
                    self._up.notify_all()
            self.heard(event)

    def _say(self, event: dict[str, Any]) -> None:
        about: dict[str, object] = {name: event[name] for name in ("logger", "error", "dropped") if name in event}
        _log.log(event["level"], "%s", event["text"], extra={"child": self.log.stem, **about})

    def _watch(self) -> None:
        while not self._closing.wait(max(0.5, self._hung_at() - time.monotonic())):
            process = self._process
            if process and time.monotonic() >= self._hung_at():
                process.kill()

    def _hung_at(self) -> float:
        return self._last_heard + (SILENT_S if self.ready else STARTS_S)

    @staticmethod
    def _write(pipe: IO[bytes], line: bytes) -> None:
        try:
            pipe.write(line)
            pipe.flush()
        except (BrokenPipeError, ValueError):  # it died, as the reader notices too
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its stdin and let it shut down; kill it if it does not."""
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(address: str = LOOPBACK) -> int:
    """A port of a loopback address that is currently free for both UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind((address, port))
                except OSError:
                    continue
                return port

"""The edge between nodes and the telephone company: Kamailio and rtpengine as `duologue-pstn edge render` sets them up.

It tells nodes from trunks by their addresses, so each has one of its own in 127.0.0.0/8, all of which is loopback.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.nodes.lab_process import LabProcess, ProcessError
from lab.nodes.trunk_file import trunk_file
from pstn.lines.sip.child import free_port

NODES, INSIDE, OUTSIDE = "127.0.0.3", "127.0.0.4", "127.0.0.5"
RTP_PORTS = 30_000, 31_999
_READY_S, _POLL_S = 60.0, 0.05


def missing() -> str | None:
    """Why an edge cannot run here; None: it can."""
    if sys.platform != "linux":
        return "an edge needs Linux"
    search = f"{os.environ.get('PATH', '')}:/usr/sbin"
    absent = [name for name in ("kamailio", "rtpengine") if not shutil.which(name, path=search)]
    return f"not installed: {', '.join(absent)} (Debian: kamailio, rtpengine-daemon)" if absent else None


def commands(out: Path, run: Path) -> tuple[list[str], list[str]]:
    """rtpengine's and Kamailio's, in the foreground. `out`: folder of the rendered files. `run`: of their own."""
    rtpengine = ["rtpengine", "-f", "-E", f"--config-file={out}/rtpengine.conf", f"--pidfile={run}/rtpengine.pid"]
    kamailio = ["kamailio", "-f", f"{out}/kamailio.cfg", "-DD", "-E", "-m", "64", "-M", "16"]
    return rtpengine, [*kamailio, "-Y", str(run), "-w", str(run)]


def is_bound(host: str, port: int, kind: socket.SocketKind) -> bool:
    """Whether a program has this address (listens there), by /proc: a probe that binds it is in the program's way."""
    table, state = ("udp", "07") if kind is socket.SOCK_DGRAM else ("tcp", "0A")
    wanted = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    lines = [line.split() for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]]
    return any(line[1] == wanted and line[3] == state for line in lines)


class EdgeProcess:
    """Ready when it is created.

    Args:
        trunk: the only trunk of its trunk file.
        nodes: SIP address and port of each node, to which inbound calls go.
        inside: where nodes send their calls: on `INSIDE`, as `free_port` gives it.
        more: further options of `edge render`.
    """

    def __init__(
        self,
        folder: Path,
        trunk: Mapping[str, Any],
        nodes: Sequence[str],
        inside: int,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises: ProcessError."""
        self._folder, out = folder, folder / "edge"
        folder.mkdir(parents=True, exist_ok=True)
        sip_port, control, media = free_port(OUTSIDE), free_port(INSIDE), free_port(INSIDE)
        file = trunk_file(folder / "trunks.yaml", trunk, OUTSIDE, sip_port, RTP_PORTS)
        self.outside = f"{OUTSIDE}:{sip_port}"
        """Where the trunk sends its calls."""
        self.metrics = f"http://{INSIDE}:{control}/metrics"
        options = {
            "out": out,
            "run": folder,
            "inside": f"{INSIDE}:{inside}",
            "outside": OUTSIDE,
            "control": f"{INSIDE}:{control}",
            "rtpengine": f"{INSIDE}:{media}",
            **(more or {}),
        }
        command = [sys.executable, "-m", "pstn", "edge", "render", str(file)]
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command += [word for node in nodes for word in ("--node", node)]
        rendered = subprocess.run(command, capture_output=True, text=True, check=False)
        if rendered.returncode:
            raise ProcessError(rendered.stderr)
        rtpengine, kamailio = commands(out, folder)
        self._processes: list[LabProcess] = []
        try:
            self._start("rtpengine", rtpengine, lambda: is_bound(INSIDE, media, socket.SOCK_DGRAM))
            self._start("kamailio", kamailio, lambda: is_bound(INSIDE, control, socket.SOCK_STREAM))
        except ProcessError:
            self.close()
            raise

    def close(self) -> None:
        for process in reversed(self._processes):
            process.stop()
        self._processes = []

    def _start(self, name: str, command: list[str], is_ready: Callable[[], bool]) -> None:
        log = self._folder / f"{name}.log"
        process = LabProcess(command, log, {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"})
        self._processes.append(process)
        deadline = time.monotonic() + _READY_S
        while not is_ready():
            if process.has_ended or time.monotonic() > deadline:
                raise ProcessError(f"{name} did not start: {log.read_text(errors='replace')[-1500:]}")
            time.sleep(_POLL_S)

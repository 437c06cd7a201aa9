"""A real edge: rendered, and its Kamailio and rtpengine running on addresses of loopback."""

import itertools
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import BinaryIO

import pytest
import yaml

from lab.nodes.edge_process import commands, is_bound, missing
from pstn.__main__ import main
from pstn.edge.render import Place, render, write
from pstn.trunks.trunk_file import read
from tests.e2e.trunk.edge.peer import Peer
from tests.e2e.waiting import until

SHOWN, SECOND, CALLED = "+12025550100", "+12025550101", "+12025550123"
SECRET = 'co"rr\\ect $horse;\n#!define'.replace("\n", " ")  # nothing real

_nets = itertools.count(250 * os.getpid())
_taken: list[socket.socket] = []

needs_edge = pytest.mark.skipif(bool(missing()), reason=str(missing()))


def new_net() -> str:
    """Three bytes of addresses of loopback that no other edge has, of this test run or of another one beside it.

    Else two would share sockets: UDP lets both bind, and a node that is dead to one test answers for the other.
    """
    while True:
        number = next(_nets)
        net = f"127.{100 + number // 250 % 150}.{1 + number % 250}"
        taken = socket.socket(socket.AF_UNIX)
        try:
            taken.bind(f"\0duologue-edge-{net}")  # gone with this process (unix(7), abstract)
        except OSError:
            taken.close()
        else:
            _taken.append(taken)
            return net


class Edge:
    """`net`: three bytes of an address of loopback; .1 is inside, .2 outside, .3 the node, .4 and on the trunks."""

    def __init__(self, folder: Path, net: str, trunks: list[dict], *, more_nodes=(), **more) -> None:
        self.folder, self.net = folder, net
        self.inside, self.outside, self.node_address = (f"{net}.{last}" for last in (1, 2, 3))
        self.control = f"{net}.1"
        self.kamailio: subprocess.Popen | None = None
        self.before: list[str] = []
        """A command that runs Kamailio."""
        folder.mkdir(exist_ok=True)
        self.trunks(trunks)
        self.place = Place(
            out=folder / "edge",
            run=folder,
            mask_key="0123456789abcdef" * 4,
            inside=(IPv4Address(self.inside), 15060),
            outside=IPv4Address(self.outside),
            control=(IPv4Address(self.control), 19101),
            rtpengine=(IPv4Address(self.control), 12222),
            nodes=tuple((IPv4Address(each), 15060) for each in (self.node_address, *more_nodes)),
            **more,
        )
        self.write({"TRUNK_SECRET": SECRET})

    def write(self, environ) -> None:
        write(render(read(self.folder / "trunks.yaml", environ), self.place), self.place)

    def trunks(self, trunks: list[dict], **rows) -> None:
        """Write the file."""
        rows = {"interface": self.outside, "sip_port": 15060, "rtp_ports": "31000-31999", **rows}
        (self.folder / "trunks.yaml").write_text(yaml.safe_dump({**rows, "trunks": trunks}))

    def renders(self, *options: str) -> int:
        """By the command, as an operator does."""
        (self.folder / "mask.key").write_text(self.place.mask_key)
        places = ("--out", self.place.out, "--run", self.folder, "--outside", self.outside)
        inside = ("--inside", f"{self.inside}:15060", "--node", f"{self.node_address}:15060")
        control = ("--control", f"{self.control}:19101", "--rtpengine", f"{self.control}:12222")
        return main(
            ["edge", "render", str(self.folder / "trunks.yaml"), *map(str, (*places, *inside, *control)), *options]
        )

    def __enter__(self) -> "Edge":
        rtpengine, self._kamailio_command = commands(self.place.out, self.folder)
        self._logs = [(self.folder / name).open("ab") for name in ("kamailio.log", "rtpengine.log")]
        self.rtpengine = self._started(rtpengine, self._logs[1])
        try:
            until(lambda: is_bound(self.control, 12222, socket.SOCK_DGRAM))
            self.start_kamailio()
        except BaseException:  # an interrupted test too: nothing that it started stays
            self._ends()
            raise
        return self

    def start_kamailio(self) -> None:
        self.kamailio = self._started([*self.before, *self._kamailio_command], self._logs[0])
        until(lambda: self.kamailio.poll() is not None or self._answers())
        assert self.kamailio.poll() is None, self.log()[-3000:]

    @staticmethod
    def _started(command: list[str], log: BinaryIO) -> subprocess.Popen:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def stop_kamailio(self) -> None:
        self.kamailio.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.kamailio.wait(60)  # it writes its dialogs
        self.kill_kamailio()

    def kill_kamailio(self) -> None:
        """All of its processes."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.kamailio.pid, signal.SIGKILL)
        self.kamailio.wait()

    def __exit__(self, kind, *_) -> None:
        if kind:
            print(self.log())
        self._ends()

    def _ends(self) -> None:
        if self.kamailio:
            # Not SIGTERM: one that has only just started overhears it in some of its processes, and ends after 60 s.
            self.kill_kamailio()
        self.rtpengine.kill()
        self.rtpengine.wait()
        for log in self._logs:
            log.close()

    def log(self) -> str:
        return (self.folder / "kamailio.log").read_text(errors="replace")

    def metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://{self.control}:19101/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        found = {}
        for line in lines:
            if line and not line.startswith("#"):
                name, value, *_ = line.rsplit(" ", 2) if line.count(" ") > 1 else line.rsplit(" ", 1)
                found[name] = float(value)
        return found

    def sees(self, up: bool, *trunks: str) -> None:
        """Wait until it takes every host of these trunks for alive, or for dead."""
        until(lambda: {self.hosts_up().get(trunk) for trunk in trunks} == {1.0 if up else 0.0})

    def hosts_up(self) -> dict[str, float]:
        """Trunk → the least of its hosts."""
        found: dict[str, float] = {}
        for name, value in self.metrics().items():
            if name.startswith("kamailio_edge_host_up"):
                trunk = name.split('"')[1]
                found[trunk] = min(value, found.get(trunk, 1.0))
        return found

    def sees_node(self, up: bool, address: str) -> None:
        flag = "A" if up else "I"
        until(lambda: re.search(rf"URI: sip:{address}:15060\s+FLAGS: {flag}", self.rpc("dispatcher.list")))

    def rpc(self, *command: str, check: bool = True) -> str:
        return subprocess.run(
            ["kamcmd", "-s", f"unix:{self.folder}/kamailio.sock", *command], capture_output=True, text=True, check=check
        ).stdout

    def node(self) -> Peer:
        return Peer(self.node_address, 15060)

    @property
    def at(self) -> tuple[str, int]:
        """Where nodes send."""
        return self.inside, 15060

    def _answers(self) -> bool:
        try:
            return bool(self.metrics())
        except OSError:
            return False


def a_moment(seconds: float = 0.5) -> None:
    """For what must not come: a peer on the same machine would have had it by then."""
    time.sleep(seconds)

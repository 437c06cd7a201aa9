"""A container engine for one run: a dockerd of its own, with its own socket, data, process id file and bridge.

It touches nothing of an engine that may already run here: no iptables rule, no default bridge, no file outside its
folder.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_DEBIAN_PACKAGES = ("docker.io", "busybox-static", "iproute2")
_START_LIMIT_S = 60
_STOP_LIMIT_S = 30
# Private networks tried for the bridge, in order; one that nothing here routes to is taken.
_NETWORKS = tuple(f"172.31.{third}" for third in range(200, 250))


class EngineUnavailable(Exception):
    """No engine can be had here; the text is the reason to print."""


@dataclass(frozen=True)
class Engine:
    """A running engine: where its clients reach it, and the host's address as its containers see it."""

    docker_host: str
    bridge_address: str

    def environment(self) -> dict[str, str]:
        """This process's environment, with its Docker clients pointed here."""
        return {**os.environ, "DOCKER_HOST": self.docker_host}


def require_debian_packages() -> None:
    """Install what the engine needs if allowed to (CI=true or DUOLOGUE_INSTALL=1), on Debian as root.

    Raises:
        EngineUnavailable: something is missing and must not, or could not, be installed.
    """
    if os.geteuid() != 0:
        raise EngineUnavailable("a container engine of one's own needs root")
    if all(shutil.which(program) for program in ("dockerd", "docker", "busybox", "ip")):
        return
    if not shutil.which("apt-get"):
        raise EngineUnavailable("dockerd or busybox is missing, and this is no Debian where apt-get could bring them")
    if os.environ.get("CI") != "true" and os.environ.get("DUOLOGUE_INSTALL") != "1":
        raise EngineUnavailable(
            f"{', '.join(_DEBIAN_PACKAGES)} are missing; DUOLOGUE_INSTALL=1 (or CI=true) lets this test install them"
        )
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *_DEBIAN_PACKAGES]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EngineUnavailable(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """An engine whose socket and data are below `folder`; ended, and its traces removed, at the end.

    `folder` must lie on a disk that overlayfs can stack on (not on another overlay), and be short: a socket's path has
    at most 107 characters.

    Raises:
        EngineUnavailable: dockerd or its bridge would not start; the text has the end of its log.
    """
    bridge, address = _make_bridge()
    log = folder / "dockerd.log"
    process = None
    try:
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    "dockerd",
                    f"--host=unix://{folder}/docker.sock",
                    f"--data-root={folder}/data",
                    f"--exec-root={folder}/exec",
                    f"--pidfile={folder}/docker.pid",
                    f"--bridge={bridge}",
                    # docker-proxy alone carries 127.0.0.1:port into a container; the host's rules stay as they are.
                    "--iptables=false",
                    "--ip6tables=false",
                    "--ip-forward=false",
                    "--ip-masq=false",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        engine = Engine(docker_host=f"unix://{folder}/docker.sock", bridge_address=address)
        _await_answer(engine, process, log)
        yield engine
    finally:
        if process is not None:
            _stop(process)
        subprocess.run(["umount", f"{folder}/exec/netns/default"], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False)


def _make_bridge() -> tuple[str, str]:
    """The name and the address of a new bridge on a network that nothing here uses."""
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    network = next((net for net in _NETWORKS if f"{net}." not in routes and "172.16.0.0/12" not in routes), None)
    if network is None:
        raise EngineUnavailable("no free private network for the containers' bridge")
    bridge, address = f"dlg{os.getpid()}", f"{network}.1"
    for command in (
        ["ip", "link", "add", bridge, "type", "bridge"],
        ["ip", "address", "add", f"{address}/24", "dev", bridge],
        ["ip", "link", "set", bridge, "up"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False)
            raise EngineUnavailable(f"{' '.join(command)}: {done.stderr.strip()}")
    return bridge, address


def _await_answer(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if not subprocess.run(["docker", "version"], env=engine.environment(), capture_output=True).returncode:
            return
        time.sleep(0.2)
    raise EngineUnavailable(f"dockerd would not start here: …{log.read_text()[-800:].strip()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

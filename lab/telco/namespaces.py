"""Network namespaces of one run, on two networks: outside (the internet) and inside (the customer's, behind NAT).

    outside 198.51.100.0/24   the company, trunks that fail, edges, strangers    (RFC 5737: for documentation)
    inside  10.20.0.0/24      the customer; a NAT box leads outside

All names bear the run's own prefix. The reaper removes them when this process closes the network or ends in any way.
"""

import ctypes
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.telco.reaper import NAMESPACES

OUTSIDE, INSIDE = "outside", "inside"
NETWORKS = {OUTSIDE: "198.51.100", INSIDE: "10.20.0"}
NAT = 254
"""The NAT box's last part of the address on both networks."""
_CLONE_NEWNET = 0x40000000
"""clone(2)."""
_libc = ctypes.CDLL(None, use_errno=True)


def address(network: str, host: int) -> str:
    return f"{NETWORKS[network]}.{host}"


@dataclass(frozen=True)
class Namespace:
    """One machine on the network."""

    name: str

    def command(self, *command: str | Path) -> list[str]:
        """The command, run in here. The process's id is the command's own."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command: str | Path, text: str | None = None) -> str:
        """Raises: RuntimeError: with what the command printed."""
        done = subprocess.run(self.command(*command), capture_output=True, text=True, input=text, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
        return done.stdout

    def start(self, *command: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(*command), **more)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and the threads and processes that it starts meanwhile, are in here.

        A socket stays in the namespace in which it was made.
        """
        with Path("/proc/thread-self/ns/net").open() as back, (NAMESPACES / self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(back.fileno())


class Networks:
    """The two networks and what is connected to them. `harsh`: the NAT box changes every port (symmetric NAT)."""

    def __init__(self, *, harsh: bool = True) -> None:
        self.prefix = f"telco-{secrets.token_hex(3)}"
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "lab.telco.reaper", self.prefix],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        try:
            self.wires = self._made("wires")
            for network in NETWORKS:
                self._ip(self.wires, f"link add {network} type bridge", f"link set {network} up")
            self.nat = self._nat_box(harsh)
        except BaseException:  # whatever went wrong, nothing is left behind
            self.close()
            raise

    def machine(self, name: str, *, outside: int | None = None, inside: int | None = None) -> Namespace:
        """Connected to one network or both, by the last part of its address there. Its way out of the inside is the NAT
        box, unless it is outside itself."""
        machine = self._made(name)
        if outside is not None:
            self._connect(machine, OUTSIDE, outside)
        if inside is not None:
            self._connect(machine, INSIDE, inside)
            if outside is None:
                self._ip(machine, f"route add default via {address(INSIDE, NAT)}")
        return machine

    def add_address(self, machine: Namespace, network: str, host: int) -> str:
        """A further one. Returns it."""
        self._ip(machine, f"address add {address(network, host)}/24 dev {network}")
        return address(network, host)

    def close(self) -> None:
        assert self._reaper.stdin
        self._reaper.stdin.close()
        self._reaper.wait()

    def _nat_box(self, harsh: bool) -> Namespace:
        nat = self.machine("nat", outside=NAT, inside=NAT)
        nat.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        rules = f"""table ip box {{
            chain out {{
                type nat hook postrouting priority srcnat;
                oifname "{OUTSIDE}" masquerade {"random" if harsh else ""}
            }}
            chain through {{
                type filter hook forward priority filter; policy drop;
                iifname "{INSIDE}" accept
                ct state established,related accept
            }}
        }}"""
        nat.run("nft", "-f", "-", text=rules)
        return nat

    def _made(self, name: str) -> Namespace:
        namespace = Namespace(f"{self.prefix}-{name}")
        subprocess.run(["ip", "netns", "add", namespace.name], check=True)
        self._ip(namespace, "link set lo up")
        return namespace

    def _connect(self, machine: Namespace, network: str, host: int) -> None:
        port = f"{network[:3]}-{host}"
        self._ip(
            self.wires,
            f"link add {port} type veth peer name {network} netns {machine.name}",
            f"link set {port} master {network} up",
        )
        self._ip(machine, f"address add {address(network, host)}/24 dev {network}", f"link set {network} up")

    @staticmethod
    def _ip(namespace: Namespace, *lines: str) -> None:
        command = ["ip", "-n", namespace.name, "-batch", "-"]
        done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"ip, {lines}: {done.stderr}")


def _enter(descriptor: int) -> None:
    """setns(2), which Python has from 3.12 on."""
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

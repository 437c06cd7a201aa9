"""The IP sockets of processes of this machine, from proc(5)."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

_LISTENS = "0A"


@dataclass(frozen=True)
class Socket:
    """`address` and `port`: its own. Port 0 is not bound yet."""

    protocol: str
    address: IPv4Address | IPv6Address
    port: int
    listens: bool
    program: str


def session(leader: int) -> list[int]:
    """The processes of a session, which are those that its leader started, and theirs, also after a parent's end."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _session(entry) == leader]


def sockets(pids: Iterable[int]) -> set[Socket]:
    """TCP and UDP, IPv4 and IPv6, of the processes that are still there."""
    return {socket for pid in pids for socket in _sockets(pid)}


def _session(process: Path) -> int | None:
    try:
        return os.getsid(int(process.name))
    except ProcessLookupError:
        return None


def _sockets(pid: int) -> list[Socket]:
    process, found, own = Path(f"/proc/{pid}"), [], set()
    try:
        for file in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                own.add(str(file.readlink()))
        program = (process / "cmdline").read_text().replace("\0", " ")[:80]
        for protocol in ("udp", "udp6", "tcp", "tcp6"):
            for line in (process / "net" / protocol).read_text().splitlines()[1:]:
                _, local, _, state, *fields = line.split()
                if f"socket:[{fields[5]}]" in own:
                    address, port = local.split(":")
                    listens = protocol.startswith("tcp") and state == _LISTENS
                    found.append(Socket(protocol, _address(address), int(port, 16), listens, program))
    except FileNotFoundError:  # it ended
        return []
    return found


def _address(text: str) -> IPv4Address | IPv6Address:
    """Four bytes at a time, in this machine's byte order."""
    words = bytes.fromhex(text)
    swapped = -1 if sys.byteorder == "little" else 1
    return ip_address(b"".join(words[at : at + 4][::swapped] for at in range(0, len(words), 4)))

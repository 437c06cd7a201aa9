"""Decides to which address the SIP library's sockets are bound: those for RTP and RTCP, and two of its DNS client.

Observed behaviour of the library (baresip-python 0.5.2a3): it binds them to all interfaces, and has no setting for it
(libbaresip, stream.c: "we listen on all interfaces"). A stranger's RTP to such a port would replace a party's voice.
So its calls of `bind` are routed through `_bind`, by the entry for `bind` in the import table of its shared object
(ELF: the relocation of that symbol). On macOS, whose shared objects are not ELF, nothing is changed.

All of them are bound to loopback, but where there is a trunk, those for RTP are bound to its interface. Such a socket
receives nothing until `hear` names the address of the far end (`pstn.lines.trunk.socket_filter`).

For each session description, the library looks for its own address towards the far end, by `connect` of a datagram
socket that it then closes; an address that is not the one of its setting `net_interface` is an error. All its SIP is on
loopback, so where there is a trunk, these calls of `connect` are routed to loopback, too.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import baresip._native

from pstn.lines.trunk.socket_filter import only_from

AF_INET, AF_INET6 = 2, 10
"""As Linux numbers them; the family is the first field of a socket address, 16 bits."""
ANY_4, LOOPBACK_4 = bytes(4), bytes((127, 0, 0, 1))
ANY_6, LOOPBACK_6 = bytes(16), bytes(15) + b"\1"
DYNSYM, RELA = 11, 4
"""Types of ELF sections."""
_ADDRESS_AT = {AF_INET: (4, ANY_4, LOOPBACK_4), AF_INET6: (8, ANY_6, LOOPBACK_6)}
"""Where a socket address has the IP address; the one for all interfaces, and the one for loopback."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Rtp:
    """Where RTP leaves loopback: ports from `least` on, to `most`, of this address. `sockets`: port → its number."""

    def __init__(self, address: str, ports: str) -> None:
        self.address = address
        self.least, self.most = map(int, ports.split("-"))
        self.sockets: dict[int, int] = {}


_rtp: _Rtp | None = None


def _bind(number: int, address: int, length: int) -> int:
    """bind(2), with another address for all interfaces. Called on the library's thread."""
    given = ctypes.string_at(address, length)
    bound, port = _on_own_interface(given)
    result = int(_libc.bind(number, bound, ctypes.c_uint32(length)))
    if port and _rtp and result == 0:
        _rtp.sockets[port] = number
        only_from((), number)
    return result


def _connect(number: int, address: int, length: int) -> int:
    """connect(2), to loopback: the library has no connections where there is a trunk."""
    given = ctypes.string_at(address, length)
    (family,) = struct.unpack_from("=H", given)
    if family in _ADDRESS_AT:
        at, _, loopback = _ADDRESS_AT[family]
        given = given[:at] + loopback + given[at + len(loopback) :]
    return int(_libc.connect(number, given, ctypes.c_uint32(length)))


_function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, use_errno=True)
_instead = {b"bind": _function(_bind), b"connect": _function(_connect)}


def _on_own_interface(address: bytes) -> tuple[bytes, int]:
    """A socket address (struct sockaddr) with one interface in place of all; any other one is unchanged.

    Also its port, if it is one for RTP outside loopback; else 0.
    """
    (family,) = struct.unpack_from("=H", address)
    if family not in _ADDRESS_AT:
        return address, 0
    at, everywhere, own = _ADDRESS_AT[family]
    if address[at : at + len(everywhere)] != everywhere:
        return address, 0
    (port,) = struct.unpack_from("!H", address, 2)
    outside = _rtp is not None and family == AF_INET and _rtp.least <= port <= _rtp.most
    if _rtp and outside:
        own = socket.inet_aton(_rtp.address)
    return address[:at] + own + address[at + len(own) :], port if outside else 0


def rtp_outside_loopback(address: str, ports: str) -> None:
    """Bind the sockets for RTP, those with a port in `ports` ("20000-29999"), to this address from now on."""
    global _rtp
    _rtp = _Rtp(address, ports)


def hear(port: int, allowed: Iterable[IPv4Network]) -> None:
    """Let RTP and RTCP in from these networks only, on the sockets of this RTP port. Unknown ports are ignored."""
    networks = tuple(allowed)
    for each in (port, port + 1):
        number = _rtp.sockets.get(each) if _rtp else None
        if number is None:
            continue
        try:
            only_from(networks, number)
        except OSError:  # closed meanwhile
            continue


def bind_to_own_interface() -> None:
    """Call before the library opens sockets. Raises: OSError: the library does not import `bind` as expected."""
    if sys.platform != "linux":
        return
    library = Path(baresip._native.__file__)
    base, elf = _base(library), library.read_bytes()
    for name in (b"bind", b"connect") if _rtp else (b"bind",):
        slots = list(_imports(elf, name))
        if not slots:
            raise OSError(f"{library.name} has no import of {name.decode()}: its sockets cannot be bound to loopback")
        for slot in slots:
            ctypes.c_void_p.from_address(base + slot).value = ctypes.cast(_instead[name], ctypes.c_void_p).value


def _base(library: Path) -> int:
    """Where the shared object is loaded. Raises: OSError."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, _, offset, _, _, *name = line.split(maxsplit=5)
        if name and Path(name[0]) == library.resolve() and int(offset, 16) == 0:
            return int(addresses.partition("-")[0], 16)
    raise OSError(f"{library} is not loaded")


def _imports(elf: bytes, name: bytes) -> Iterator[int]:
    """The offsets, from where it is loaded, of the pointers to an imported function. `elf`: 64 bits, little-endian."""
    table, size, count = struct.unpack_from("<Q", elf, 40)[0], *struct.unpack_from("<HH", elf, 58)
    # sh_type, sh_offset, sh_size, sh_link: elf(5), Elf64_Shdr
    sections = [struct.unpack_from("<4xI16xQQI", elf, table + size * each) for each in range(count)]
    for kind, start, length, link in sections:
        if kind != RELA or sections[link][0] != DYNSYM:
            continue
        symbols, names = sections[link][1], sections[sections[link][3]][1]
        for at in range(start, start + length, 24):
            slot, info = struct.unpack_from("<QQ", elf, at)
            (offset,) = struct.unpack_from("<I", elf, symbols + 24 * (info >> 32))
            if elf[names + offset : elf.index(b"\0", names + offset)] == name:
                yield slot

"""Binds the SIP library's sockets to loopback: those for RTP and RTCP, and two of its DNS client.

Observed behaviour of the library (baresip-python 0.5.2a3): it binds them to all interfaces, and has no setting for it
(libbaresip, stream.c: "we listen on all interfaces"). A stranger's RTP to such a port would replace a party's voice.
So its calls of `bind` are routed through `_bind`, by the entry for `bind` in the import table of its shared object
(ELF: the relocation of that symbol). On macOS, whose shared objects are not ELF, nothing is changed.
"""

import ctypes
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import baresip._native

AF_INET, AF_INET6 = 2, 10
"""As Linux numbers them; the family is the first field of a socket address, 16 bits."""
ANY_4, LOOPBACK_4 = bytes(4), bytes((127, 0, 0, 1))
ANY_6, LOOPBACK_6 = bytes(16), bytes(15) + b"\1"
DYNSYM, RELA = 11, 4
"""Types of ELF sections."""
_ADDRESS_AT = {AF_INET: (4, ANY_4, LOOPBACK_4), AF_INET6: (8, ANY_6, LOOPBACK_6)}
"""Where a socket address has the IP address; the one for all interfaces, and the one for loopback."""

_libc = ctypes.CDLL(None, use_errno=True)


def _bind(socket: int, address: int, length: int) -> int:
    """bind(2), with loopback for all interfaces. Called on the library's thread."""
    bound = _on_loopback(ctypes.string_at(address, length))
    return int(_libc.bind(socket, bound, ctypes.c_uint32(length)))


_instead = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, use_errno=True)(_bind)


def _on_loopback(address: bytes) -> bytes:
    """A socket address (struct sockaddr) with loopback in place of all interfaces; any other one is unchanged."""
    (family,) = struct.unpack_from("=H", address)
    if family not in _ADDRESS_AT:
        return address
    at, everywhere, loopback = _ADDRESS_AT[family]
    if address[at : at + len(everywhere)] != everywhere:
        return address
    return address[:at] + loopback + address[at + len(loopback) :]


def bind_to_loopback_only() -> None:
    """Call before the library opens sockets. Raises: OSError: the library does not import `bind` as expected."""
    if sys.platform != "linux":
        return
    library = Path(baresip._native.__file__)
    base = _base(library)
    slots = list(_imports(library.read_bytes(), b"bind"))
    if not slots:
        raise OSError(f"{library.name} has no import of bind: its sockets cannot be bound to loopback")
    for slot in slots:
        ctypes.c_void_p.from_address(base + slot).value = ctypes.cast(_instead, ctypes.c_void_p).value


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

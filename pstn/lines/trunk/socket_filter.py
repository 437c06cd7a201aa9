"""A filter in the kernel that drops the packets of strangers before any program reads them (Linux).

A classic BPF program (socket(7), SO_ATTACH_FILTER) needs no privilege. On a UDP socket and on a listening TCP socket it
sees each packet, and reaches the IP header by SKF_NET_OFF. On other systems nothing is filtered here, and `outside`
checks the source of each SIP message all the same.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable
from ipaddress import IPv4Network

SO_ATTACH_FILTER = 26
LOAD, AND, IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
"""linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_ALU | BPF_AND | BPF_K, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET."""
SOURCE_ADDRESS = 0xFFF00000 + 12
"""SKF_NET_OFF, and where an IPv4 header has the source address (RFC 791 §3.1)."""
WHOLE_PACKET, NOTHING = 0xFFFFFFFF, 0
MOST_INSTRUCTIONS = 4096
"""BPF_MAXINSNS."""


def program(allowed: Iterable[IPv4Network]) -> list[tuple[int, int, int, int]]:
    """(code, jump if true, jump if false, constant) of each instruction."""
    steps: list[tuple[int, int, int, int]] = []
    for network in allowed:
        steps += [
            (LOAD, 0, 0, SOURCE_ADDRESS),
            (AND, 0, 0, int(network.netmask)),
            (IF_EQUAL, 0, 1, int(network.network_address)),
            (RETURN, 0, 0, WHOLE_PACKET),
        ]
    return [*steps, (RETURN, 0, 0, NOTHING)]


def only_from(allowed: Iterable[IPv4Network], number: int) -> None:
    """Let the socket with this file descriptor receive from these networks only, from now on.

    Raises: OSError: it is no socket, or there are too many networks.
    """
    if sys.platform != "linux":
        return
    steps = program(allowed)
    if len(steps) > MOST_INSTRUCTIONS:
        raise OSError(f"more than {MOST_INSTRUCTIONS // 4} networks")
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    fprog = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    one = socket.socket(fileno=number)
    try:
        one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
    finally:
        one.detach()

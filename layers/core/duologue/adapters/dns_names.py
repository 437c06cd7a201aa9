"""Which addresses a host name has, by the system's resolver."""

import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address

from duologue.domain.sp_url import Address

_PATIENCE = 3.0
"""Seconds. The resolver's own time-outs are longer, and an SP's name server decides how slow it is."""


def addresses_of(host: str) -> Sequence[Address]:
    """Every address, in the resolver's order; an address stands for itself. Empty: none, or none in time."""
    found: list[Address] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # no such name, no server, or a name that is none
            return
        found.extend(ip_address(answer[4][0]) for answer in answers)

    worker = threading.Thread(target=look_up, daemon=True)
    worker.start()
    worker.join(_PATIENCE)
    return tuple(found)

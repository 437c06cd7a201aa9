"""Which addresses a host name has, by the system's resolver."""

import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address

from duologue.domain.sp_url import Address

_TIMEOUT_SECONDS = 3.0
"""Seconds. The resolver's own time-outs are longer, and an SP's name server decides how slow it is."""
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""All else that a resolver says (try again, a server failed, out of memory) says nothing of the name."""


def addresses_of(host: str) -> Sequence[Address] | None:
    """Every address, in the resolver's order; an address stands for itself. Empty: there is none.

    None: nobody knows for now. No server answered, or none in time.
    """
    answered: list[Sequence[Address]] = []

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except UnicodeError:  # a name that is none
            answered.append(())
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                answered.append(())
        except OSError:
            return
        else:
            answered.append(tuple(ip_address(answer[4][0]) for answer in found))

    worker = threading.Thread(target=look_up, daemon=True)
    worker.start()
    worker.join(_TIMEOUT_SECONDS)
    return answered[0] if answered else None

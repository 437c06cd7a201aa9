"""Look up the addresses of a host name with the system's resolver."""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from duologue.domain.notifying.sp_url import Address

_TIMEOUT_SECONDS = 3.0
"""The resolver's own time-outs are longer, and an SP's name server can be slow."""
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""Other resolver errors (try again, server failure, out of memory) are not about the name."""


def addresses_of(host: str) -> Sequence[Address] | None:
    """All addresses, in the resolver's order; `host` may be an address. Empty: there are none.

    None: unknown, because no server responded in time.
    """
    with suppress(ValueError):
        return (ip_address(host),)  # no thread and no resolver for an address
    answered: list[Sequence[Address]] = []

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except UnicodeError:  # not a valid name
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

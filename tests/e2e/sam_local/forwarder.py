"""Carry connections from the containers' bridge to one loopback port, for the length of one run.

`sam local` ignores `--docker-network host`, so a container cannot reach the host's loopback. This is the one listener
that is not on loopback; its address exists on the run's own bridge only.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

_CHUNK = 65536


@contextmanager
def forwarded(address: str, port: int) -> Iterator[int]:
    """The port on `address` whose connections arrive at 127.0.0.1:`port`; closed at the end."""
    with closing(socket.create_server((address, 0))) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:  # closed: the run is over
            return
        try:
            far = socket.create_connection(("127.0.0.1", port))
        except OSError:  # nobody there any more: as if the port itself had refused
            near.close()
            continue
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_carry, args=(source, sink), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # either side may go first; the other is told below
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)

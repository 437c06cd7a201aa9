"""Runs the registrar on a UDP port on loopback, on a thread of its own, with the real clock.

No TCP: a softphone that registers over TCP expects calls over that connection, which the telephone network, a separate
program, does not have.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, cast

from lab.sip.registrar import Exchange, Registrar
from pstn.lines.sip.child import LOOPBACK
from pstn.lines.sip.directory import Directory

PORT = 5062
"""Not the telephone network's 5060, and not 5061, where softphones expect TLS."""


class RegistrarOnUdp:
    """Serves as soon as it is created.

    Args:
        directory, network, report, exchange: see `Registrar`; the last two are called called on this object's thread.
        port: 0: any free one.
    """

    def __init__(
        self,
        directory: Directory,
        network: str,
        port: int = PORT,
        report: Callable[[str], None] = lambda text: None,
        exchange: Exchange | None = None,
    ) -> None:
        """Raises: OSError if the port is taken."""
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            own.bind((LOOPBACK, port))
        except OSError:
            own.close()
            raise
        self.address = f"{LOOPBACK}:{own.getsockname()[1]}"
        """The domain for a softphone's account."""
        self._registrar = Registrar(directory, network, self.address, time.monotonic, report, exchange)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="registrar", daemon=True)
        self._thread.start()
        self._transport, _ = asyncio.run_coroutine_threadsafe(
            self._loop.create_datagram_endpoint(lambda: _Datagrams(self._registrar), sock=own), self._loop
        ).result()

    def close(self) -> None:
        """Stop; the numbers that it bound are built-in phones again. Safe to repeat."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._transport.abort)
        self._loop.call_soon_threadsafe(lambda: self._loop.call_soon(self._loop.stop))  # the socket is closed before
        self._thread.join()
        self._loop.close()
        self._registrar.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar
        self._transport: asyncio.DatagramTransport | None = None
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # cast, not isinstance: before Python 3.12 asyncio's class does not derive from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        answer = self._registrar.received(data, addr)
        if answer and self._transport:
            self._transport.sendto(*answer)
        self._expire()

    def _expire(self) -> None:
        """Expire bindings now, and again when the next one is due."""
        if self._next:
            self._next.cancel()
        wait = self._registrar.expire()
        self._next = None if wait is None else asyncio.get_running_loop().call_later(wait, self._expire)

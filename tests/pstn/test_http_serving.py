"""Nobody is cut off by the end of a server, and its process keeps its own signals."""

import asyncio
import signal
import socket

import pytest

from pstn.http_serving import serving


async def _slow(scope, receive, send) -> None:
    await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})


def _handlers() -> list:
    return [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


def test_what_is_being_handled_is_answered_before_the_server_is_gone():
    listener = socket.create_server(("127.0.0.1", 0))
    place = listener.getsockname()

    async def story() -> bytes:
        signals = _handlers()
        async with serving(_slow, listener, lifespan="off"):
            reader, writer = await asyncio.open_connection(*place)
            writer.write(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
            await asyncio.sleep(0.1)
            assert _handlers() == signals
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*place)
        try:
            async with asyncio.timeout(2):
                return await reader.read()
        finally:
            writer.close()

    answer = asyncio.run(story())
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\ndone")
    assert not [name for name in (b"server:", b"date:") if name in answer.lower()]

"""An ASGI application on a bound socket, by uvicorn. What it does besides is for whoever serves: pstn.http_guard."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, **settings: Any) -> AsyncIterator[None]:
    """Requests are answered as long as the block lasts; those that are being handled then get a second more.

    `settings`: further ones of uvicorn.Config.
    """
    config = uvicorn.Config(
        app,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        **settings,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Its `serve` does the same, but takes over the signals of the process and wakes up ten times a second.
    await server.startup([listener])
    try:
        yield
    finally:
        await server.shutdown([listener])

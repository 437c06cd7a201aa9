"""A headless Chromium before the operator's console of a platform in memory (tests/console/world.py)."""

import functools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import anyio
import pytest
import uvicorn

from duologue.operator.console.server import make_app
from tests.console.world import World
from tests.e2e.browser import chromium, pages


@pytest.fixture(scope="package")
def browser() -> Iterator:
    yield from chromium("the console")


@pytest.fixture
def world() -> World:
    world = World()
    world.wait = functools.partial(anyio.sleep, 0.2)
    return world


@pytest.fixture
def console(world) -> Iterator[str]:
    """Its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
        config = uvicorn.Config(make_app(world.pages, port), log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        serving.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        serving.join(10)


@pytest.fixture
def open_page(browser, console) -> Iterator[Callable]:
    yield from pages(browser, console)

"""A headless Chromium before the operator's console of a platform in memory (tests/console/world.py).

All of it for this folder and no longer: Playwright keeps a loop running, beside which other tests can have none.
"""

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
from tests.e2e.site.chromium import FLAGS, ChromiumUnavailable, require_chromium
from tests.e2e.site.conftest import SHIFTS


@pytest.fixture(scope="package")
def browser() -> Iterator:
    try:
        program = require_chromium()
    except ChromiumUnavailable as reason:
        pytest.skip(f"the console in a browser: {reason}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


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
    """A page of a browser context of its own; at the end, nothing has gone wrong in it."""
    wrong: list[str] = []
    contexts = []

    def outside(request) -> None:
        if not request.url.startswith(console):
            wrong.append(request.url)

    def open_one(path: str = "/", *, width: int = 1280, height: int = 900):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(SHIFTS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", outside)
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(console + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []

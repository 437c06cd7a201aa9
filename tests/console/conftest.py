"""A platform in memory, and a browser without a screen before its console."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from duologue.operator.console.guard import TOKEN_FIELD
from duologue.operator.console.server import make_app
from tests.console.world import BASE, PORT, TOKEN, World


class Browser(TestClient):
    """`post` sends a form with the token of the pages."""

    def send_form(self, path: str, **fields: str):
        return self.post(path, data={TOKEN_FIELD: TOKEN, **fields})


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def browser(world) -> Iterator[Browser]:
    with Browser(make_app(world.pages, PORT), base_url=BASE) as client:
        yield client

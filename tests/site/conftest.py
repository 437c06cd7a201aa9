"""A backend on a scripted platform, and a site around it."""

import json
from collections.abc import Iterator

import pytest

from lab.sp.session import SpSession
from lab.website.backend import FEE_PATH, STATUS_PATH, SpBackend
from lab.website.scenarios import TO_TRY
from lab.website.server import Site
from tests.site.platform import SECRET, Clock, Platform, Storage, signed

URL = "http://127.0.0.1:8090"


class NotifiedBackend(SpBackend):
    """A backend with a shortcut for signed notifications."""

    def notify(self, body: dict, secret: str = SECRET) -> int:
        path = FEE_PATH if body["eventType"] == "fee" else STATUS_PATH
        return self.receive(path, signed(self.url + path, secret, self.now()), json.dumps(body).encode())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform() -> Platform:
    return Platform()


def desk_on(platform: Platform, clock: Clock, url: str = URL) -> NotifiedBackend:
    session = SpSession(platform, clock.now)
    numbers = ("+12025550100", "+12025550101")
    return NotifiedBackend(session, SECRET, numbers, url, TO_TRY, now=clock.now, later=clock.later)


@pytest.fixture
def backend(platform, clock) -> NotifiedBackend:
    return desk_on(platform, clock)


@pytest.fixture
def storage() -> Iterator[Storage]:
    storage = Storage(bytes(range(256)) * 40)
    yield storage
    storage.close()


@pytest.fixture
def site(platform, clock) -> Iterator[Site]:
    site = Site(lambda url: desk_on(platform, clock, url))
    yield site
    site.close()

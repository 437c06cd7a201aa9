"""A desk on a platform that is told what to answer, and a site around it."""

import json
from collections.abc import Iterator

import pytest

from lab.sp.standing import Standing
from lab.website.desk import FEE_PATH, STATUS_PATH, Desk
from lab.website.scenarios import TO_TRY
from lab.website.server import Site
from tests.site.platform import SECRET, Clock, Platform, Storage, signed

URL = "http://127.0.0.1:8090"


class Told(Desk):
    """A desk that is easily told something."""

    def told(self, body: dict, secret: str = SECRET) -> int:
        path = FEE_PATH if body["eventType"] == "fee" else STATUS_PATH
        return self.take(path, signed(self.url + path, secret), json.dumps(body).encode())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform() -> Platform:
    return Platform()


def desk_on(platform: Platform, clock: Clock, url: str = URL) -> Told:
    standing = Standing(platform, clock.now)
    numbers = ("+12025550100", "+12025550101")
    return Told(standing, SECRET, numbers, url, TO_TRY, now=clock.now, later=clock.later)


@pytest.fixture
def desk(platform, clock) -> Told:
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

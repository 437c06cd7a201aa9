"""A headless Chromium, and the pages that it opens of a site whose platform is scripted (tests/site/platform.py)."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.browser import chromium, pages
from tests.site.conftest import clock, platform, site, storage

__all__ = ["clock", "platform", "site", "storage"]


@pytest.fixture(scope="package")
def browser() -> Iterator:
    yield from chromium("the site")


@pytest.fixture
def open_page(browser, site) -> Iterator[Callable]:
    yield from pages(browser, site.url, "data:")

"""A headless Chromium, and the pages that it opens of a site whose platform is scripted (tests/site/platform.py)."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.site.chromium import FLAGS, ChromiumUnavailable, require_chromium
from tests.site.conftest import clock, platform, site, storage

__all__ = ["clock", "platform", "site", "storage"]

SHIFTS = """
window.shifts = [];
new PerformanceObserver((seen) => {
  for (const entry of seen.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
"""Keeps every layout shift: https://wicg.github.io/layout-instability/"""


@pytest.fixture(scope="package")
def browser() -> Iterator:
    try:
        program = require_chromium()
    except ChromiumUnavailable as reason:
        pytest.skip(f"the site in a browser: {reason}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, site) -> Iterator[Callable]:
    """A page of a browser context of its own; at the end, nothing has gone wrong in it."""
    wrong: list[str] = []
    contexts = []

    def outside(request) -> None:
        if not request.url.startswith((site.url, "data:")):
            wrong.append(request.url)

    def violations(said) -> None:
        if "Content Security Policy" in said.text:
            wrong.append(said.text)

    def open_one(path: str = "/", *, width: int = 1100, height: int = 900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(SHIFTS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", outside)
        page.on("console", violations)
        page.goto(site.url + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []

"""A headless Chromium for one run, or the reason why there is none; and pages in which nothing may go wrong.

Chromium is Debian's; Playwright only drives it and brings no browser of its own (requirements/browser.txt). A fixture
that uses it lives as long as its folder and no longer: Playwright keeps a loop running, beside which other tests can
have none.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

_DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core")
_PROGRAMS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
"""No sandbox: CI runs as root, where Chromium has none. Nothing but loopback is asked for."""
SHIFTS = """
window.shifts = [];
new PerformanceObserver((seen) => {
  for (const entry of seen.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
"""Keeps every layout shift: https://wicg.github.io/layout-instability/"""


def chromium(of: str, *flags: str) -> Iterator:
    """The browser until the iterator ends; skips with the reason where there is none. `of`: what it was to show."""
    try:
        program = _program()
    except _Unavailable as reason:
        pytest.skip(f"{of} in a browser: {reason}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *flags])
        yield running
        running.close()


def pages(browser, base: str, *also: str) -> Iterator[Callable]:
    """Opens paths of `base`, each page in a browser context of its own.

    At the end, no page had an error, broke its Content Security Policy or asked for a URL that begins neither with
    `base` nor with one of `also`.
    """
    wrong: list[str] = []
    contexts = []

    def outside(request) -> None:
        if not request.url.startswith((base, *also)):
            wrong.append(request.url)

    def open_one(path: str = "/", *, width: int = 1280, height: int = 900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(SHIFTS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", outside)
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(base + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


class _Unavailable(Exception):
    """No browser can be had here; the text is the reason to print."""


def _program() -> str:
    """The program's path; installed first if allowed to (CI=true or DUOLOGUE_INSTALL=1), on Debian as root.

    Raises:
        _Unavailable: Playwright or Chromium is missing and must not, or could not, be installed.
    """
    if importlib.util.find_spec("playwright") is None:
        raise _Unavailable("playwright is missing; `make test-site` installs it where it has a wheel")
    if _found() is None:
        _install()
    found = _found()
    if found is None:
        raise _Unavailable("chromium was installed and is still not found")
    return found


def _found() -> str | None:
    return next((found for program in _PROGRAMS if (found := shutil.which(program))), None)


def _install() -> None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise _Unavailable("chromium is missing, and this is no Debian as root where apt-get could bring it")
    if os.environ.get("CI") != "true" and os.environ.get("DUOLOGUE_INSTALL") != "1":
        raise _Unavailable("chromium is missing; DUOLOGUE_INSTALL=1 (or CI=true) lets this test install it")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *_DEBIAN_PACKAGES]
    for command in (["apt-get", "update"], install):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise _Unavailable(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")

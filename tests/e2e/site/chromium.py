"""A headless Chromium for one run, or the reason why there is none.

Chromium is Debian's; Playwright only drives it and brings no browser of its own (requirements/browser.txt).
"""

import importlib.util
import os
import shutil
import subprocess

_DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core")
PROGRAMS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
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


class ChromiumUnavailable(Exception):
    """No browser can be had here; the text is the reason to print."""


def require_chromium() -> str:
    """The program's path; installed first if allowed to (CI=true or DUOLOGUE_INSTALL=1), on Debian as root.

    Raises:
        ChromiumUnavailable: Playwright or Chromium is missing and must not, or could not, be installed.
    """
    if importlib.util.find_spec("playwright") is None:
        raise ChromiumUnavailable("playwright is missing; `make test-site` installs it where it has a wheel")
    if _found() is None:
        _install()
    found = _found()
    if found is None:
        raise ChromiumUnavailable("chromium was installed and is still not found")
    return found


def _found() -> str | None:
    return next((found for program in PROGRAMS if (found := shutil.which(program))), None)


def _install() -> None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise ChromiumUnavailable("chromium is missing, and this is no Debian as root where apt-get could bring it")
    if os.environ.get("CI") != "true" and os.environ.get("DUOLOGUE_INSTALL") != "1":
        raise ChromiumUnavailable("chromium is missing; DUOLOGUE_INSTALL=1 (or CI=true) lets this test install it")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *_DEBIAN_PACKAGES]
    for command in (["apt-get", "update"], install):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ChromiumUnavailable(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")

"""The home page over HTTP, on loopback, made anew for each request.

| Path | |
| --- | --- |
| `/` | the home page |
| `/api` | the API's reference (`tools/openapi`), with its style sheet `/api.css` |
| `/openapi.yaml` | the same as an OpenAPI document |
| `/static/…` | what the pages load |

Rule: only GET, and nothing that it answers is a secret: the pages name no key and no password.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.pages import KINDS, PageHandler, PageServer, templates
from tools.openapi import page as api

STATIC = Path(__file__).parent / "static"
_TEMPLATES = templates(Path(__file__).parent / "templates")


@dataclass(frozen=True)
class Running:
    """One thing that listens. `where`: its URL, or host and port of what is no web server."""

    name: str
    where: str
    about: str
    page: bool = False
    """Whether a person can open it."""


@dataclass(frozen=True)
class ChangedSwitch:
    """A switch that is not at its default."""

    name: str
    value: str
    default: str
    about: str


@dataclass(frozen=True)
class LabState:
    """What the home page shows. URLs have no slash at the end; an empty one: it does not run."""

    site: str
    phone: str = ""
    console: str = ""
    api: str = ""
    aws: str = ""
    running: tuple[Running, ...] = ()
    switches: tuple[ChangedSwitch, ...] = ()
    notes: tuple[str, ...] = ()
    """What else differs from a plain `make up`, in a sentence each."""
    stops: str = "Press Ctrl-C in the terminal where make up runs."
    shown: str = ""
    """The display number that the called party sees."""
    env_file: str = ""
    """The file with the account, for a second terminal."""


@dataclass
class Home:
    """Serves until `close`. `state` is asked at each request.

    Raises: OSError: the port is taken.
    """

    state: Callable[[], LabState]
    port: int = 0
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self._server = PageServer(self.port, _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._server.begin("home")

    def page(self) -> str:
        """The home page."""
        return _TEMPLATES.get_template("home.html").render(lab=self.state())

    def close(self) -> None:
        self._server.close()


def changed_switches(current: Any, defaults: Any) -> tuple[ChangedSwitch, ...]:
    """Those that differ, of two objects of one class of switches (`pstn.switches`, `lab.aws.switches`)."""
    return tuple(
        ChangedSwitch(each.name, _shown(value), _shown(default), str(each.metadata.get("about", "")))
        for each in fields(defaults)
        if (value := getattr(current, each.name)) != (default := getattr(defaults, each.name))
    )


def _shown(value: object) -> str:
    return ", ".join(sorted(map(str, value))) or "none" if isinstance(value, frozenset) else str(value)


@cache
def _api_page() -> str:
    return api.page("/api.css", "/")


def _handler(home: Home) -> type[PageHandler]:
    class Handler(PageHandler, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/":
                self.html(200, home.page())
            elif path == "/api":
                self.html(200, _api_page())
            elif path == "/api.css":
                self.send(200, api.STYLE.read_bytes(), KINDS[".css"])
            elif path == "/openapi.yaml":
                self.send(200, api.DOCUMENT.read_bytes(), "text/plain; charset=utf-8")
            elif not self.static(STATIC, path.removeprefix("/static/")):
                self.html(404, _TEMPLATES.get_template("missing.html").render())

    return Handler

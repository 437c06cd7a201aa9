"""The console's web server: routes and errors.

A page is written by a plain function that reads what it shows; Starlette runs it on a thread. What AWS refuses, or does
not answer, is a page that says so and what to do.
"""

import contextlib
import secrets
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from duologue.domain.errors import DuologueError, InvalidField, OutsideUnavailable, UnknownApp, UnknownCall, UnknownSp
from duologue.operator.console.desk_of import desk_of
from duologue.operator.console.guard import Guard
from duologue.operator.console.pages import HERE, Handler, Pages
from duologue.operator.console.routes import ROUTES
from duologue.operator.platform import Platform, Said

_NOT_THERE = (UnknownCall, UnknownApp, UnknownSp)


def make_app(pages: Pages, port: int) -> ASGIApp:
    """Behind its guard. `port`: where it is served."""

    def bound(handler: Handler) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                with pages.refusals():
                    return handler(pages, request)
            except _NOT_THERE as error:
                return _problem(pages, "There is no such thing (any more)", str(error), 404)
            except InvalidField as error:
                return _problem(pages, "That cannot be done", str(error), 400)
            except DuologueError as error:
                return _problem(pages, "The platform did not answer", str(error), 503)

        return answer

    listed = [Route(path, bound(handler), methods=[method]) for method, path, handler in ROUTES]
    listed.append(Route("/{path:path}", bound(_nothing)))
    files = Mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return Guard(Starlette(routes=[files, *listed]), port, pages.token)


def _nothing(pages: Pages, request: Request) -> Response:
    return _problem(pages, "There is no such page", request.url.path, 404)


def _problem(pages: Pages, title: str, text: str, status: int) -> Response:
    return pages.page("problem.html", {"title": title, "text": text, "page": "", "status": status}, status)


def serve(platform: Platform, port: int) -> Said:
    """Serve on 127.0.0.1 until interrupted. Raises OutsideUnavailable: the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        raise OutsideUnavailable(f"port {port} cannot be used ({error.strerror}): choose another by --port") from error
    with contextlib.closing(listening):
        own = listening.getsockname()[1]
        pages = Pages(desk_of(platform), secrets.token_urlsafe(32))
        pages.desk.apps()  # the first page needs them
        app = make_app(pages, own)
        print(f"CONSOLE  http://127.0.0.1:{own}/  Stop with Ctrl-C.", flush=True)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, server_header=False)
        )
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after its own shutdown
            server.run(sockets=[listening])
    return {"console": "stopped"}

"""The API in process (tests/hostile/edge.py), over HTTP on loopback: for clients that are other processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from duologue.domain.access.passwords import hash_password
from tests.functions.worlds import CALLED, Api
from tests.hostile.edge import InProcess
from tests.hostile.requests import Attack

_PASSWORD = "a password of the SP"
_OWN_HEADERS = {"host", "content-length", "connection"}


@dataclass(frozen=True)
class Served:
    world: Api
    variables: dict[str, str]
    """Of a client's environment, by the names that `.lab/env` has."""
    targets: list[str] = field(default_factory=list)
    """Method, path and query of each request."""


@contextmanager
def served() -> Iterator[Served]:
    """One SP with an app, whose calls ring nobody's telephone."""
    edge = InProcess()
    world = edge.world
    sp = replace(world.accounts.sp("sp-1"), password_hash=hash_password(_PASSWORD, os.urandom(16)))
    world.accounts.sps["sp-1"] = sp
    caller, callee = CALLED
    account = {"APP_KEY": world.key, "APP_SECRET": world.accounts.app(world.key).secret}
    account |= {"SP_USERNAME": sp.username, "SP_PASSWORD": _PASSWORD, "CALLER": caller, "CALLEE": callee}
    targets: list[str] = []
    try:
        with serving(edge, targets) as url:
            yield Served(world, {"API": url, **account}, targets)
    finally:
        edge.close()


@contextmanager
def serving(edge: InProcess, targets: list[str], port: int = 0) -> Iterator[str]:
    """The URL of an API in process. `targets` gets method, path and query of each request. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            targets.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = [
                (name.encode(), value.encode())
                for name, value in self.headers.items()
                if name.lower() not in _OWN_HEADERS
            ]
            answer = edge.answer(Attack(self.command, self.path.encode(), headers, body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name not in _OWN_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""What the lab's pages have in common: their security headers, how they answer, their templates."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pstn.http_guard import GuardedHandler, LoopbackHttpServer

KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
"""The content types of the files that pages load."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline';"
    " script-src 'self'; connect-src 'self'; media-src 'self'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def templates(folder: Path) -> Environment:
    """The templates of a folder. A value is escaped unless it is Markup; a name that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class PageServer(LoopbackHttpServer):
    """Reports errors, except that a browser disconnected."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            traceback.print_exc()


class PageHandler(GuardedHandler, BaseHTTPRequestHandler):
    """A handler for a server's own pages; its subclasses say which there are."""

    pages = True
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Site", ""
    timeout = 75

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.send(404, b"", "text/plain")

    def html(self, status: int, page: str) -> None:
        self.send(status, page.encode(), "text/html; charset=utf-8")

    def static(self, folder: Path, name: str) -> bool:
        """Send one of the folder's files; False: it has none of this name."""
        file = next((each for each in folder.iterdir() if each.name == name and each.suffix in KINDS), None)
        if file is None:
            return False
        self.send(200, file.read_bytes(), KINDS[file.suffix])
        return True

    def send(self, status: int, body: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.begin(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: paths contain telephone numbers and links."""

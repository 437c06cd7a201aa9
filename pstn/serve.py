"""A simple HTTP server for one `PstnService`, on loopback: for tests, and for trying the network alone.

Requests of web pages are refused (http_guard).
"""

import asyncio
from http import HTTPStatus
from types import TracebackType

from pstn.http_guard import GuardedHandler, LoopbackHttpServer
from pstn.service import PstnService

_LARGEST_BODY = 1024 * 1024


class LoopbackServer:
    """`with LoopbackServer(service) as url:` serves until the block ends. `port` 0: any free one."""

    def __init__(self, service: PstnService, port: int = 0) -> None:
        class Handler(GuardedHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.content(_LARGEST_BODY)
                if body is None:
                    self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {_LARGEST_BODY} bytes, not chunked.")
                    return
                status, headers, content = asyncio.run(
                    service.handle(self.command, path, dict(self.headers.items()), body, query)
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:
                """Silent: query strings and telephone numbers must not be logged."""

        self._server = LoopbackHttpServer(port, Handler)

    def __enter__(self) -> str:
        self._server.begin("pstn-http")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

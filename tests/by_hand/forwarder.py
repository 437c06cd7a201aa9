"""Carry HTTP requests from a container engine's bridge to the lab's port, for the length of one run.

`sam local` ignores `--docker-network host`, so a container cannot reach the host's loopback. The lab answers only
requests for its own address (pstn/http_guard.py), so the `Host` header is written anew. This is the one listener that
need not be on loopback; its address exists on the engine's bridge only.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_OWN = {"host", "connection", "transfer-encoding", "content-length"}
_LONGEST_S = 60


@contextmanager
def forwarded(address: str, url: str) -> Iterator[int]:
    """The port on `address` whose requests reach `url`; closed at the end."""
    server = ThreadingHTTPServer((address, 0), _handler(urlsplit(url).netloc))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _handler(target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            connection = http.client.HTTPConnection(target, timeout=_LONGEST_S)
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            except OSError:  # nobody there any more
                self.send_error(502)
                return
            finally:
                connection.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _carry  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    return Handler

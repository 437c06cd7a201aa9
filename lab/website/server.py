"""The site over HTTP, on loopback: pages, forms, the event stream of a call, and the platform's notifications.

| Path | |
| --- | --- |
| `/`, `/rides`, `/courier`, `/homes` | the page of each scenario |
| `POST /calls` | place a callback; 422 with the same page if something is wrong |
| `/calls/{id}` | the live page; `…/stream` is Server-Sent Events, `…/parts` the same once, as JSON |
| `POST /calls/{id}/stop` | end it |
| `/calls/{id}/recording` | the recording, from the storage; accepts Range |
| `POST /notifications/status`, `/notifications/fee` | the platform's notifications |

Rule: only the site's own pages may send requests here, since a form can make a telephone ring; other sites may link to
it (pstn/http_guard.py).
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lab.pages import PageHandler, PageServer
from lab.website import live
from lab.website.backend import FEE_PATH, STATUS_PATH, CallForm, FormRefused, SpBackend
from lab.website.call_log import SpCall
from lab.website.pages import call_page, plain_page, scenario_page
from lab.website.scenarios import SCENARIOS, Scenario

STATIC = Path(__file__).parent / "static"
_LARGEST_FORM, _LARGEST_NOTE = 16 * 1024, 1024 * 1024
_REDRAW_S, _STREAM_S, _MOST_STREAMS = 5.0, 600.0, 100
"""A page takes its server for lost after twice `_REDRAW_S` without news (static/site.js)."""
_RECONNECT_MS = 500
_CALL = re.compile(r"/calls/([\w-]{1,40})(/stream|/parts|/stop|/recording)?", re.ASCII)
_COOKIE, _KEPT, _KEPT_S = "calls", 3, 24 * 3600
"""The browser's own latest calls: their ids, the newest first, separated by dots."""


class Site:
    """Serves until `close`. `make_backend` gets the URL at which the platform can reach this site."""

    def __init__(self, make_backend: Callable[[str], SpBackend], *, port: int = 0, public_url: str = "") -> None:
        """Raises: OSError: the port is taken."""
        self.streams = threading.BoundedSemaphore(_MOST_STREAMS)
        self.closing = threading.Event()
        self.links: tuple[tuple[str, str], ...] = ()
        """Text and URL of what else this machine serves, such as the lab's home page."""
        self._server = PageServer(port, _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.backend = make_backend((public_url or self.url).rstrip("/"))
        self._server.begin("site")

    def close(self) -> None:
        self.closing.set()
        self._server.close()


def _handler(site: Site) -> type[_Answering]:
    class Handler(_Answering):
        @property
        def site(self) -> Site:
            return site

    return Handler


class _Answering(PageHandler, BaseHTTPRequestHandler):
    @property
    def site(self) -> Site:
        raise AssertionError("a subclass for one site overrides this")

    @property
    def backend(self) -> SpBackend:
        return self.site.backend

    @property
    def also(self) -> Collection[str]:
        """The site's public address behind a proxy."""
        shown = urlsplit(self.backend.url)
        return (f"{shown.scheme}://{shown.netloc}",)

    # -- the paths
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        call, what = self._call(path)
        scenario = next((each for each in SCENARIOS if f"/{each.slug}" == path), None)
        if scenario is not None:
            self._scenario(scenario)
        elif call is not None and what in _CALL_PAGES:
            _CALL_PAGES[what](self, call)
        elif not self.static(STATIC, path.removeprefix("/static/")):
            self._missing()

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        content = self.content(_LARGEST_NOTE if path in (STATUS_PATH, FEE_PATH) else _LARGEST_FORM)
        call, what = self._call(path)
        if content is None:
            self.close_connection = True
            self._message(413, "Too large", "This request is larger than any form of this site.")
            return
        if path in (STATUS_PATH, FEE_PATH):
            self._notification(path, content)
        elif path == "/calls":
            self._place(content)
        elif call is not None and what == "/stop":
            self.backend.stop(call)
            self._redirect(f"/calls/{call.id}")
        else:
            self._missing()

    def _notification(self, path: str, content: bytes) -> None:
        status = self.backend.receive(path, {name.lower(): value for name, value in self.headers.items()}, content)
        code = "0" if status == 200 else "1"
        self.send(status, json.dumps({"resultcode": code}).encode(), "application/json")

    def _place(self, content: bytes) -> None:
        form = {name: values[-1] for name, values in parse_qs(content.decode(errors="replace")).items()}
        sent = CallForm(form.get("number", ""), form.get("ref", ""), form.get("record") == "yes", form.get("token", ""))
        scenario = next((each for each in SCENARIOS if each.slug == form.get("scenario", "")), SCENARIOS[0])
        try:
            call = self.backend.place(scenario, sent)
        except FormRefused as refused:
            self._scenario(scenario, sent, refused)
            return
        ids = [call.id, *(known for known in self._own_ids() if known != call.id)][:_KEPT]
        kept = f"{_COOKIE}={'.'.join(ids)}; Path=/; Max-Age={_KEPT_S}; HttpOnly; SameSite=Strict"
        self._redirect(f"/calls/{call.id}", {"Set-Cookie": kept})

    def _own_ids(self) -> list[str]:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return []
        return morsel.value.split(".") if morsel else []

    def _scenario(self, scenario: Scenario, form: CallForm | None = None, refused: FormRefused | None = None) -> None:
        backend = self.backend
        own = [call for each in self._own_ids() if (call := backend.call_log.get(each)) and call.scenario is scenario]
        page = scenario_page(
            scenario,
            backend.call_log.latest(scenario),
            own,
            numbers=backend.numbers,
            to_try=backend.to_try,
            form=form,
            refused=refused,
            links=self.site.links,
        )
        self.html(200 if refused is None else 422, page)

    def _live(self, call: SpCall) -> None:
        self.html(200, call_page(call, self.backend.now(), self.site.links))

    def _parts(self, call: SpCall) -> None:
        body = {"parts": live.parts(call, self.backend.now()), "complete": call.is_complete}
        self.send(200, json.dumps(body).encode(), "application/json")

    def _stream(self, call: SpCall) -> None:
        """Server-Sent Events: all parts first, then each part when it has changed."""
        if not self.site.streams.acquire(blocking=False):
            self.send(503, b"", "text/plain")
            return
        try:
            self.begin(200, {"Content-Type": "text/event-stream", "Connection": "close"})
            self.close_connection = True
            self._write_stream(call)
        finally:
            self.site.streams.release()

    def _write_stream(self, call: SpCall) -> None:
        sent: dict[str, str] = {}
        until = time.monotonic() + _STREAM_S
        while time.monotonic() < until and not self.site.closing.is_set():
            version, complete = call.version, call.is_complete  # read before rendering, so that no change is missed
            made = {name: str(part) for name, part in live.parts(call, self.backend.now()).items()}
            news = {name: part for name, part in made.items() if sent.get(name) != part}
            sent = made
            text = json.dumps({"parts": news, "complete": complete})
            self.wfile.write(f"retry: {_RECONNECT_MS}\ndata: {text}\n\n".encode())
            self.wfile.flush()
            if complete:
                return
            self.backend.call_log.wait(call, version, _REDRAW_S)

    def _recording(self, call: SpCall) -> None:
        try:
            opened = self.backend.recording(call, self.headers.get("Range"))
        except (OSError, http.client.HTTPException):
            opened = None
        if opened is None:
            self._message(404, "No recording", "There is no recording of this call at the moment.")
            return
        try:
            self.begin(opened.status, {"Accept-Ranges": "bytes", **opened.headers})
            if self.command != "HEAD":
                for chunk in opened.chunks():
                    self.wfile.write(chunk)
        finally:
            opened.close()

    # -- how to answer
    def _call(self, path: str) -> tuple[SpCall | None, str]:
        match = _CALL.fullmatch(path)
        return (self.backend.call_log.get(match[1]), match[2] or "") if match else (None, "")

    def _missing(self) -> None:
        self._message(404, "Not found", "There is no such page, or its call was too long ago.")

    def _message(self, status: int, title: str, text: str) -> None:
        self.html(status, plain_page(title, text, self.site.links))

    def _redirect(self, path: str, more: Mapping[str, str] | None = None) -> None:
        self.send(303, b"", "text/plain", {"Location": path, **(more or {})})


_CALL_PAGES: dict[str, Callable[[_Answering, SpCall], None]] = {
    "": _Answering._live,
    "/stream": _Answering._stream,
    "/parts": _Answering._parts,
    "/recording": _Answering._recording,
}

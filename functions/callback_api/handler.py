"""Place, stop or look up a callback; fetch its recording.

Every request is authenticated here, so that every refusal is in the SP's own format. Only a link to a recording is
followed without it: its token is the proof.
"""

import logging
from collections.abc import Callable
from typing import Any

from duologue.domain.accounts import App
from duologue.domain.errors import DuologueError
from duologue.runtime.last_resort import guarded
from duologue.runtime.rest import Request, request_of, response_of
from duologue.runtime.wiring.callback_api import Parts, parts
from duologue.usecases.authenticate import authenticate
from duologue.usecases.follow_link import follow_link
from duologue.usecases.link_recording import link_recording
from duologue.usecases.look_up_callback import look_up_callback
from duologue.usecases.place_callback import place_callback
from duologue.usecases.stop_callback import stop_callback
from duologue.wire.huawei.credentials import read_credentials
from duologue.wire.huawei.histories import found, read_look_up
from duologue.wire.huawei.records import link_url, read_link_token, read_record_request
from duologue.wire.huawei.requests import read_callback, read_stop, urls_of
from duologue.wire.huawei.results import UNFORESEEN, Answer, elsewhere, failure, moved, placed, success
from duologue.wire.huawei.routes import LINK, LOOK_UP, PLACE, RECORD, STOP
from duologue.wire.huawei.session_id import session_id

_log = logging.getLogger(__name__)


def _place(request: Request, app: App, parts: Parts) -> Answer:
    wanted = read_callback(request.body, app)
    for field, url in urls_of(wanted):
        parts.endpoints.check(url, field=field)
    call = place_callback(
        wanted,
        app,
        calls=parts.calls,
        flows=parts.flows,
        clock=parts.clock,
        new_call_id=parts.new_call_id,
        patience=parts.patience,
    )
    _log.info("accepted", extra={"call_id": call.id, "app": app.key})
    idle = max(0, app.concurrent_calls - parts.calls.in_use(app.key)) if wanted.wants_idle_ports else None
    return placed(session_id(call.id, parts.host), idle)


def _stop(request: Request, app: App, parts: Parts) -> Answer:
    call_id = read_stop(request.body, parts.host)
    stop_callback(call_id, app.key, calls=parts.calls, network=parts.network, flows=parts.flows)
    _log.info("stopped", extra={"call_id": call_id, "app": app.key})
    return success()


def _look_up(request: Request, app: App, parts: Parts) -> Answer:
    call_id = read_look_up(request.path, parts.host)
    return found(look_up_callback(call_id, app.key, calls=parts.calls), parts.host)


def _link(request: Request, app: App, parts: Parts) -> Answer:
    call_id = read_record_request(request.query, parts.host)
    token = link_recording(
        call_id,
        app.key,
        calls=parts.calls,
        recordings=parts.recordings,
        links=parts.links,
        clock=parts.clock,
        random_bytes=parts.random_bytes,
        keeping=parts.keeping,
    )
    _log.info("recording linked", extra={"call_id": call_id, "app": app.key})
    return moved(link_url(request.base, token))


def _follow(request: Request, parts: Parts) -> Answer:
    token = read_link_token(request.path)
    url = follow_link(token, links=parts.links, accounts=parts.accounts, recordings=parts.recordings, clock=parts.clock)
    return elsewhere(url)


_ROUTES: dict[str, Callable[[Request, App, Parts], Answer]] = {
    PLACE: _place,
    STOP: _stop,
    LOOK_UP: _look_up,
    RECORD: _link,
}


def _said_to_app(request: Request, parts: Parts) -> Answer:
    app = authenticate(
        read_credentials(request.query, request.headers),
        accounts=parts.accounts,
        tokens=parts.tokens,
        gate=parts.gate,
        clock=parts.clock,
        source=request.source,
    )
    return _ROUTES[request.route](request, app, parts)


def answer(event: dict[str, Any], parts: Parts) -> dict[str, Any]:
    route = event["resource"]
    try:
        said = _follow(request_of(event), parts) if route == LINK else _said_to_app(request_of(event), parts)
    except DuologueError as error:
        said = failure(error)
    _log.info("answered", extra={"route": route, "status": said.status, "result": said.code})
    return response_of(said)


@guarded("callback_api", safe=lambda event: response_of(UNFORESEEN))
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, parts())

"""Place, stop or look up a callback; fetch its recording.

Every request is authenticated here, so that every refusal is in the SP's own format. Only a link to a recording is
followed without it: its token is the proof.

What reads a body is imported where a body is read: pydantic costs a cold start a third of its time.
"""

import logging
from collections.abc import Callable
from typing import Any

from duologue.domain.accounts import App
from duologue.domain.call import NotifyTo
from duologue.domain.errors import DuologueError, OutsideUnavailable, RequestRepeated
from duologue.domain.idempotency import IdempotencyKey
from duologue.runtime.last_resort import guarded
from duologue.runtime.rest import Request, request_of, response_of
from duologue.runtime.wiring.callback_api import Dependencies, dependencies
from duologue.usecases.authenticate import authenticate
from duologue.usecases.change_app import set_notification_urls
from duologue.usecases.check_numbers import check_numbers
from duologue.usecases.delete_recording import delete_recording
from duologue.usecases.follow_link import follow_cdr_link, follow_link
from duologue.usecases.link_recording import link_recording
from duologue.usecases.look_up_callback import look_up_callback
from duologue.usecases.place_callback import place_callback, resume_callback
from duologue.wire.huawei.credentials import read_credentials
from duologue.wire.huawei.histories import found, read_look_up
from duologue.wire.huawei.records import link_url, read_cdr_link, read_link_token, read_record_request
from duologue.wire.huawei.results import (
    UNFORESEEN,
    Answer,
    elsewhere,
    failure,
    moved,
    notification_urls,
    placed,
    success,
)
from duologue.wire.huawei.routes import (
    CDR_LINK,
    LINK,
    LOOK_UP,
    NOTIFICATION_URLS,
    OLDER_PLACE,
    OLDER_SANDBOX_PLACE,
    PLACE,
    RECORD,
    SANDBOX_PLACE,
    STOP,
)
from duologue.wire.huawei.session_id import session_id

_log = logging.getLogger(__name__)


def _place(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.idempotency import read_key
    from duologue.wire.huawei.requests import wants_idle_ports

    key = read_key(request.headers, request.route, request.body)
    repeated = False
    try:
        if key is not None:
            dependencies.acceptance.check_repeat(app.key, key, dependencies.clock.now())
        call_id = _new_call(request, app, dependencies, key)
    except RequestRepeated as repeat:
        call_id, repeated = repeat.call_id, True
        resume_callback(
            call_id,
            app,
            calls=dependencies.calls,
            flows=dependencies.flows,
            clock=dependencies.clock,
            timeouts=dependencies.timeouts,
        )
    _log.info("repeated" if repeated else "accepted", extra={"call_id": call_id, "app": app.key})
    idle = _idle_ports(app, dependencies) if wants_idle_ports(request.body) else None
    return placed(session_id(call_id, dependencies.host), idle, repeated=repeated)


def _idle_ports(app: App, dependencies: Dependencies) -> int | None:
    """None: not known. The call stands by now, and an SP that is told of a failure would place it again."""
    try:
        return max(0, app.concurrent_calls - dependencies.acceptance.in_use(app.key))
    except OutsideUnavailable:
        _log.warning("idle ports not counted", extra={"app": app.key}, exc_info=True)
        return None


def _new_call(request: Request, app: App, dependencies: Dependencies, key: IdempotencyKey | None) -> str:
    from duologue.wire.huawei.requests import NUMBER_FIELDS, read_callback, urls_to_check

    is_test = request.route in (SANDBOX_PLACE, OLDER_SANDBOX_PLACE)
    wanted = read_callback(request.body, app)
    check_numbers(wanted, app, fields=NUMBER_FIELDS, plan=dependencies.plan, kinds=dependencies.kinds, is_test=is_test)
    dependencies.endpoints.check(urls_to_check(wanted, app))
    call = place_callback(
        wanted,
        app,
        calls=dependencies.acceptance,
        flows=dependencies.flows,
        clock=dependencies.clock,
        new_call_id=dependencies.new_call_id,
        timeouts=dependencies.timeouts,
        pause=dependencies.pause,
        key=key,
        is_test=is_test,
    )
    return call.id


def _stop(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.requests import read_stop

    call_id = read_stop(request.body, dependencies.host)
    dependencies.stop(call_id, app.key)
    _log.info("stopped", extra={"call_id": call_id, "app": app.key})
    return success()


def _look_up(request: Request, app: App, dependencies: Dependencies) -> Answer:
    call_id = read_look_up(request.path, dependencies.host)
    return found(look_up_callback(call_id, app.key, calls=dependencies.histories), dependencies.host)


def _record(request: Request, app: App, dependencies: Dependencies) -> Answer:
    call_id = read_record_request(request.query, dependencies.host)
    if request.method == "DELETE":
        delete_recording(
            call_id,
            app,
            calls=dependencies.calls,
            recordings=dependencies.recordings,
            clock=dependencies.clock,
            pause=dependencies.pause,
        )
        _log.info("recording deleted", extra={"call_id": call_id, "app": app.key})
        return success()
    token = link_recording(
        call_id,
        app,
        calls=dependencies.calls,
        recordings=dependencies.recordings,
        links=dependencies.links,
        clock=dependencies.clock,
        random_bytes=dependencies.random_bytes,
        retention=dependencies.retention,
    )
    _log.info("recording linked", extra={"call_id": call_id, "app": app.key})
    return moved(link_url(request.base, token))


def _follow(request: Request, dependencies: Dependencies) -> Answer:
    token = read_link_token(request.path)
    url = follow_link(
        token,
        links=dependencies.links,
        accounts=dependencies.accounts,
        recordings=dependencies.recordings,
        clock=dependencies.clock,
    )
    return elsewhere(url)


def _follow_cdr(request: Request, dependencies: Dependencies) -> Answer:
    call_id, token = read_cdr_link(request.path, dependencies.host)
    url = follow_cdr_link(
        call_id,
        token,
        calls=dependencies.calls,
        tokens=dependencies.link_tokens,
        accounts=dependencies.accounts,
        recordings=dependencies.recordings,
        clock=dependencies.clock,
        retention=dependencies.retention,
    )
    return elsewhere(url)


def _notification_urls(request: Request, app: App, dependencies: Dependencies) -> Answer:
    if request.method == "PUT":
        from duologue.wire.huawei.requests import named_urls, read_notification_urls

        urls = read_notification_urls(request.body)
        dependencies.endpoints.check(named_urls(urls))
        app = set_notification_urls(app.key, urls, apps=dependencies.apps)
        _log.info("notification URLs set", extra={"app": app.key})
    return notification_urls(NotifyTo(app.status_url, app.fee_url))


_ROUTES: dict[str, Callable[[Request, App, Dependencies], Answer]] = {
    PLACE: _place,
    OLDER_PLACE: _place,
    SANDBOX_PLACE: _place,
    OLDER_SANDBOX_PLACE: _place,
    STOP: _stop,
    LOOK_UP: _look_up,
    RECORD: _record,
    NOTIFICATION_URLS: _notification_urls,
}


_LINKS: dict[str, Callable[[Request, Dependencies], Answer]] = {LINK: _follow, CDR_LINK: _follow_cdr}


def _said_to_app(request: Request, dependencies: Dependencies) -> Answer:
    app = authenticate(
        read_credentials(request.query, request.headers),
        accounts=dependencies.accounts,
        tokens=dependencies.tokens,
        auth_attempts=dependencies.auth_attempts,
        clock=dependencies.clock,
        source=request.source,
    )
    return _ROUTES[request.route](request, app, dependencies)


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    route = event["resource"]
    try:
        said = _LINKS.get(route, _said_to_app)(request_of(event), dependencies)
    except DuologueError as error:
        said = failure(error)
        if said.is_ours:
            _log.warning("not now", extra={"route": route}, exc_info=True)
    _log.info("answered", extra={"route": route, "status": said.status, "result": said.code})
    return response_of(said)


@guarded("callback_api", safe=lambda event: response_of(UNFORESEEN))
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, dependencies())

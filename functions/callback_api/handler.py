"""Place, stop and look up callbacks; request recordings; set notification URLs; read and change call memories.

Every request is authenticated here, so that every refusal is in the SP's format.

A request that places a callback is what somebody waits for most. So what only other requests need is imported by the
first of them: their use cases are `dependencies.others()`. Parsers of bodies are imported where they are used, too:
pydantic takes a third of a cold start.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from duologue.adapters.basics.metrics import count
from duologue.domain.access.accounts import App
from duologue.domain.access.audit import AuditEntry
from duologue.domain.calls.call import NotifyTo
from duologue.domain.errors import CallerRefused, DayCeilingReached, DialledNumberLimitReached, NumberRefused
from duologue.runtime.last_resort import guarded
from duologue.runtime.rest import Request, answered, response_of
from duologue.runtime.wiring.callback_api import Dependencies, dependencies
from duologue.wire.huawei.credentials import read_credentials
from duologue.wire.huawei.results import UNFORESEEN, Answer, moved, notification_urls, placed, success
from duologue.wire.huawei.routes import (
    CALL_MEMORIES,
    CALLBACKS,
    CDRS,
    DELIVERIES,
    EVENTS,
    LOOK_UP,
    NOTIFICATION_URLS,
    OLDER_PLACE,
    OLDER_SANDBOX_PLACE,
    PING,
    PLACE,
    RECORD,
    REPLAY,
    SANDBOX_PLACE,
    STOP,
    UNDELIVERED,
    USAGE,
)
from duologue.wire.huawei.session_id import session_id

_log = logging.getLogger(__name__)


def _place(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.idempotency import read_key
    from duologue.wire.huawei.requests import read_callback

    sent, is_test = read_callback(request.body), request.route in (SANDBOX_PLACE, OLDER_SANDBOX_PLACE)
    key = read_key(request.headers, request.route, sent.body)
    try:
        call = dependencies.place(lambda: sent.request(app), app, key, is_test=is_test)
    except (DayCeilingReached, DialledNumberLimitReached) as refusal:
        _log.warning("a limit of the day is reached", extra={"app": app.key, "why": str(refusal)})
        count("DayLimitReached", App=app.key)
        raise
    except (CallerRefused, NumberRefused):
        count("NumbersRefused", App=app.key)
        raise
    if not call.repeated:
        count("CallsPlaced", App=app.key)
    if call.memory_failed:
        count("MemoryNotKept")
    _log.info("repeated" if call.repeated else "accepted", extra={"call_id": call.id, "app": app.key})
    idle = dependencies.place.idle_ports(app) if sent.wants_idle_ports else None
    return placed(session_id(call.id, dependencies.host), idle, repeated=call.repeated)


def _stop(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.requests import read_stop

    call_id = read_stop(request.body, dependencies.host)
    _note("call.stop", request, app, dependencies, call_id)
    dependencies.others().stop(call_id, app.key)
    _log.info("stopped", extra={"call_id": call_id, "app": app.key})
    return success()


def _look_up(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.histories import found, read_look_up

    call_id = read_look_up(request.path, dependencies.host)
    return found(dependencies.others().look_up(call_id, app.key), dependencies.host)


def _deliveries(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.deliveries import delivered
    from duologue.wire.huawei.histories import read_look_up

    call_id = read_look_up(request.path, dependencies.host)
    return delivered(dependencies.others().look_up(call_id, app.key), dependencies.host)


def _events(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.app_events import events_found, read_events_query

    after, limit = read_events_query(request.query)
    others = dependencies.others()
    page, records = others.fetch_events(app, after, limit), replace(others.records, base=request.base)
    return events_found(page, request.query.get("after", ""), dependencies.host, records)


def _callbacks(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.call_lists import calls_found, read_calls_query

    page = dependencies.others().list_calls(app, *read_calls_query(request.query))
    return calls_found(page.calls, page.after, dependencies.host)


def _usage(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.call_lists import read_usage_query, usage_found

    days = read_usage_query(request.query, dependencies.authenticate.clock.now().date())
    used = dependencies.others().usages.of_apps([app.key], days)
    return usage_found({day: usage for (_, day), usage in used.items()}, days)


def _cdrs(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.cdrs import cdrs_found, read_cdrs_query

    day, cursor = read_cdrs_query(request.query)
    return cdrs_found(dependencies.others().archive.page(app.key, day, cursor))


def _undelivered(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.app_events import read_events_query, undelivered_found

    after, limit = read_events_query(request.query)
    found = dependencies.others().app_events.undelivered(app.key, after, limit + 1)
    return undelivered_found(found, request.query.get("after", ""), limit)


def _replay(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.call_control.app_events import Replayed
    from duologue.wire.huawei.app_events import read_replay, replayed

    wanted, replay = read_replay(request.query), dependencies.others().replay
    if isinstance(wanted[1], int):
        replay.one(app, *wanted)
        done = Replayed(1)
    else:
        done = replay.span(app, *wanted)
    _log.info("notifications sent again", extra={"app": app.key})
    return replayed(done)


def _ping(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.deliveries import pinged
    from duologue.wire.huawei.requests import read_ping

    pings = dependencies.others().ping(app, read_ping(request.body))
    _log.info("pinged", extra={"app": app.key, "acknowledged": all(ping.is_acknowledged for ping in pings)})
    return pinged(pings)


def _record(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.wire.huawei.records import link_url, read_record_request

    call_id = read_record_request(request.query, dependencies.host)
    if request.method == "DELETE":
        _note("recording.delete", request, app, dependencies, call_id)
        dependencies.others().delete_recording(call_id, app)
        _log.info("recording deleted", extra={"call_id": call_id, "app": app.key})
        return success()
    _note("recording.link", request, app, dependencies, call_id)
    token = dependencies.others().link_recording(call_id, app)
    _log.info("recording linked", extra={"call_id": call_id, "app": app.key})
    return moved(link_url(request.base, token))


def _notification_urls(request: Request, app: App, dependencies: Dependencies) -> Answer:
    if request.method == "PUT":
        from duologue.wire.huawei.requests import read_notification_urls

        urls = read_notification_urls(request.body)
        _note("notification-urls.set", request, app, dependencies)
        app = dependencies.others().set_notification_urls(app.key, urls)
        _log.info("notification URLs set", extra={"app": app.key})
    return notification_urls(NotifyTo(app.status_url, app.fee_url))


def _call_memories(request: Request, app: App, dependencies: Dependencies) -> Answer:
    from duologue.domain.memory.memory_history import Pair
    from duologue.wire.huawei.memories import memories_found, memory_found, read_memory_deletion, read_memory_query

    others = dependencies.others()
    match request.method:
        case "PUT":
            from duologue.wire.huawei.requests import read_memory_change

            wanted = read_memory_change(request.body, app)
            _note("call-memory.set", request, app, dependencies)
            explained = others.repoint_memory(wanted, app, _who(request, app))
            _log.info("call memory changed", extra={"call_id": explained.memory.session, "app": app.key})
            return memory_found(explained, dependencies.host)
        case "DELETE":
            pair, version = read_memory_deletion(request.query)
            _note("call-memory.delete", request, app, dependencies)
            others.forget_memory(pair, version, app, _who(request, app))
            _log.info("call memory deleted", extra={"app": app.key})
            return success()
    wanted_of = read_memory_query(request.query)
    if isinstance(wanted_of, Pair):
        return memory_found(others.look_up_memory(wanted_of, app), dependencies.host)
    listed = others.list_memories(wanted_of.display, app, wanted_of.limit, wanted_of.cursor)
    return memories_found(listed.memories, listed.cursor, dependencies.host)


def _note(kind: str, request: Request, app: App, dependencies: Dependencies, call_id: str = "") -> None:
    """Note in the audit what an SP asks for, before it is done; it may still be refused."""
    now = dependencies.authenticate.clock.now()
    detail = f"request {request.id}" if request.id else ""
    dependencies.others().audit.add(AuditEntry(now, kind, app.key, app.key, call_id, request.source, detail))


def _who(request: Request, app: App) -> str:
    """For the audit."""
    return f"{app.key} {request.id}".strip()


_ROUTES: dict[str, Callable[[Request, App, Dependencies], Answer]] = {
    PLACE: _place,
    OLDER_PLACE: _place,
    SANDBOX_PLACE: _place,
    OLDER_SANDBOX_PLACE: _place,
    STOP: _stop,
    LOOK_UP: _look_up,
    DELIVERIES: _deliveries,
    EVENTS: _events,
    CALLBACKS: _callbacks,
    USAGE: _usage,
    CDRS: _cdrs,
    UNDELIVERED: _undelivered,
    REPLAY: _replay,
    PING: _ping,
    RECORD: _record,
    NOTIFICATION_URLS: _notification_urls,
    CALL_MEMORIES: _call_memories,
}


_NOT_COUNTED = {PLACE, OLDER_PLACE, SANDBOX_PLACE, OLDER_SANDBOX_PLACE, STOP}
"""Callbacks have limits of their own; a stop is never refused for its number (docs/decisions/0022)."""


def _said_to_app(request: Request, dependencies: Dependencies) -> Answer:
    credentials = read_credentials(request.query, request.headers)
    app = dependencies.authenticate(credentials, request.source, also_suspended=request.route == STOP)
    if request.route not in _NOT_COUNTED:
        dependencies.others().limit(app)
    return _ROUTES[request.route](request, app, dependencies)


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    return answered(event, lambda request: _said_to_app(request, dependencies))


@guarded("callback_api", safe=lambda event: response_of(UNFORESEEN))
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, dependencies())

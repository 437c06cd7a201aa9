"""Log in, refresh, log out."""

import logging
from collections.abc import Callable
from typing import Any

from duologue.domain.errors import DuologueError
from duologue.runtime.last_resort import guarded
from duologue.runtime.rest import Request, request_of, response_of
from duologue.runtime.wiring.sessions import Dependencies, dependencies
from duologue.usecases.log_in import log_in
from duologue.usecases.log_out import log_out
from duologue.usecases.refresh_token import refresh_token
from duologue.wire.huawei.credentials import read_log_in, read_refresh, read_token
from duologue.wire.huawei.results import UNFORESEEN, Answer, failure, signed_in, success
from duologue.wire.huawei.routes import LOG_IN, LOG_OUT, REFRESH

_log = logging.getLogger(__name__)


def _log_in(request: Request, dependencies: Dependencies) -> Answer:
    asked = read_log_in(request.parameters, request.headers)
    pair = log_in(
        asked.app_key,
        asked.username,
        asked.password,
        accounts=dependencies.accounts,
        tokens=dependencies.tokens,
        auth_attempts=dependencies.auth_attempts,
        clock=dependencies.clock,
        random_bytes=dependencies.random_bytes,
        source=request.source,
    )
    return signed_in(pair)


def _refresh(request: Request, dependencies: Dependencies) -> Answer:
    asked = read_refresh(request.parameters)
    pair = refresh_token(
        asked.app_key,
        asked.app_secret,
        asked.refresh_token,
        accounts=dependencies.accounts,
        tokens=dependencies.tokens,
        auth_attempts=dependencies.auth_attempts,
        clock=dependencies.clock,
        random_bytes=dependencies.random_bytes,
        source=request.source,
    )
    return signed_in(pair)


def _log_out(request: Request, dependencies: Dependencies) -> Answer:
    log_out(read_token(request.parameters), tokens=dependencies.tokens, clock=dependencies.clock)
    return success()


_ROUTES: dict[str, Callable[[Request, Dependencies], Answer]] = {
    LOG_IN: _log_in,
    REFRESH: _refresh,
    LOG_OUT: _log_out,
}


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    route = event["resource"]
    try:
        said = _ROUTES[route](request_of(event), dependencies)
    except DuologueError as error:
        said = failure(error)
        if said.is_ours:
            _log.warning("not now", extra={"route": route}, exc_info=True)
    _log.info("answered", extra={"route": route, "status": said.status, "result": said.code})
    return response_of(said)


@guarded("sessions", safe=lambda event: response_of(UNFORESEEN))
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, dependencies())

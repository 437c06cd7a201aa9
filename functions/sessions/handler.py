"""Log in, refresh, log out."""

from collections.abc import Callable
from typing import Any

from duologue.runtime.last_resort import guarded
from duologue.runtime.rest import Request, answered, response_of
from duologue.runtime.wiring.sessions import Dependencies, dependencies
from duologue.wire.huawei.credentials import read_log_in, read_refresh, read_token
from duologue.wire.huawei.results import UNFORESEEN, Answer, signed_in, success
from duologue.wire.huawei.routes import LOG_IN, LOG_OUT, REFRESH


def _log_in(request: Request, dependencies: Dependencies) -> Answer:
    asked = read_log_in(request.parameters, request.headers)
    return signed_in(dependencies.log_in(asked.app_key, asked.username, asked.password, request.source))


def _refresh(request: Request, dependencies: Dependencies) -> Answer:
    asked = read_refresh(request.parameters)
    return signed_in(dependencies.refresh(asked.app_key, asked.app_secret, asked.refresh_token, request.source))


def _log_out(request: Request, dependencies: Dependencies) -> Answer:
    dependencies.log_out(read_token(request.parameters, request.headers))
    return success()


_ROUTES: dict[str, Callable[[Request, Dependencies], Answer]] = {
    LOG_IN: _log_in,
    REFRESH: _refresh,
    LOG_OUT: _log_out,
}


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    return answered(event, lambda request: _ROUTES[request.route](request, dependencies))


@guarded("sessions", safe=lambda event: response_of(UNFORESEEN))
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, dependencies())

"""Follow a link to a recording.

The only routes without credentials: the link's token authenticates. So they have their own function, whose role can
neither start a call nor decrypt an app's secret.
"""

from collections.abc import Callable
from typing import Any

from duologue.runtime.last_resort import guarded
from duologue.runtime.rest import Request, answered, response_of
from duologue.runtime.wiring.recordings_api import Dependencies, dependencies
from duologue.wire.huawei.records import read_audio_request, read_cdr_link, read_link_token
from duologue.wire.huawei.results import UNFORESEEN, Answer, audio
from duologue.wire.huawei.routes import CDR_LINK, LINK


def _follow(request: Request, dependencies: Dependencies) -> Answer:
    wanted = read_audio_request(request.method, request.headers)
    return audio(dependencies.follow(read_link_token(request.path), wanted, request.source))


def _follow_cdr(request: Request, dependencies: Dependencies) -> Answer:
    call_id, token = read_cdr_link(request.path, dependencies.host)
    wanted = read_audio_request(request.method, request.headers)
    return audio(dependencies.follow_cdr(call_id, token, wanted, request.source))


_ROUTES: dict[str, Callable[[Request, Dependencies], Answer]] = {LINK: _follow, CDR_LINK: _follow_cdr}


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    return answered(event, lambda request: _ROUTES[request.route](request, dependencies))


@guarded("recordings_api", safe=lambda event: response_of(UNFORESEEN))
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, dependencies())

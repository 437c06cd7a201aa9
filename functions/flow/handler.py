"""The function behind the state machine's states: one verb per state (usecases/calls/run_flow.py).

In: `{"do": verb, "callId", "token", "since": {"entered", "retry"}, "given": {…, "caught": {"Error"}}}`; `settle` needs
only the id. Out: `{}`. The state machine sees an error as its class name, which its Retry and Catch match.
No pydantic and no tracer on this import path: a person waits on the line while the callee's dial is requested.
"""

import logging
from datetime import datetime
from typing import Any

from duologue.adapters.basics.metrics import count
from duologue.domain import errors
from duologue.domain.errors import DuologueError
from duologue.runtime.last_resort import report_unexpected
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.flow import Dependencies, dependencies
from duologue.usecases.calls.run_flow import WaitingTask, rank_of

_log = logging.getLogger(__name__)
_TIMED_OUT = "States.Timeout"


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Execute one verb. Raises the verb's errors; KeyError or ValueError: a malformed event."""
    verb, call_id, flow = event["do"], event["callId"], dependencies.flow
    _log.info("flow: %s", verb, extra={"call_id": call_id})
    match verb:
        case "ring_caller":
            flow.ring_caller(_task(event))
        case "ring_callee":
            flow.ring_callee(_task(event))
        case "talk":
            flow.talk(_task(event))
        case "last_minute":
            flow.last_minute(_task(event))
        case "give_up":
            flow.give_up(_task(event), _error(event["given"].get("caught", {}).get("Error")))
        case "settle":
            finalized = dependencies.finalize(call_id)
            count("CallsWithoutEvents", int(finalized is not None and finalized.has_no_events))
        case _:
            raise ValueError("no such verb")
    return {}


def _task(event: dict[str, Any]) -> WaitingTask:
    entered, retry = datetime.fromisoformat(event["since"]["entered"]), int(event["since"]["retry"])
    return WaitingTask(event["callId"], event["token"], rank_of(entered, retry), is_repeat=retry > 0)


def _error(name: str | None) -> type[DuologueError] | None:
    """The error that led to giving up; a time-out of the last minute means the maximum duration."""
    if name == _TIMED_OUT:
        return errors.LongestReached
    known = getattr(errors, name or "", None)
    return known if isinstance(known, type) and issubclass(known, DuologueError) else None


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    try:
        return answer(event, dependencies())
    except DuologueError as error:
        _log.info("flow: %s", type(error).__name__, extra={"call_id": event.get("callId")})
        raise
    except Exception:  # it is raised again, and reported first, since the state machine only branches on its name
        report_unexpected("flow")
        raise

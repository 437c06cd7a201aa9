"""The guard of last resort: what a handler answers when something broke that nobody named.

The only place that catches everything. It logs, counts what the alarm watches, and gives the safe answer.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from duologue.adapters.cloudformation import NOT_MADE, ResourceResult, reply
from duologue.adapters.metrics import count
from duologue.runtime.logging import set_up
from duologue.usecases.failure_isolation import FailureIsolation

_log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def guarded(function: str, safe: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[Handler], Handler]:
    """Wrap a handler so that it always answers; `safe` makes the answer from the event.

    None: no answer is as safe as failing, after which whoever asked asks again. It is logged and counted all the same.
    """

    def wrap(handler: Handler) -> Handler:
        def answering(event: dict[str, Any], context: object) -> dict[str, Any]:
            set_up(context)
            try:
                return handler(event, context)
            except Exception:  # in an SMA Lambda it cuts off a person (R17), in an API it shows a stack
                report_unexpected(function)
                answer = safe(event)
                if answer is None:
                    raise
                return answer

        return answering

    return wrap


def report_unexpected(function: str, **extra: object) -> None:
    """Log the exception that is being handled, and count it for the alarm."""
    _log.exception("unexpected", extra=extra)
    count("Unexpected", Function=function)


def isolate_failures(function: str) -> FailureIsolation:
    """Around the work on one call among many: what breaks there must not hold up the others."""

    @contextmanager
    def isolate(call_id: str) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - one call that nothing can be done about must not stop the work on all
            report_unexpected(function, call_id=call_id)

    return isolate


def replying(work: Callable[[dict[str, Any]], ResourceResult], event: dict[str, Any], context: object) -> None:
    """Do what a custom resource asks and tell CloudFormation, which otherwise waits an hour for an answer."""
    set_up(context)
    try:
        outcome = work(event)
    except Exception as error:  # noqa: BLE001 - whatever it was, the operator reads it in the stack's events
        _log.exception("provisioning failed")
        reason = f"{type(error).__name__}: {error}"
        outcome = ResourceResult(event.get("PhysicalResourceId", NOT_MADE), failed=reason)
    reply(event, outcome)

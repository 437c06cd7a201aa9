"""The handler of last resort for unhandled exceptions.

Only here and in custom_resource.py does an answer take the place of an exception of any kind, which is
logged, and here counted as the metric `Unexpected`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from duologue.adapters.basics.metrics import count
from duologue.runtime.logging import set_up

if TYPE_CHECKING:
    from duologue.usecases.failure_isolation import FailureIsolation

_log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def guarded(function: str, safe: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[Handler], Handler]:
    """Wrap a handler so that it always answers; `safe` creates the fallback answer from the event.

    None: failing is safer, because the client then retries. The exception is logged and counted in any case.
    """

    def wrap(handler: Handler) -> Handler:
        def answering(event: dict[str, Any], context: object) -> dict[str, Any]:
            set_up(context)
            try:
                return handler(event, context)
            except Exception:  # would disconnect a person (R17), or show a stack trace to an SP
                report_unexpected(function)
                answer = safe(event)
                if answer is None:
                    raise
                return answer

        return answering

    return wrap


def report_unexpected(function: str, **extra: object) -> None:
    """Log the current exception, and count it for the alarm."""
    _log.exception("unhandled exception", extra=extra)
    count("Unexpected", Function=function)


def isolate_failures(function: str) -> FailureIsolation:
    """Around the work on one of many calls: its exceptions must not block the others."""

    @contextmanager
    def isolate(call_id: str) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - one broken call must not stop the work on the others
            report_unexpected(function, call_id=call_id)

    return isolate

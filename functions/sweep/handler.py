"""Finalize the calls of dead nodes, queue due notifications, finalize overdue calls, reconcile, free leaked slots.

Runs every minute.

Each part has time of its own, so none starves another, and together they have less than a minute, so that sweeps do not
overlap. What is left is the next sweep's.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from duologue.adapters.basics.metrics import count
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.sweep import Dependencies, dependencies
from duologue.usecases.accounting.free_slots import free_slots
from duologue.usecases.accounting.reconcile_calls import Found

_log = logging.getLogger(__name__)
Part = Callable[[Dependencies, datetime], dict[str, int]]


def answer(dependencies: Dependencies) -> dict[str, int]:
    """If one part fails, the others still run; then its error is raised."""
    began, said, errors = dependencies.clock.now(), dict[str, int](), list[Exception]()
    for part, end in _PARTS.items():
        try:
            said |= part(dependencies, began + end)
        except Exception as error:  # noqa: BLE001 - the other parts must run; it is raised after them
            _log.exception("a part of the sweep failed")
            errors.append(error)
    if errors:
        raise errors[0]
    return said


def _bury(dependencies: Dependencies, end: datetime) -> dict[str, int]:
    """For a carrier whose nodes are the operator's own."""
    if dependencies.bury is None:
        return {}
    lost = dependencies.bury(end=end)
    count("CallsOfDeadNodes", lost.calls)
    count("CallsNotFinalized", lost.remaining)
    return {"lost": lost.calls}


def _queue(dependencies: Dependencies, end: datetime) -> dict[str, int]:
    queued = dependencies.queue_due(end=end)
    count("SweepBehind", int(not queued.is_all))
    return {"queued": queued.number}


def _finalize(dependencies: Dependencies, end: datetime) -> dict[str, int]:
    swept = dependencies.sweep(end=end)
    count("CallsSwept", swept.finalized)
    count("CallsNotFinalized", swept.remaining)
    count("CallsWithoutEvents", swept.without_events)
    return {"finalized": swept.finalized, "remaining": swept.remaining}


def _reconcile(dependencies: Dependencies, end: datetime) -> dict[str, int]:
    reconciled = dependencies.reconcile(end=end)
    count("SweepBehind", int(not reconciled.is_all))
    for what, number in reconciled.found.items():
        count("ReconciliationFound", number, What=what)
    return {"reconciled": reconciled.calls, "found": reconciled.found.total()}


def _free(dependencies: Dependencies, _end: datetime) -> dict[str, int]:
    freed = free_slots(calls=dependencies.calls)
    if freed:
        count("ReconciliationFound", freed, What=Found.SLOT)
    return {"freed": freed}


_PARTS: dict[Part, timedelta] = {
    _bury: timedelta(seconds=24),  # first: whoever talks over a dead node hears nothing any more
    _queue: timedelta(seconds=30),
    _finalize: timedelta(seconds=46),
    _reconcile: timedelta(seconds=53),
    _free: timedelta(seconds=55),
}
"""In their order, each with when it takes no more, from the beginning. What one leaves of its time the next may use."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(dependencies())

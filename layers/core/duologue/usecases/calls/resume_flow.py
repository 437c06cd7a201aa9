"""Resume the state that waits for what was just committed (R2).

It happens twice: right after the commit, and by the outbox from the stream. The token is read after the commit, and a
state stores its token before it reads the call (run_flow.py): whichever comes second sees the other.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from duologue.usecases.ports.calls import Calls
    from duologue.usecases.ports.flows import Flows

_log = logging.getLogger(__name__)


def resume_flow(call_id: str, event: Wait, *, calls: Calls, flows: Flows, seen: TaskToken | None = None) -> None:
    """Complete the wait for `event`, if there is one. Idempotent.

    `seen`: a token read before the commit; it saves a read if its state still waits.

    Raises:
        OutsideUnavailable: storage or the state machine is out of reach.
    """
    if seen is not None and seen.is_completed_by(event) and flows.resume(seen.value):
        return
    token = calls.task_token(call_id)
    if token is not None and token != seen and token.is_completed_by(event):
        flows.resume(token.value)


def resume_flow_now(call_id: str, event: Wait | None, *, calls: Calls, flows: Flows, seen: TaskToken | None) -> None:
    """The fast path. If it fails, the outbox resumes the state from the stream."""
    if event is None:
        return
    try:
        resume_flow(call_id, event, calls=calls, flows=flows, seen=seen)
    except OutsideUnavailable:
        _log.warning("resuming the flow failed; the outbox will retry", extra={"call_id": call_id}, exc_info=True)

"""The handler of a CloudFormation custom resource.

A module of its own: the functions of a call load `last_resort`, and need no HTTP client to start.
"""

import logging
from collections.abc import Callable
from typing import Any

from duologue.adapters.operating.cloudformation import NOT_MADE, ResourceResult, reply
from duologue.runtime.logging import set_up

_log = logging.getLogger(__name__)


def replying(work: Callable[[dict[str, Any]], ResourceResult], event: dict[str, Any], context: object) -> None:
    """Handle a custom-resource request and reply to CloudFormation, which otherwise waits an hour."""
    set_up(context)
    try:
        outcome = work(event)
    except Exception as error:  # noqa: BLE001 - the operator sees any error in the stack's events
        _log.exception("provisioning failed")
        reason = f"{type(error).__name__}: {error}"
        outcome = ResourceResult(event.get("PhysicalResourceId", NOT_MADE), failed=reason)
    reply(event, outcome)

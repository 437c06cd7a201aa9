"""The metrics of wrong credentials, and the log of them. A stranger chooses app keys, so no dimension has one."""

import logging

from duologue.adapters.basics.metrics import count
from duologue.domain.access.attempts import Attempt, Failures

_log = logging.getLogger(__name__)


def count_failed_authentication(attempt: Attempt, failures: Failures) -> None:
    """`failures`: with this one. Locks of unknown app keys are not counted: they keep nobody from anything."""
    locked = failures.locked_until is not None
    about = {"app": attempt.app_key or None, "proof": attempt.proof.value, "source": attempt.source, "locked": locked}
    _log.warning("authentication failed", extra=about)
    count("AuthenticationFailed", Proof=attempt.proof.value)
    if locked and attempt.app_key:
        count("AuthenticationLocked", Proof=attempt.proof.value)

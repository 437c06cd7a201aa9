"""The audit (domain/access/audit.py)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from duologue.domain.access.audit import AuditEntry, AuditFilter


class AuditLog(Protocol):
    """Entries can be added. None is changed or deleted before its time."""

    def add(self, entry: AuditEntry) -> None:
        """Raises OutsideUnavailable: then the action must not be done."""


class AuditReader(Protocol):
    def entries(self, wanted: AuditFilter, since: datetime, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """At most `limit` entries, newest first."""

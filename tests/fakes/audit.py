"""The audit in memory."""

from duologue.domain.access.audit import AuditEntry
from duologue.domain.errors import OutsideUnavailable


class FakeAudit:
    """Plays `AuditLog`. `out_of_reach`: nothing can be added."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.out_of_reach = False

    def add(self, entry: AuditEntry) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("accounts table")
        self.entries.append(entry)

    @property
    def noted(self) -> list[tuple[str, str, str]]:
        """Kind, app and call of each."""
        return [(entry.kind, entry.app, entry.call) for entry in self.entries]

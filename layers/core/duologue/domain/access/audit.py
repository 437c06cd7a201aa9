"""The audit: who did what to recordings, accounts and stored data. An entry never has a telephone number."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action, written before it is done: what cannot be audited does not happen.

    `kind`: such as `recording.fetch` or `app suspend`. `who`: an app's key, `link` for who followed one, or an
    operator's IAM identity. `call`: ids, with spaces between several. `source`: the address that it came from.
    `detail`: what was asked for, without values.
    """

    at: datetime
    kind: str
    who: str
    app: str = ""
    call: str = ""
    source: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Empty: any. `kind`: a kind, or the beginning of several."""

    app: str = ""
    call: str = ""
    kind: str = ""

    def takes(self, entry: AuditEntry) -> bool:
        of_call = self.call in ("", *entry.call.split())
        return of_call and self.app in ("", entry.app) and entry.kind.startswith(self.kind)

"""The audit: who did what, newest first."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from duologue.domain.access.audit import AuditFilter
from duologue.operator.console.pages import Pages

_DAYS = 30
_MOST = 200


def audit(pages: Pages, request: Request) -> Response:
    desk, query = pages.desk, request.query_params
    given = {name: query.get(name, "").strip() for name in ("app", "call", "kind")}
    wanted = AuditFilter(given["app"], given["call"].partition("@")[0], given["kind"])
    now = desk.now()
    entries = desk.audit_reader.entries(wanted, now - timedelta(days=_DAYS), now, _MOST)
    context = {"page": "audit", "entries": entries, "given": given, "days": _DAYS, "is_cut": len(entries) == _MOST}
    return pages.page("audit.html", context)

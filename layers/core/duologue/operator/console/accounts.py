"""SPs and their apps, with the limits that are in use and the health of their servers."""

from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from duologue.operator.console.pages import Pages
from duologue.operator.console.standing import standings


def accounts(pages: Pages, _request: Request) -> Response:
    desk = pages.desk
    grouped = groupby(standings(desk), key=lambda each: each.app.sp)
    sps = [(sp, desk.sp(sp), list(apps)) for sp, apps in grouped]
    return pages.page("accounts.html", {"page": "accounts", "sps": sps})

"""Notifications that wait for an attempt or were given up, by app, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response

from duologue.call_control.history import DeliveryState
from duologue.operator.console.call import SAID
from duologue.operator.console.pages import Pages, form_of, see_other
from duologue.operator.console.standing import Standing, standings
from duologue.usecases.notifying.manage_notifications import Outstanding

_SHOWN = 50
_MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class OfApp:
    standing: Standing
    notifications: Sequence[Outstanding]
    """The oldest."""


def undelivered(pages: Pages, request: Request) -> Response:
    desk = pages.desk
    found = [
        OfApp(each, list(islice(desk.notifications.of_app(each.app.key), _SHOWN)))
        for each in standings(desk)
        if each.undelivered
    ]
    context = {
        "page": "undelivered",
        "apps": [each for each in found if each.notifications],
        "said": SAID.get(request.query_params.get("said", ""), ""),
        "given_up": DeliveryState.UNDELIVERED,
    }
    return pages.page("undelivered.html", context)


def send_all_again(pages: Pages, request: Request) -> Response:
    """At most a thousand of an app."""
    desk, key = pages.desk, form_of(request).get("app", "")
    desk.accounts.app_without_secrets(key)
    desk.note("console retry-now", app=key, detail="notifications of the app")
    manage = desk.notifications
    done = [manage.retry_now(each) for each in islice(manage.of_app(key), _MOST_AT_ONCE)]
    return see_other(f"/undelivered?said={'again' if any(done) else 'changed'}")

"""Change an app's settings: the operator any of them, the SP where it is told."""

from collections.abc import Callable
from dataclasses import replace

from duologue.domain.accounts import App
from duologue.domain.call import NotifyTo
from duologue.usecases.check_app import check_app
from duologue.usecases.ports.accounts import AppBook
from duologue.usecases.ports.notifying import SpEndpoints
from duologue.usecases.ports.outside import NumberPlan


def change_app(
    app_key: str, change: Callable[[App], App], *, apps: AppBook, endpoints: SpEndpoints, plan: NumberPlan
) -> App:
    """Write what `change` makes of an app, and give it back.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: a setting breaks a rule; nothing was written.
        OutsideUnavailable: storage is out of reach.
    """

    def checked(app: App) -> App:
        changed = change(app)
        check_app(changed, endpoints=endpoints, plan=plan, before=app)
        return changed

    return apps.change_app(app_key, checked)


def set_notification_urls(app_key: str, urls: NotifyTo, *, apps: AppBook) -> App:
    """Where an app is told of calls whose request names no other place; the URLs are judged. Raises UnknownApp."""
    return apps.change_app(app_key, lambda app: replace(app, status_url=urls.status_url, fee_url=urls.fee_url))

"""Change an app's settings: the operator any of them, the SP its notification URLs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from duologue.domain.access.accounts import App
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.callback_request import FieldNames
from duologue.usecases.access.check_app import check_app
from duologue.usecases.ports.accounts import AppBook
from duologue.usecases.ports.denying import RateBook
from duologue.usecases.ports.notifying import SpUrls
from duologue.usecases.ports.outside import Line, NumberPlan


def change_app(
    app_key: str,
    change: Callable[[App], App],
    *,
    apps: AppBook,
    endpoints: SpUrls,
    plan: NumberPlan,
    line: Line,
    rates: RateBook,
) -> App:
    """Apply `change` to an app, save and return it.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: a setting breaks a rule; nothing was written.
        OutsideUnavailable: storage is unavailable.
    """

    def checked(app: App) -> App:
        changed = change(app)
        check_app(changed, endpoints=endpoints, plan=plan, line=line, rates=rates, before=app)
        return changed

    return apps.change_app(app_key, checked)


@dataclass(frozen=True, slots=True)
class SetNotificationUrls:
    apps: AppBook
    endpoints: SpUrls
    fields: FieldNames

    def __call__(self, app_key: str, urls: NotifyTo) -> App:
        """Set the app's default notification URLs, and post to them again if they were switched off.

        Raises:
            UnknownApp: there is no such app.
            ForbiddenAddress: a URL has an address that the platform does not post to.
        """
        self.endpoints.check(self.fields.of_urls(urls))
        app = self.apps.change_app(app_key, lambda app: replace(app, status_url=urls.status_url, fee_url=urls.fee_url))
        self.apps.reset_endpoints(app_key)
        return app

"""The metrics of calls and of notifications for the dashboard, as notify_sp sees them."""

from datetime import timedelta
from math import ceil

from duologue.adapters.basics.metrics import cost, count, lasted
from duologue.call_control.facts import CallEnded, Fact, LegAnsweredRecorded
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.accounting.prices import usd_of


class CallMetrics:
    """Implements `usecases.ports.notifying.Measurements`."""

    def fact(self, fact: Fact) -> None:
        match fact:
            case LegAnsweredRecorded(party=party):
                count("CallsAnswered", Party=party.value)
            case CallEnded(reason=reason):
                count("CallsEnded", Reason=reason.value)

    def ended(self, cdr: Cdr) -> None:
        count("TalkSeconds", ceil(cdr.talk.total_seconds()), App=cdr.app)
        if cdr.receipt is not None:
            cost("EstimatedSpend", usd_of(cdr.receipt), App=cdr.app)

    def attempt(self, app: str, lag: timedelta, *, acknowledged: bool) -> None:
        if acknowledged:
            lasted("NotificationLag", lag.total_seconds(), App=app)
        else:
            count("NotificationsRefused", App=app)

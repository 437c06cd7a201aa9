"""The metrics of calls and of notifications for the dashboard, as notify_sp sees them."""

from datetime import timedelta
from math import ceil

from duologue.adapters.metrics import count, lasted
from duologue.call_control.facts import CallEnded, Fact, LegAnsweredRecorded


class CallMetrics:
    """Implements `usecases.ports.notifying.Measurements`."""

    def fact(self, fact: Fact) -> None:
        match fact:
            case LegAnsweredRecorded(party=party):
                count("CallsAnswered", Party=party.value)
            case CallEnded(reason=reason):
                count("CallsEnded", Reason=reason.value)

    def talked(self, app: str, talk: timedelta) -> None:
        count("TalkSeconds", ceil(talk.total_seconds()), App=app)

    def attempt(self, app: str, lag: timedelta, *, acknowledged: bool) -> None:
        if acknowledged:
            lasted("NotificationLag", lag.total_seconds(), App=app)
        else:
            count("NotificationsRefused", App=app)

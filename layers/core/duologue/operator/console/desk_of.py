"""The console's desk over the platform that the command line names."""

from duologue.adapters.basics.system_clock import SystemClock
from duologue.operator.audits import who
from duologue.operator.console.desk import Desk
from duologue.operator.platform import Platform
from duologue.usecases.notifying.manage_notifications import ManageNotifications


def desk_of(platform: Platform) -> Desk:
    """Raises OutsideUnavailable: the stack cannot be read."""
    clock = SystemClock()
    return Desk(
        lists=platform.call_lists,
        usages=platform.usages,
        accounts=platform.accounts,
        listed_apps=platform.accounts.listed_apps,
        show=platform.show_call,
        recordings=platform.recordings,
        notifications=ManageNotifications(platform.histories, platform.app_events, platform.notification_log, clock),
        log=platform.notification_log,
        memories=platform.memories,
        seal=platform.memory_seal,
        audit=platform.audit,
        audit_reader=platform.audit_reader,
        end_calls=platform.end_calls,
        clock=clock,
        host=lambda: platform.host,
        who=lambda: who(platform),
        keep_recordings_days=lambda: platform.keep_recordings_days,
        stack=platform.stack,
    )

"""Look up a callback: all that is recorded of it, for the app that placed it."""

from duologue.call_control.history import History
from duologue.domain.errors import UnknownCall
from duologue.usecases.ports.calls import Histories


def look_up_callback(call_id: str, app_key: str, *, calls: Histories) -> History:
    """Raises UnknownCall: the app has no such call; of another app's call nothing else is said."""
    history = calls.history(call_id)
    if history.call.app != app_key:
        raise UnknownCall(call_id)
    return history

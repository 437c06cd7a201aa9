"""Look up a callback: its history, for the app that placed it."""

from dataclasses import dataclass

from duologue.call_control.history import History
from duologue.domain.errors import UnknownCall
from duologue.usecases.ports.calls import Histories


@dataclass(frozen=True, slots=True)
class LookUpCallback:
    histories: Histories

    def __call__(self, call_id: str, app_key: str) -> History:
        """Raises UnknownCall: the app has no such call, also if another app has."""
        history = self.histories.history(call_id)
        if history.call.app != app_key:
            raise UnknownCall(call_id)
        return history

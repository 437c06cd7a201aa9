"""Hangup: end one leg.

Which events follow is a switch (`hangup_success`): HANGUP alone, or ACTION_SUCCESSFUL before or after it. The list
waits for the answer to the last of them. An outbound leg that is still ringing cannot be hung up.
"""

from pstn.actions.base import INVALID, ActionError, RunningAction
from pstn.legs import LegState


class Hangup(RunningAction):
    always_reports = True

    def start(self) -> None:
        code = str(self.parameters.get("SipResponseCode", "0"))
        if code not in ("0", "480", "486"):
            raise ActionError(INVALID, "SipResponseCode parameter value is invalid.")
        try:
            leg = self.target_leg(answer=False)
        except ActionError:
            if self._means_ringing_leg_a() and self.call.switches.hangup_of_ringing_leg_a == "ignored":
                self.call.done()
                return
            raise
        self.call.end_leg(leg, int(code))

    def _means_ringing_leg_a(self) -> bool:
        wanted = self.parameters.get("CallId") or self.parameters.get("ParticipantTag") or self.action.about
        return any(
            wanted in (leg.call_id, leg.tag.value) and leg.state is LegState.RINGING and leg.direction == "Outbound"
            for leg in self.call.legs
        )

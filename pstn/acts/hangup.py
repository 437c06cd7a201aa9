"""Hangup: cut one leg.

What is told of it is a switch (`hangup_success`): HANGUP alone, or ACTION_SUCCESSFUL before or after it. The list
waits for the last of them. An outbound leg that still rings cannot be hung up.
"""

from pstn.acts.base import INVALID, Fault, Performance
from pstn.legs import LegState


class Hangup(Performance):
    always_reports = True

    def begin(self) -> None:
        code = str(self.parameters.get("SipResponseCode", "0"))
        if code not in ("0", "480", "486"):
            raise Fault(INVALID, "SipResponseCode parameter value is invalid.")
        try:
            leg = self.addressed_leg(answer=False)
        except Fault:
            if self._means_ringing_leg_a() and self.stage.switches.hangup_of_ringing_leg_a == "ignored":
                self.stage.done()
                return
            raise
        self.stage.end_leg(leg, int(code))

    def _means_ringing_leg_a(self) -> bool:
        wanted = self.parameters.get("CallId") or self.parameters.get("ParticipantTag") or self.action.about
        return any(
            wanted in (leg.call_id, leg.tag.value) and leg.state is LegState.RINGING and leg.direction == "Outbound"
            for leg in self.stage.legs
        )

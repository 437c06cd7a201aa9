"""Start, stop, pause and resume the recording of one leg.

A leg is recorded once: no second start after a stop; the recording ends by itself with the leg (start-call-recording
page).
"""

from pstn.acts.base import INVALID, Fault, Performance
from pstn.legs import Leg, recording_key
from pstn.messages import CloseRecording, OpenRecording, PauseRecording, ResumeRecording

BAD_CALL_ID = "CallId parameter for action is invalid"


class _OfRecording(Performance):
    requires_call_id = True

    def leg_by_id(self) -> Leg:
        try:
            return self.addressed_leg()
        except Fault as fault:
            raise Fault(INVALID, BAD_CALL_ID) from fault

    def recorded_leg(self) -> tuple[Leg, str]:
        leg = self.leg_by_id()
        if leg.recording_id is None:
            raise Fault(INVALID, BAD_CALL_ID)
        return leg, leg.recording_id


class StartCallRecording(_OfRecording):
    def begin(self) -> None:
        track = self.parameters.get("Track")
        if track not in ("BOTH", "INCOMING", "OUTGOING"):
            raise Fault(INVALID, "Track parameter value is invalid.")
        destination = self.parameters.get("Destination")
        location = destination.get("Location") if isinstance(destination, dict) else None
        if not isinstance(destination, dict) or destination.get("Type") != "S3" or not isinstance(location, str):
            raise Fault(INVALID, "Destination parameter value is invalid.")
        bucket, _, prefix = location.partition("/")
        if not bucket:
            raise Fault(INVALID, "Destination parameter value is invalid.")
        leg = self.leg_by_id()
        if leg.recorded:
            raise Fault(INVALID, BAD_CALL_ID)
        leg.recorded = True
        self.leg = leg
        self.place = bucket, recording_key(prefix, leg, self.stage.identity.transaction_id)
        self.stage.put(OpenRecording(self.id, leg.call_id, track, *self.place))

    def recording_opened(self, accessible: bool) -> None:
        if not accessible:
            self.leg.recorded = False
            message = "Error while accessing destination"
            self.stage.failed(Fault("NoAccessToDestination", message, single=True))
            return
        self.leg.recording_id = self.id
        self.stage.done({"CallRecordingDestination": {"Type": "S3", "Location": "/".join(self.place)}})


class StopCallRecording(_OfRecording):
    def begin(self) -> None:
        leg, recording = self.recorded_leg()
        leg.recording_id = None
        self.stage.put(CloseRecording(recording))
        self.stage.done()


class PauseCallRecording(_OfRecording):
    def begin(self) -> None:
        self.stage.put(PauseRecording(self.recorded_leg()[1]))
        self.stage.done()


class ResumeCallRecording(_OfRecording):
    def begin(self) -> None:
        self.stage.put(ResumeRecording(self.recorded_leg()[1]))
        self.stage.done()

"""Start, stop, pause and resume the recording of one leg.

A leg is recorded at most once: it cannot be started again after a stop. The recording ends with the leg
(start-call-recording page).
"""

from pstn.actions.base import INVALID, ActionError, RunningAction
from pstn.legs import Leg, recording_key
from pstn.messages import CloseRecording, OpenRecording, PauseRecording, ResumeRecording

BAD_CALL_ID = "CallId parameter for action is invalid"


class _RecordingAction(RunningAction):
    requires_call_id = True

    def leg_by_id(self) -> Leg:
        try:
            return self.target_leg()
        except ActionError as error:
            raise ActionError(INVALID, BAD_CALL_ID) from error

    def recorded_leg(self) -> tuple[Leg, str]:
        leg = self.leg_by_id()
        if leg.recording_id is None:
            raise ActionError(INVALID, BAD_CALL_ID)
        return leg, leg.recording_id


class StartCallRecording(_RecordingAction):
    def start(self) -> None:
        track = self.parameters.get("Track")
        if track not in ("BOTH", "INCOMING", "OUTGOING"):
            raise ActionError(INVALID, "Track parameter value is invalid.")
        destination = self.parameters.get("Destination")
        location = destination.get("Location") if isinstance(destination, dict) else None
        if not isinstance(destination, dict) or destination.get("Type") != "S3" or not isinstance(location, str):
            raise ActionError(INVALID, "Destination parameter value is invalid.")
        bucket, _, prefix = location.partition("/")
        if not bucket:
            raise ActionError(INVALID, "Destination parameter value is invalid.")
        leg = self.leg_by_id()
        if leg.recorded:
            raise ActionError(INVALID, BAD_CALL_ID)
        leg.recorded = True
        self.leg = leg
        self.location = bucket, recording_key(prefix, leg, self.call.identity.transaction_id)
        self.call.emit(OpenRecording(self.id, leg.call_id, track, *self.location))

    def recording_opened(self, accessible: bool) -> None:
        if not accessible:
            self.leg.recorded = False
            message = "Error while accessing destination"
            self.call.failed(ActionError("NoAccessToDestination", message, single=True))
            return
        self.leg.recording_id = self.id
        self.call.done({"CallRecordingDestination": {"Type": "S3", "Location": "/".join(self.location)}})


class StopCallRecording(_RecordingAction):
    def start(self) -> None:
        leg, recording = self.recorded_leg()
        leg.recording_id = None
        self.call.emit(CloseRecording(recording))
        self.call.done()


class PauseCallRecording(_RecordingAction):
    def start(self) -> None:
        self.call.emit(PauseRecording(self.recorded_leg()[1]))
        self.call.done()


class ResumeCallRecording(_RecordingAction):
    def start(self) -> None:
        self.call.emit(ResumeRecording(self.recorded_leg()[1]))
        self.call.done()

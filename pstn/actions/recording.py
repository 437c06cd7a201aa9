"""Start, stop, pause and resume the recording of one leg; RecordAudio, which records what a party says, as a voicemail.

A leg is recorded at most once: it cannot be started again after a stop. The recording ends with the leg
(start-call-recording page). RecordAudio may be repeated; its object is stored before its result is sent (record-audio).
"""

import re
from typing import Any

from pstn.actions.base import INVALID, ActionError, RunningAction
from pstn.legs import DEFAULT_PREFIX, Leg, recording_key
from pstn.messages import (
    CloseRecording,
    OpenRecording,
    PauseRecording,
    RecordVoice,
    ResumeRecording,
    Silence,
    StoreVoice,
)

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
        folder, transaction = prefix.strip("/") or DEFAULT_PREFIX, self.call.identity.transaction_id
        self.location = bucket, recording_key(folder, leg.started_at, leg, transaction)
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


SAFE_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]{0,979}")
"""The safe characters of an S3 key, as the record-audio page limits them."""


class RecordAudio(RunningAction):
    """Ends at a terminator key, after its duration, by silence, or with the leg; then what was said is stored."""

    interruptible = True
    always_reports = True

    def start(self) -> None:
        bucket, prefix = self._destination()
        self.terminators = self.digit_set("RecordingTerminators")
        duration = self._limit("DurationInSeconds")
        seconds = self._limit("SilenceDurationInSeconds", 1000)
        threshold = self.number("SilenceThreshold", 200, 1, 1000)
        leg = self.target_leg()
        self.place = bucket, recording_key(prefix, self.call.now, leg, self.call.identity.transaction_id)
        self.terminator: str | None = None
        self.storing = False
        silence = Silence(seconds, threshold) if seconds else None
        self.call.emit(RecordVoice(self.id, leg.call_id, *self.place, silence))
        if duration:
            self.set_timer("over", duration)

    def digit(self, leg: Leg, digit: str) -> bool:
        if leg is not self.subject or digit not in self.terminators or self.storing:
            return False
        self.terminator = digit
        self.abort()
        return True

    def timer(self, what: str) -> None:
        self.abort()

    def fell_silent(self) -> None:
        self.abort()

    def abort(self) -> None:
        """Stop recording and store it; the answer is reported unless the action was cut."""
        if not self.storing:
            self.storing = True
            self.cancel_timer("over")
            self.call.emit(StoreVoice(self.id))

    def recording_stored(self, stored: bool) -> None:
        if stored:
            self.call.done(self.results())
        else:
            self.call.failed(ActionError(INVALID, "Error occurred while uploading recording to S3 bucket."))

    def results(self) -> dict[str, Any]:
        bucket, key = self.place
        used = {"RecordingTerminatorUsed": self.terminator} if self.terminator else {}
        return {"RecordingDestination": {"Type": "S3", "BucketName": bucket, "Key": key}, **used}

    def _limit(self, name: str, most: int | None = None) -> int | None:
        """Raises: ActionError."""
        return None if self.parameters.get(name) is None else self.number(name, None, 1, most)

    def _destination(self) -> tuple[str, str]:
        """Bucket and prefix. Raises: ActionError."""
        destination = self.parameters.get("RecordingDestination")
        match destination:
            case {"Type": "S3", "BucketName": str(bucket), **rest} if bucket:
                prefix = rest.get("Prefix", "")
                if isinstance(prefix, str) and SAFE_PREFIX.fullmatch(prefix):
                    return bucket, prefix
        raise ActionError(INVALID, "RecordingDestination parameter value is invalid.")

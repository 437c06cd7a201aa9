"""The response to an SMA event: at most ten actions, and on the first event the attributes to store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.prompt_keys import key_of
from duologue.call_control.prompts import PromptAudio
from duologue.domain.calls.outcome import Party
from duologue.wire.chime.invocation import CALL_ID

_TAGS = {Party.CALLER: "LEG-A", Party.CALLEE: "LEG-B"}


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of prompts and recordings; `prompt_keys` has the keys of prompts."""

    prompts: str
    recordings: str

    def source(self, prompt: PromptAudio) -> dict[str, str]:
        return {"Type": "S3", "BucketName": self.prompts, "Key": key_of(prompt)}


def write_answer(actions: Sequence[Action], buckets: Buckets, *, introduces: str | None = None) -> dict[str, Any]:
    """The response object. `introduces`: our call id, for the network to store and send with every later event.

    Without it the attributes are omitted, which keeps the stored ones; an empty map would delete them.
    """
    answer: dict[str, Any] = {"SchemaVersion": "1.0", "Actions": [_write(action, buckets) for action in actions]}
    if introduces is not None:
        answer["TransactionAttributes"] = {CALL_ID: introduces}
    return answer


def _write(action: Action, buckets: Buckets) -> dict[str, Any]:
    match action:
        case PlayPrompt(party, prompt):
            kind = "PlayAudio"
            parameters: dict[str, Any] = {
                "ParticipantTag": _TAGS[party],
                "Repeat": 1,
                "AudioSource": buckets.source(prompt),
            }
        case DialAndBridge(number, display_number, ring_limit, waiting):
            kind = "CallAndBridge"
            parameters = {
                "CallTimeoutSeconds": int(ring_limit.total_seconds()),
                "CallerIdNumber": display_number.e164,
                **({} if waiting is None else {"RingbackTone": buckets.source(waiting)}),
                "Endpoints": [{"BridgeEndpointType": "PSTN", "Uri": number.e164}],
            }
        case StartRecording(leg_id, folder):
            kind = "StartCallRecording"
            destination = {"Type": "S3", "Location": f"{buckets.recordings}/{folder}"}
            parameters = {"CallId": leg_id, "Track": "BOTH", "Destination": destination}
        case HangUp(_, leg_id, sip_status):
            kind = "Hangup"
            parameters = {"CallId": leg_id, "SipResponseCode": str(sip_status)}
    return {"Type": kind, "Parameters": parameters}

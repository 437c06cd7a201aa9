"""CallAndBridge: dial a second party and join it to leg A.

No event is sent while it dials; then exactly one result, at once even in the middle of a list. By default the result
does not say why a bridge failed: only CallNotAnswered is documented. With the switch `bridge_failure_detail`,
ActionData carries, beside ErrorType CallNotAnswered, the far end's final code as `SipResponseCode` (a number, as in
HANGUP), and the message ends with it. A bridge that ran into its own CallTimeoutSeconds has no such code, since nobody
refused it.

Error texts: call-and-bridge page.
"""

import re
from typing import Any

from pstn.actions.base import BAD_ADDRESS, INVALID, ActionError, RunningAction
from pstn.legs import Leg, LegState, Tag
from pstn.messages import Answer, Dial, HangUp, Join, Play, ProbeAudio, StopPlayback

VOICE_CONNECTOR = re.compile(r"arn:aws[a-z-]*:chime:[a-z0-9-]+:\d{12}:vcg?/[A-Za-z0-9-]+")
LONGEST_URI = 36
"""Characters of the user part that is dialled at a Voice Connector."""
E164 = re.compile(r"\+[1-9]\d{1,14}")
HEADER = re.compile(r"(?i)(x-(?!amzn|vine|vc|canary|voice)[a-z0-9_-]+|user-to-user|diversion)")
CANCELLED = 487
"""RFC 3261 §21.4.25, Request Terminated: how a cancelled INVITE ends."""
NOT_ANSWERED = ActionError("CallNotAnswered", "Call not answered")


class CallAndBridge(RunningAction):
    always_reports = True
    no_such_trunk = False
    """The endpoint is a Voice Connector, of which this account has none: nobody is reached there."""

    def start(self) -> None:
        leg = self.call.leg(Tag.A)
        if leg is None or leg.ended or (leg.state is LegState.RINGING and leg.direction == "Outbound"):
            raise ActionError(INVALID, BAD_ADDRESS)
        leg_b = self.call.leg(Tag.B)
        if leg_b is not None and not leg_b.ended:
            raise ActionError(INVALID, BAD_ADDRESS)
        self.parameters = {**self.parameters, "CallId": leg.call_id}
        self.subject = leg
        self.leg_b: Leg | None = None
        self.to = self._endpoint()
        self.caller_id = self._caller_id(leg)
        self.ring_timeout = self._timeout()
        self.sip_headers = self._headers()
        self.ringback = self._ringback()
        if self.ringback:
            self.call.emit(ProbeAudio(self.id, *self.ringback))
        else:
            self._dial()

    def audio_probed(self, found: bool) -> None:
        if self.leg_b:
            return
        if found:
            self._dial()
        else:
            self.call.failed(ActionError("InvalidAudioSource", "Cannot access S3 bucket or audio file."))

    def _dial(self) -> None:
        assert self.subject is not None
        if self.no_such_trunk:
            self.call.failed(NOT_ANSWERED)
            return
        self.leg_b = self.call.open_leg_b(self.caller_id, self.to)
        self.set_timer("ring-timeout", self.ring_timeout)
        ring_limit = self.call.switches.network_ring_limit_b
        self.call.emit(Dial(self.leg_b.call_id, Tag.B.value, self.caller_id, self.to, ring_limit, self.sip_headers))
        if self.ringback and self.subject.up:
            self.call.emit(Play(self.id, self.subject.call_id, *self.ringback, times=None))

    def leg_ringing(self, leg: Leg) -> None:
        if leg is self.leg_b and self.call.switches.ringing_leg_b:
            leg.listed = True
            self.call.report_ringing(leg)

    def leg_answered(self, leg: Leg) -> None:
        if leg is not self.leg_b:
            return
        assert self.subject is not None
        self._stop_ringing()
        leg.state, leg.listed = LegState.UP, True
        if not self.subject.up:
            self.subject.state = LegState.UP
            self.call.emit(Answer(self.subject.call_id))
        self.call.emit(Join(self.subject.call_id, leg.call_id))
        self.call.done()

    def leg_ended(self, leg: Leg, sip_code: int) -> None:
        if leg is self.leg_b:
            self._fail(sip_code or None)

    def dial_refused(self, reason: str) -> None:
        self._stop_ringing()
        if self.leg_b:
            self.call.forget_leg(self.leg_b)
        self.call.failed(ActionError("SystemException", reason))

    def timer(self, what: str) -> None:
        if self.leg_b:
            self.call.emit(HangUp(self.leg_b.call_id, CANCELLED))
        self._fail(None)

    def abort(self) -> None:
        self._stop_ringing()
        if self.leg_b and not self.leg_b.up:
            self.call.emit(HangUp(self.leg_b.call_id, CANCELLED))
            self.call.forget_leg(self.leg_b)

    def _fail(self, sip_code: int | None) -> None:
        self._stop_ringing()
        if self.leg_b:
            self.call.forget_leg(self.leg_b)
        if sip_code and self.call.switches.bridge_failure_detail:
            detail = {"SipResponseCode": sip_code}
            self.call.failed(ActionError("CallNotAnswered", f"Call not answered: {sip_code}", extra=detail))
        else:
            self.call.failed(NOT_ANSWERED)

    def _stop_ringing(self) -> None:
        self.cancel_timer("ring-timeout")
        if self.ringback:
            self.call.emit(StopPlayback(self.id))

    # -- parameters
    def _endpoint(self) -> str:
        endpoints = self.parameters.get("Endpoints")
        if not isinstance(endpoints, list) or len(endpoints) != 1:
            raise ActionError(INVALID, "Invalid number of endpoints provided.")
        endpoint = endpoints[0] if isinstance(endpoints[0], dict) else {}
        uri, arn = endpoint.get("Uri"), endpoint.get("Arn")
        match endpoint.get("BridgeEndpointType", "PSTN"):
            case "PSTN" if arn is None and isinstance(uri, str) and E164.fullmatch(uri):
                return uri
            case "AWS" if isinstance(arn, str) and VOICE_CONNECTOR.fullmatch(arn) and isinstance(uri, str):
                if 1 <= len(uri) <= LONGEST_URI:
                    self.no_such_trunk = True
                    return uri
        raise ActionError(INVALID, "Endpoint parameter is invalid.")

    def _caller_id(self, leg: Leg) -> str:
        number: Any = self.parameters.get("CallerIdNumber")
        if number is None or number == "":
            raise ActionError(INVALID, "Caller ID not defined.")
        if not isinstance(number, str) or not E164.fullmatch(number):
            raise ActionError(INVALID, "Invalid caller ID.")
        if number != leg.caller_id and not self.call.owns(number):
            raise ActionError(
                INVALID,
                "Provided caller ID number is invalid. Number must be owned by this AWS account,"
                " or be the From number of LEG-A.",
            )
        return number

    def _timeout(self) -> int:
        try:
            return self.number("CallTimeoutSeconds", 30, 1, 120)
        except ActionError as error:
            message = "The MaxCallTimeout parameter is invalid. Timeout must be between 0 and 120 seconds."
            raise ActionError(INVALID, message) from error

    def _headers(self) -> dict[str, str]:
        headers = self.parameters.get("SipHeaders") or {}
        if not isinstance(headers, dict):
            raise ActionError(INVALID, "Invalid SIP header(s) provided: SipHeaders")
        bad = [name for name, value in headers.items() if not sip_header_allowed(name, value)]
        if bad:
            raise ActionError(INVALID, f"Invalid SIP header(s) provided: {', '.join(map(str, bad))}")
        return headers

    def _ringback(self) -> tuple[str, str] | None:
        return self.audio("RingbackTone", "Ringtone") if self.parameters.get("RingbackTone") is not None else None


def sip_header_allowed(name: object, value: object) -> bool:
    """The sip-headers page: `x-…` but the reserved prefixes, `User-to-User` or `Diversion`; at most 2048 characters."""
    return (
        isinstance(name, str) and isinstance(value, str) and bool(HEADER.fullmatch(name)) and len(name + value) <= 2048
    )

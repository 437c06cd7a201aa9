"""CallAndBridge: dial a second party and join it to leg A.

Nothing is told while it dials; then exactly one result, at once even in the middle of a list. A leg A that hears the
bridge ring is not told why it failed: only CallNotAnswered is documented. With `bridge_failure_detail` ActionData
carries, beside ErrorType CallNotAnswered, `SipResponseCode` (a number, as in HANGUP) with the far end's final code,
and the message ends with it; a bridge that ran into its own CallTimeoutSeconds has no such code, since nobody
refused it.

Error texts: call-and-bridge page.
"""

import re
from typing import Any

from pstn.acts.base import BAD_ADDRESS, INVALID, Fault, Performance
from pstn.legs import Leg, LegState, Tag
from pstn.messages import Answer, Dial, HangUp, Join, Play, ProbeAudio, StopPlayback

E164 = re.compile(r"\+[1-9]\d{1,14}")
HEADER = re.compile(r"(?i)(x-(?!amzn|vine|vc|canary|voice)[a-z0-9_-]+|user-to-user|diversion)")
CANCELLED = 487
"""RFC 3261 §21.4.25, Request Terminated: what a cancelled INVITE ends with."""


class CallAndBridge(Performance):
    always_reports = True

    def begin(self) -> None:
        leg = self.stage.leg(Tag.A)
        if leg is None or leg.ended or (leg.state is LegState.RINGING and leg.direction == "Outbound"):
            raise Fault(INVALID, BAD_ADDRESS)
        second = self.stage.leg(Tag.B)
        if second is not None and not second.ended:
            raise Fault(INVALID, BAD_ADDRESS)
        self.parameters = {**self.parameters, "CallId": leg.call_id}
        self.subject = leg
        self.second: Leg | None = None
        self.to = self._endpoint()
        self.shown = self._caller_id(leg)
        self.seconds = self._timeout()
        self.sip_headers = self._headers()
        self.ringback = self._ringback()
        if self.ringback:
            self.stage.put(ProbeAudio(self.id, *self.ringback))
        else:
            self._dial()

    def audio_probed(self, found: bool) -> None:
        if self.second:
            return
        if found:
            self._dial()
        else:
            self.stage.failed(Fault("InvalidAudioSource", "Cannot access S3 bucket or audio file."))

    def _dial(self) -> None:
        assert self.subject is not None
        self.second = self.stage.open_second_leg(self.shown, self.to)
        self.set_timer("unanswered", self.seconds)
        ring_limit = self.stage.switches.network_ring_limit_b
        self.stage.put(Dial(self.second.call_id, Tag.B.value, self.shown, self.to, ring_limit, self.sip_headers))
        if self.ringback and self.subject.up:
            self.stage.put(Play(self.id, self.subject.call_id, *self.ringback, times=None))

    def leg_rang(self, leg: Leg) -> None:
        if leg is self.second and self.stage.switches.ringing_leg_b:
            leg.listed = True
            self.stage.rang(leg)

    def leg_answered(self, leg: Leg) -> None:
        if leg is not self.second:
            return
        assert self.subject is not None
        self._quiet()
        leg.state, leg.listed = LegState.UP, True
        if not self.subject.up:
            self.subject.state = LegState.UP
            self.stage.put(Answer(self.subject.call_id))
        self.stage.put(Join(self.subject.call_id, leg.call_id))
        self.stage.done()

    def leg_ended(self, leg: Leg, sip_code: int) -> None:
        if leg is self.second:
            self._fail(sip_code or None)

    def dial_refused(self, reason: str) -> None:
        self._quiet()
        if self.second:
            self.stage.forget_leg(self.second)
        self.stage.failed(Fault("SystemException", reason))

    def timer(self, what: str) -> None:
        if self.second:
            self.stage.put(HangUp(self.second.call_id, CANCELLED))
        self._fail(None)

    def cut(self) -> None:
        self._quiet()
        if self.second and not self.second.up:
            self.stage.put(HangUp(self.second.call_id, CANCELLED))
            self.stage.forget_leg(self.second)

    def _fail(self, sip_code: int | None) -> None:
        self._quiet()
        if self.second:
            self.stage.forget_leg(self.second)
        message, extra = "Call not answered", {}
        if sip_code and self.stage.switches.bridge_failure_detail:
            message, extra = f"Call not answered: {sip_code}", {"SipResponseCode": sip_code}
        self.stage.failed(Fault("CallNotAnswered", message, extra=extra))

    def _quiet(self) -> None:
        self.cancel_timer("unanswered")
        if self.ringback:
            self.stage.put(StopPlayback(self.id))

    # -- parameters
    def _endpoint(self) -> str:
        endpoints = self.parameters.get("Endpoints")
        if not isinstance(endpoints, list) or len(endpoints) != 1:
            raise Fault(INVALID, "Invalid number of endpoints provided.")
        (endpoint,) = endpoints
        uri = endpoint.get("Uri") if isinstance(endpoint, dict) else None
        if (
            not isinstance(uri, str)
            or endpoint.get("BridgeEndpointType") not in ("PSTN", None)
            or not E164.fullmatch(uri)
        ):
            raise Fault(INVALID, "Endpoint parameter is invalid.")
        return uri

    def _caller_id(self, leg: Leg) -> str:
        number: Any = self.parameters.get("CallerIdNumber")
        if number is None or number == "":
            raise Fault(INVALID, "Caller ID not defined.")
        if not isinstance(number, str) or not E164.fullmatch(number):
            raise Fault(INVALID, "Invalid caller ID.")
        if number != leg.shown and not self.stage.owns(number):
            raise Fault(
                INVALID,
                "Provided caller ID number is invalid. Number must be owned by this AWS account,"
                " or be the From number of LEG-A.",
            )
        return number

    def _timeout(self) -> int:
        try:
            return self.number("CallTimeoutSeconds", 30, 1, 120)
        except Fault as fault:
            message = "The MaxCallTimeout parameter is invalid. Timeout must be between 0 and 120 seconds."
            raise Fault(INVALID, message) from fault

    def _headers(self) -> dict[str, str]:
        headers = self.parameters.get("SipHeaders") or {}
        if not isinstance(headers, dict):
            raise Fault(INVALID, "Invalid SIP header(s) provided: SipHeaders")
        bad = [name for name, value in headers.items() if not sip_header_allowed(name, value)]
        if bad:
            raise Fault(INVALID, f"Invalid SIP header(s) provided: {', '.join(map(str, bad))}")
        return headers

    def _ringback(self) -> tuple[str, str] | None:
        return self.audio("RingbackTone", "Ringtone") if self.parameters.get("RingbackTone") is not None else None


def sip_header_allowed(name: object, value: object) -> bool:
    """The sip-headers page: `x-…` but the reserved prefixes, `User-to-User` or `Diversion`; at most 2048 characters."""
    return (
        isinstance(name, str) and isinstance(value, str) and bool(HEADER.fullmatch(name)) and len(name + value) <= 2048
    )

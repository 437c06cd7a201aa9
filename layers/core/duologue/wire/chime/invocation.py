"""Parse an SMA event into an event of call control. Unknown events become `Informational`, never an exception.

Variations in the service's documentation are accepted: tags in any case, `ErrorType` in ActionData or at the top
level, or one `Error` string.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from duologue.call_control.actions import DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.events import (
    ActionRefused,
    BridgeFailed,
    CallEvent,
    DialAccepted,
    DialCalleeAsked,
    EndAsked,
    InboundCall,
    Informational,
    LastMinuteAsked,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptPlayed,
    RecordingStarted,
)
from duologue.domain.calls.outcome import Party
from duologue.domain.errors import InvalidNumber
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.chime import commands

CALL_ID = "callId"
"""The name of our call id in ArgumentsMap and TransactionAttributes."""

_PARTIES = {"LEG-A": Party.CALLER, "LEG-B": Party.CALLEE}
_BAD_AUDIO = "InvalidAudioSource"
"""Of a bridge: its ringback tone, the only audio it has, cannot be fetched or played."""
_BEFORE_THE_DIAL = {
    _BAD_AUDIO,
    "AccessDenied",
    "ActionExecutionThrottled",
    "InvalidActionParameter",
    "MissingRequiredActionParameter",
    "SystemException",
}
"""Documented errors of an action that was rejected before it started, unless there is a SIP status."""
_TEMPORARY = {"ActionExecutionThrottled", "SystemException"}
"""Those of them that are temporary."""
_MOST_DIGITS = 13
"""Epoch milliseconds until the year 2286."""
_OUR_NAMES = {
    "CallAndBridge": DialAndBridge.__name__,
    "Hangup": HangUp.__name__,
    "PlayAudio": PlayPrompt.__name__,
    "StartCallRecording": StartRecording.__name__,
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One parsed event.

    `application`: the id of the SIP media application.
    `call_id`: our id of the call; None if the network call is not ours, or does not carry the id yet.
    `introduces`: this is the first event, so the response must store the attributes.
    `called_in_at`: as of `usecases.ports.network.Invocation`.
    """

    network_call: str
    event_key: str
    call_id: str | None
    event: CallEvent
    introduces: bool
    application: str = ""
    called_in_at: datetime | None = None


def read_invocation(payload: Mapping[str, Any], now: datetime) -> Invocation:
    """Parse one SMA event. `now` is used as its time: SMA events have no time but the start of a leg."""
    details = _map(payload.get("CallDetails"))
    network_call = str(details.get("TransactionId", ""))
    legs = {party: leg for leg in _list(details.get("Participants")) if (party := _party(_map(leg)))}
    action = _map(payload.get("ActionData"))
    kind = str(payload.get("InvocationEventType", ""))
    arguments = _map(_map(action.get("Parameters")).get("Arguments"))
    attributes = _map(details.get("TransactionAttributes"))
    call_id = attributes.get(CALL_ID) or (arguments.get(CALL_ID) if kind == "NEW_OUTBOUND_CALL" else None)
    raw = _RawEvent(kind, now, network_call, legs, action, payload)
    called_in = _map(legs.get(Party.CALLER)).get("Direction") == "Inbound"
    return Invocation(
        network_call=network_call,
        event_key=f"{_whole(payload.get('Sequence')):06d}",
        call_id=str(call_id) if call_id else None,
        event=_READERS.get(kind, _nothing)(raw),
        introduces=kind == "NEW_OUTBOUND_CALL",
        application=str(details.get("SipMediaApplicationId", "")),
        called_in_at=raw.started(Party.CALLER) if called_in else None,
    )


@dataclass(frozen=True, slots=True)
class _RawEvent:
    """The parts of one event, for the readers below."""

    kind: str
    at: datetime
    network_call: str
    legs: Mapping[Party, Mapping[str, Any]]
    action: Mapping[str, Any]
    payload: Mapping[str, Any]

    def leg_id(self, party: Party) -> str:
        return _id(self.legs.get(party, {}))

    def started(self, party: Party) -> datetime | None:
        """When the leg was created, not answered; on the wire a string of epoch milliseconds."""
        milliseconds = _whole(self.legs.get(party, {}).get("StartTimeInMilliseconds"))
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None

    def connected(self) -> Mapping[Party, str]:
        return {party: _id(leg) for party, leg in self.legs.items() if leg.get("Status") == "Connected"}

    @property
    def caller_is_gone(self) -> bool:
        return self.legs.get(Party.CALLER, {}).get("Status") == "Disconnected"

    @property
    def error_type(self) -> Any:
        """In ActionData, or at the top level (the voice-focus page, and INVALID_LAMBDA_RESPONSE)."""
        return self.action.get("ErrorType") or self.payload.get("ErrorType")

    def nothing(self) -> Informational:
        return Informational(self.at, self.network_call, f"{self.kind} {self.action.get('Type', '')}".strip())


def _new_inbound_call(raw: _RawEvent) -> CallEvent:
    leg = raw.legs.get(Party.CALLER, {})
    caller, display = _number(leg.get("From")), _number(leg.get("To"))
    return InboundCall(raw.at, raw.network_call, _id(leg), caller, display, raw.started(Party.CALLER))


def _new_outbound_call(raw: _RawEvent) -> CallEvent:
    started = raw.started(Party.CALLER) or raw.at
    return DialAccepted(raw.at, raw.network_call, raw.leg_id(Party.CALLER), started)


def _ringing(raw: _RawEvent) -> CallEvent:
    # The service does not document RINGING for LEG-B; if it is sent, the callee is among the participants.
    party = Party.CALLEE if Party.CALLEE in raw.legs else Party.CALLER
    return LegRinging(raw.at, raw.network_call, party, raw.leg_id(party), raw.started(party))


def _call_answered(raw: _RawEvent) -> CallEvent:
    return LegAnswered(raw.at, raw.network_call, Party.CALLER, raw.leg_id(Party.CALLER), raw.started(Party.CALLER))


def _action_successful(raw: _RawEvent) -> CallEvent:
    match raw.action.get("Type"):
        case "CallAndBridge" if raw.caller_is_gone:  # no answer: nobody was left to hear it
            return EndAsked(raw.at, raw.network_call, raw.connected())
        case "PlayAudio" if raw.caller_is_gone:
            return raw.nothing()  # cut by the end of the caller's leg; its HANGUP follows
        case "CallAndBridge":
            callee = raw.leg_id(Party.CALLEE)
            return LegAnswered(raw.at, raw.network_call, Party.CALLEE, callee, raw.started(Party.CALLEE))
        case "StartCallRecording":
            place = str(_map(raw.action.get("CallRecordingDestination")).get("Location", ""))
            return RecordingStarted(raw.at, raw.network_call, place.partition("/")[2])
        case "PlayAudio":
            return PromptPlayed(raw.at, raw.network_call)
        case _:
            return raw.nothing()


def _action_failed(raw: _RawEvent) -> CallEvent:
    kind = str(raw.action.get("Type", ""))
    if raw.caller_is_gone:
        return raw.nothing()  # aborted by the end of the caller's leg; its HANGUP follows with the reason
    if kind == "CallAndBridge":
        return _bridge_failed(raw)
    why = str(raw.error_type or raw.action.get("Error") or "no reason given")
    return ActionRefused(raw.at, raw.network_call, _OUR_NAMES.get(kind, kind), why)


def _bridge_failed(raw: _RawEvent) -> CallEvent:
    """CallNotAnswered is the only documented error of a dialled callee; unknown types are treated like it."""
    sip_status = _whole(raw.action.get("SipResponseCode"))
    error = raw.error_type
    if sip_status or not isinstance(error, str) or error not in _BEFORE_THE_DIAL:
        return BridgeFailed(raw.at, raw.network_call, sip_status)
    unplayable = error == _BAD_AUDIO and "RingbackTone" in _map(raw.action.get("Parameters"))
    return BridgeFailed(raw.at, raw.network_call, 0, error, error in _TEMPORARY, unplayable)


def _invalid_response(raw: _RawEvent) -> CallEvent:
    return ActionRefused(raw.at, raw.network_call, "the answer", str(raw.error_type or "no reason given"))


def _hangup(raw: _RawEvent) -> CallEvent:
    parameters = _map(raw.action.get("Parameters"))
    party = _party(parameters)
    if party is None:
        return raw.nothing()
    leg_id = str(parameters.get("CallId") or raw.leg_id(party))
    sip_status = _whole(parameters.get("SipResponseCode"))
    left = {other: leg for other, leg in raw.connected().items() if other is not party}
    return LegEnded(raw.at, raw.network_call, party, leg_id, sip_status, left)


def _update(raw: _RawEvent) -> CallEvent:
    arguments = _map(_map(raw.action.get("Parameters")).get("Arguments"))
    match arguments.get("command"):
        case commands.DIAL_CALLEE:
            return DialCalleeAsked(raw.at, raw.network_call)
        case commands.LAST_MINUTE:
            return LastMinuteAsked(raw.at, raw.network_call)
        case commands.END:
            return EndAsked(raw.at, raw.network_call, raw.connected())
        case _:
            return raw.nothing()


def _nothing(raw: _RawEvent) -> CallEvent:
    return raw.nothing()


_READERS: dict[str, Callable[[_RawEvent], CallEvent]] = {
    "NEW_INBOUND_CALL": _new_inbound_call,
    "NEW_OUTBOUND_CALL": _new_outbound_call,
    "RINGING": _ringing,
    "CALL_ANSWERED": _call_answered,
    "ACTION_SUCCESSFUL": _action_successful,
    "ACTION_FAILED": _action_failed,
    "INVALID_LAMBDA_RESPONSE": _invalid_response,
    "HANGUP": _hangup,
    "CALL_UPDATE_REQUESTED": _update,
}


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _party(tagged: Mapping[str, Any]) -> Party | None:
    return _PARTIES.get(str(tagged.get("ParticipantTag", "")).upper())


def _id(leg: Mapping[str, Any]) -> str:
    return str(leg.get("CallId", ""))


def _number(value: object) -> PhoneNumber | None:
    """None: no E.164. No format of a withheld caller is documented, so whatever else is sent is one."""
    try:
        return PhoneNumber.parse(value if isinstance(value, str) else "")
    except InvalidNumber:
        return None


def _whole(value: object) -> int:
    """An integer, or a string of digits as the service sends it; 0 if absent or malformed."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0

"""What an SMA event says, in the call core's words. Unknown things become `Informational`, never an exception.

Known misprints of the service's documents are read too: tags in any case, `ErrorType` or one `Error` string.
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
from duologue.call_control.prompt_keys import prompt_at
from duologue.call_control.prompts import PromptAudio
from duologue.domain.outcome import Party
from duologue.wire.chime import commands

CALL_ID = "callId"
"""The name of our call id in ArgumentsMap and TransactionAttributes."""

_PARTIES = {"LEG-A": Party.CALLER, "LEG-B": Party.CALLEE}
_BAD_SOUND = "InvalidAudioSource"
"""Of a bridge: its ringback tone cannot be fetched, or is none; it has no other sound."""
_BEFORE_THE_DIAL = {
    _BAD_SOUND,
    "AccessDenied",
    "ActionExecutionThrottled",
    "InvalidActionParameter",
    "MissingRequiredActionParameter",
    "SystemException",
}
"""The documented errors of an action that was looked at and not begun. A SIP status beside one says otherwise."""
_FOR_NOW = {"ActionExecutionThrottled", "SystemException"}
"""Of these, the ones that say nothing against the action itself."""
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
    """One event as it came.

    `call_id`: our own id of the call, None if the network call is not ours or has not told it yet.
    `introduces`: it is the first event, whose attributes must be kept by the answer.
    """

    network_call: str
    event_key: str
    call_id: str | None
    event: CallEvent
    introduces: bool


def read_invocation(payload: Mapping[str, Any], now: datetime) -> Invocation:
    """Read one SMA event. `now` stands for the time of what happened: SMA events carry none but a leg's start."""
    details = _map(payload.get("CallDetails"))
    network_call = str(details.get("TransactionId", ""))
    legs = {party: leg for leg in _list(details.get("Participants")) if (party := _party(_map(leg)))}
    action = _map(payload.get("ActionData"))
    kind = str(payload.get("InvocationEventType", ""))
    arguments = _map(_map(action.get("Parameters")).get("Arguments"))
    attributes = _map(details.get("TransactionAttributes"))
    call_id = attributes.get(CALL_ID) or (arguments.get(CALL_ID) if kind == "NEW_OUTBOUND_CALL" else None)
    read = _READERS.get(kind, _nothing)
    return Invocation(
        network_call=network_call,
        event_key=f"{_whole(payload.get('Sequence')):06d}",
        call_id=str(call_id) if call_id else None,
        event=read(_Said(kind, now, network_call, legs, action, payload)),
        introduces=kind == "NEW_OUTBOUND_CALL",
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """One event taken apart: what the readers below work on."""

    kind: str
    at: datetime
    network_call: str
    legs: Mapping[Party, Mapping[str, Any]]
    action: Mapping[str, Any]
    payload: Mapping[str, Any]

    def leg_id(self, party: Party) -> str:
        return _id(self.legs.get(party, {}))

    def started(self, party: Party) -> datetime | None:
        """Epoch milliseconds, as a string; when the leg was created, not when it was answered."""
        milliseconds = _whole(self.legs.get(party, {}).get("StartTimeInMilliseconds"))
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None

    def connected(self) -> Mapping[Party, str]:
        return {party: _id(leg) for party, leg in self.legs.items() if leg.get("Status") == "Connected"}

    def prompt(self) -> PromptAudio | None:
        """The prompt of a PlayAudio action."""
        source = _map(_map(self.action.get("Parameters")).get("AudioSource"))
        return prompt_at(str(source.get("Key", "")))

    def nothing(self) -> Informational:
        return Informational(self.at, self.network_call, f"{self.kind} {self.action.get('Type', '')}".strip())


def _new_inbound_call(said: _Said) -> CallEvent:
    return InboundCall(said.at, said.network_call, said.leg_id(Party.CALLER))


def _new_outbound_call(said: _Said) -> CallEvent:
    started = said.started(Party.CALLER) or said.at
    return DialAccepted(said.at, said.network_call, said.leg_id(Party.CALLER), started)


def _ringing(said: _Said) -> CallEvent:
    # The service does not document RINGING for LEG-B; where it comes, the callee is among the participants.
    party = Party.CALLEE if Party.CALLEE in said.legs else Party.CALLER
    return LegRinging(said.at, said.network_call, party, said.leg_id(party), said.started(party))


def _call_answered(said: _Said) -> CallEvent:
    return LegAnswered(said.at, said.network_call, Party.CALLER, said.leg_id(Party.CALLER), said.started(Party.CALLER))


def _action_successful(said: _Said) -> CallEvent:
    match said.action.get("Type"):
        case "CallAndBridge":
            callee = said.leg_id(Party.CALLEE)
            return LegAnswered(said.at, said.network_call, Party.CALLEE, callee, said.started(Party.CALLEE))
        case "StartCallRecording":
            place = str(_map(said.action.get("CallRecordingDestination")).get("Location", ""))
            return RecordingStarted(said.at, said.network_call, place.partition("/")[2])
        case "PlayAudio":
            return PromptPlayed(said.at, said.network_call, said.prompt())
        case _:
            return said.nothing()


def _action_failed(said: _Said) -> CallEvent:
    kind = str(said.action.get("Type", ""))
    if said.legs.get(Party.CALLER, {}).get("Status") == "Disconnected":
        return said.nothing()  # cut by the end of the caller's leg, whose own HANGUP follows and says why
    if kind == "CallAndBridge":
        return _bridge_failed(said)
    why = str(said.action.get("ErrorType") or said.action.get("Error") or "no reason given")
    prompt = said.prompt() if kind == "PlayAudio" else None
    return ActionRefused(said.at, said.network_call, _OUR_NAMES.get(kind, kind), why, prompt)


def _bridge_failed(said: _Said) -> CallEvent:
    """CallNotAnswered is the one documented error of a callee that was dialled; a type unknown is read like it."""
    sip_status = _whole(said.action.get("SipResponseCode"))
    error = said.action.get("ErrorType")
    if sip_status or not isinstance(error, str) or error not in _BEFORE_THE_DIAL:
        return BridgeFailed(said.at, said.network_call, sip_status)
    unplayable = error == _BAD_SOUND and "RingbackTone" in _map(said.action.get("Parameters"))
    return BridgeFailed(said.at, said.network_call, 0, error, error in _FOR_NOW, unplayable)


def _invalid_response(said: _Said) -> CallEvent:
    why = str(said.payload.get("ErrorType") or said.action.get("ErrorType") or "no reason given")
    return ActionRefused(said.at, said.network_call, "the answer", why)


def _hangup(said: _Said) -> CallEvent:
    parameters = _map(said.action.get("Parameters"))
    party = _party(parameters)
    if party is None:
        return said.nothing()
    leg_id = str(parameters.get("CallId") or said.leg_id(party))
    sip_status = _whole(parameters.get("SipResponseCode"))
    left = {other: leg for other, leg in said.connected().items() if other is not party}
    return LegEnded(said.at, said.network_call, party, leg_id, sip_status, left)


def _update(said: _Said) -> CallEvent:
    arguments = _map(_map(said.action.get("Parameters")).get("Arguments"))
    match arguments.get("command"):
        case commands.DIAL_CALLEE:
            return DialCalleeAsked(said.at, said.network_call)
        case commands.LAST_MINUTE:
            return LastMinuteAsked(said.at, said.network_call)
        case commands.END:
            return EndAsked(said.at, said.network_call, said.connected())
        case _:
            return said.nothing()


def _nothing(said: _Said) -> CallEvent:
    return said.nothing()


_READERS: dict[str, Callable[[_Said], CallEvent]] = {
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


def _whole(value: object) -> int:
    """A number as the service writes it, an integer or a string of digits; 0 if it is absent or unreadable."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0

"""What an action may see and do of its call, and the checks that all actions share.

An action is validated when its turn comes, never before (a list may hold an invalid one that is replaced before it
runs). `start` either starts it or raises `ActionError`; later it calls `call.done()` or `call.failed()` exactly once,
unless it is aborted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pstn.events import CallIdentity
from pstn.legs import Leg, LegState, Tag
from pstn.messages import Answer, CancelTimer, Output, SetTimer
from pstn.switches import Switches

INVALID = "InvalidActionParameter"
BAD_ADDRESS = "CallId or ParticipantTag parameter for action is invalid."


class ActionError(Exception):
    """An action cannot run, or failed while running; becomes ACTION_FAILED.

    `single`: for this one the service sends one `Error` string ("type: message") instead of two fields.
    """

    def __init__(self, error_type: str, message: str, *, single: bool = False, extra: Mapping[str, Any] | None = None):
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message
        self.single = single
        self.extra = dict(extra or {})

    def fields(self) -> dict[str, Any]:
        if self.single:
            return {"Error": f"{self.error_type}: {self.message}"}
        return {**self.extra, "ErrorType": self.error_type, "ErrorMessage": self.message}


@dataclass(frozen=True)
class Action:
    """One entry of an action list. `about`: the leg that the answered event was about, which is the default target."""

    type: str
    parameters: dict[str, Any] = field(default_factory=dict)
    about: str | None = None


class CallContext(Protocol):
    """The call, as an action sees it."""

    @property
    def switches(self) -> Switches: ...
    @property
    def identity(self) -> CallIdentity: ...
    @property
    def legs(self) -> list[Leg]: ...
    @property
    def now(self) -> datetime: ...

    def emit(self, output: Output) -> None: ...
    def new_id(self) -> str: ...
    def owns(self, number: str) -> bool: ...
    def leg(self, tag: Tag) -> Leg | None: ...
    def open_leg_b(self, caller_id: str, to: str) -> Leg: ...
    def report_ringing(self, leg: Leg) -> None: ...
    def end_leg(self, leg: Leg, sip_code: int) -> None: ...
    def forget_leg(self, leg: Leg) -> None: ...
    def listen_for_digits(self, leg: Leg, listener: "RunningAction") -> None: ...
    def done(self, result: Mapping[str, Any] | None = None) -> None: ...
    def failed(self, error: ActionError) -> None: ...


class RunningAction:
    """One action while it runs. Subclasses are named as the service names the action."""

    interruptible = False
    """An update may abort it."""
    always_reports = False
    """Its success is sent even in the middle of a list."""
    requires_call_id = False
    speaks = False
    """Whether it requires a CallId is a switch."""

    def __init__(self, call: CallContext, action: Action) -> None:
        self.call = call
        self.action = action
        self.parameters = action.parameters
        self.id = call.new_id()
        self.subject: Leg | None = None
        self.playing: str | None = self.id
        """The playback that `playback_ended` is about."""

    # -- the life of an action
    def start(self) -> None:
        """Validate the parameters and start. Raises: ActionError."""
        raise ActionError("SystemException", "System error while running action.")

    def abort(self) -> None:
        """Stop what is running, without reporting anything."""

    def timer(self, what: str) -> None: ...
    def digit(self, leg: Leg, digit: str) -> bool:
        """Whether the digit was for this action."""
        return False

    def playback_ended(self, play_id: str, error: ActionError | None) -> None: ...
    def audio_probed(self, found: bool) -> None: ...
    def recording_opened(self, accessible: bool) -> None: ...
    def recording_stored(self, stored: bool) -> None: ...
    def fell_silent(self) -> None: ...
    def leg_ringing(self, leg: Leg) -> None: ...
    def leg_answered(self, leg: Leg) -> None: ...
    def leg_ended(self, leg: Leg, sip_code: int) -> None: ...
    def dial_refused(self, reason: str) -> None: ...

    def data(self) -> dict[str, Any]:
        """The action as its events repeat it."""
        return {"Type": self.action.type, "Parameters": dict(self.parameters)}

    def results(self) -> dict[str, Any]:
        """What its success adds to `data`, if that is known before it ends."""
        return {}

    # -- shared checks
    def set_timer(self, what: str, seconds: float) -> None:
        self.call.emit(SetTimer(f"action:{self.id}:{what}", seconds))

    def cancel_timer(self, what: str) -> None:
        self.call.emit(CancelTimer(f"action:{self.id}:{what}"))

    def target_leg(self, *, answer: bool = True) -> Leg:
        """The leg that the action is for: CallId wins over ParticipantTag, which wins over the event's leg.

        A ringing inbound leg is answered, unless `answer` is False.

        Raises:
            ActionError: there is no such leg, it has ended, or it is an outbound leg that is still ringing.
        """
        call_id, tag = self.parameters.get("CallId"), self.parameters.get("ParticipantTag")
        if not call_id and (self.requires_call_id or (self.speaks and self.call.switches.speech_needs_call_id)):
            raise ActionError("MissingRequiredActionParameter", "CallId is a required parameter.")
        wanted = call_id or (None if tag else self.action.about)
        for leg in self.call.legs:
            if (leg.call_id == wanted if wanted else leg.tag.value == tag) and not leg.ended:
                break
        else:
            raise ActionError(INVALID, BAD_ADDRESS)
        if leg.state is LegState.RINGING:
            if leg.direction == "Outbound":
                raise ActionError(INVALID, BAD_ADDRESS)
            if answer:
                leg.state = LegState.UP
                self.call.emit(Answer(leg.call_id))
        self.subject = leg
        return leg

    def peer_to_mute(self, leg: Leg) -> str | None:
        if not self.call.switches.prompt_mutes_peer:
            return None
        return next((other.call_id for other in self.call.legs if other is not leg and other.up), None)

    def number(self, name: str, default: int | None, least: int, most: int | None = None) -> int:
        """A whole number, given as a number or as a string of digits (the documentation shows both).

        Raises: ActionError.
        """
        value = self.parameters.get(name, default)
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value) if len(value) < 12 else None
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or value < least
            or (most is not None and value > most)
        ):
            label = name.removesuffix("InMilliseconds").removesuffix("InSeconds")
            raise ActionError(INVALID, f"{label} parameter value is invalid.")
        return value

    def audio(self, name: str, label: str) -> tuple[str, str]:
        """Bucket and key of an audio source. Raises: ActionError."""
        source = self.parameters.get(name)
        if not isinstance(source, dict) or source.get("Type") != "S3":
            raise ActionError("InvalidAudioSource", f"{label} parameter value is invalid.")
        bucket, key = source.get("BucketName"), source.get("Key")
        if not isinstance(bucket, str) or not isinstance(key, str) or not bucket or not key:
            raise ActionError("InvalidAudioSource", f"{label} parameter value is invalid.")
        return bucket, key

    def digit_set(self, name: str, default: str = "") -> frozenset[str]:
        """A list of keys (0-9, #, *). Raises: ActionError."""
        value = self.parameters.get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(key, str) and key in _KEYS for key in value):
            raise ActionError(INVALID, f"{name} parameter value is invalid.")
        return frozenset(value)


_KEYS = frozenset("0123456789#*")

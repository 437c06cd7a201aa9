"""What an action may see and do of its call, and the checks that all actions share.

An action is judged at its turn, never before (a list may hold a bad one that is replaced before it runs). `begin`
either starts it or raises `Fault`; later it calls `stage.done()` or `stage.failed()` exactly once, unless it is cut.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pstn.events import CallIdentity
from pstn.legs import Leg, LegState, Tag
from pstn.messages import Answer, CancelTimer, Output, SetTimer
from pstn.switches import Switches

INVALID = "InvalidActionParameter"
BAD_ADDRESS = "CallId or ParticipantTag parameter for action is invalid."


class Fault(Exception):
    """An action cannot run, or did not come off; becomes ACTION_FAILED.

    `single`: the service prints one `Error` string ("type: message") instead of two fields for this one.
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
    """One entry of a list. `about`: the leg that the answered event was about, the default address."""

    type: str
    parameters: dict[str, Any] = field(default_factory=dict)
    about: str | None = None


class Stage(Protocol):
    """The call, as an action sees it."""

    @property
    def switches(self) -> Switches: ...
    @property
    def identity(self) -> CallIdentity: ...
    @property
    def legs(self) -> list[Leg]: ...

    def put(self, output: Output) -> None: ...
    def new_id(self) -> str: ...
    def owns(self, number: str) -> bool: ...
    def leg(self, tag: Tag) -> Leg | None: ...
    def open_second_leg(self, shown: str, to: str) -> Leg: ...
    def rang(self, leg: Leg) -> None: ...
    def end_leg(self, leg: Leg, sip_code: int) -> None: ...
    def forget_leg(self, leg: Leg) -> None: ...
    def listen(self, leg: Leg, performance: "Performance") -> None: ...
    def done(self, result: Mapping[str, Any] | None = None) -> None: ...
    def failed(self, fault: Fault) -> None: ...


class Performance:
    """One action while it runs. Subclasses are named as the service names the action."""

    interruptible = False
    """An update may cut it."""
    always_reports = False
    """Its success is told even in the middle of a list."""
    requires_call_id = False

    def __init__(self, stage: Stage, action: Action) -> None:
        self.stage = stage
        self.action = action
        self.parameters = action.parameters
        self.id = stage.new_id()
        self.subject: Leg | None = None

    # -- the life of an action
    def begin(self) -> None:
        """Check and start. Raises: Fault."""
        raise Fault("SystemException", "System error while running action.")

    def cut(self) -> None:
        """Stop whatever runs; nothing is reported from here."""

    def timer(self, what: str) -> None: ...
    def digit(self, leg: Leg, digit: str) -> bool:
        """True: the digit was meant for this action."""
        return False

    def playback(self, play_id: str, fault: Fault | None) -> None: ...
    def audio_probed(self, found: bool) -> None: ...
    def recording_opened(self, accessible: bool) -> None: ...
    def leg_rang(self, leg: Leg) -> None: ...
    def leg_answered(self, leg: Leg) -> None: ...
    def leg_ended(self, leg: Leg, sip_code: int) -> None: ...
    def dial_refused(self, reason: str) -> None: ...

    def data(self) -> dict[str, Any]:
        """The action as its events echo it."""
        return {"Type": self.action.type, "Parameters": dict(self.parameters)}

    # -- shared checks
    def set_timer(self, what: str, seconds: float) -> None:
        self.stage.put(SetTimer(f"act:{self.id}:{what}", seconds))

    def cancel_timer(self, what: str) -> None:
        self.stage.put(CancelTimer(f"act:{self.id}:{what}"))

    def addressed_leg(self, *, answer: bool = True) -> Leg:
        """The leg the action is for; CallId wins over ParticipantTag, which wins over the event's leg.

        An unanswered inbound leg is answered, unless told not to. Raises: Fault when there is no such leg, it ended,
        or it is an outbound leg that still rings.
        """
        call_id, tag = self.parameters.get("CallId"), self.parameters.get("ParticipantTag")
        if self.requires_call_id and not call_id:
            raise Fault("MissingRequiredActionParameter", "CallId is a required parameter.")
        wanted = call_id or (None if tag else self.action.about)
        for leg in self.stage.legs:
            if (leg.call_id == wanted if wanted else leg.tag.value == tag) and not leg.ended:
                break
        else:
            raise Fault(INVALID, BAD_ADDRESS)
        if leg.state is LegState.RINGING:
            if leg.direction == "Outbound":
                raise Fault(INVALID, BAD_ADDRESS)
            if answer:
                leg.state = LegState.UP
                self.stage.put(Answer(leg.call_id))
        self.subject = leg
        return leg

    def muted_peer(self, leg: Leg) -> str | None:
        if not self.stage.switches.prompt_mutes_peer:
            return None
        return next((other.call_id for other in self.stage.legs if other is not leg and other.up), None)

    def number(self, name: str, default: int | None, least: int, most: int | None = None) -> int:
        """A whole number, given as a number or as a string of digits (the pages print both). Raises: Fault."""
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
            raise Fault(INVALID, f"{label} parameter value is invalid.")
        return value

    def audio(self, name: str, label: str) -> tuple[str, str]:
        """Bucket and key of an audio source. Raises: Fault."""
        source = self.parameters.get(name)
        if not isinstance(source, dict) or source.get("Type") != "S3":
            raise Fault("InvalidAudioSource", f"{label} parameter value is invalid.")
        bucket, key = source.get("BucketName"), source.get("Key")
        if not isinstance(bucket, str) or not isinstance(key, str) or not bucket or not key:
            raise Fault("InvalidAudioSource", f"{label} parameter value is invalid.")
        return bucket, key

    def digit_set(self, name: str, default: str = "") -> frozenset[str]:
        """A list of keys (0-9, #, *). Raises: Fault."""
        value = self.parameters.get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(key, str) and key in _KEYS for key in value):
            raise Fault(INVALID, f"{name} parameter value is invalid.")
        return frozenset(value)


_KEYS = frozenset("0123456789#*")

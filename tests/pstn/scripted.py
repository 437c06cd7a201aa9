"""An exchange on a jumping clock whose Lambda answers by a script, for the tests of this folder."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from pstn.clocks import JumpingClock
from pstn.exchange import Exchange
from pstn.lambdas import InvocationFault
from pstn.lines import AudioFile
from pstn.lines.virtual import Behaviour, Phone, answers
from pstn.switches import Switches

SHOWN_A, SHOWN_B = "+12025550100", "+12025550101"
A, B = "+12025550111", "+12025550122"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def action(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"Type": kind, "Parameters": parameters}


def play(key: str = "hello.wav", tag: str = "LEG-A", **more: Any) -> dict[str, Any]:
    source = {"Type": "S3", "BucketName": "prompts", "Key": key}
    return action("PlayAudio", ParticipantTag=tag, AudioSource=source, **more)


def bridge(to: str = B, seconds: int = 20, **more: Any) -> dict[str, Any]:
    endpoints = [{"BridgeEndpointType": "PSTN", "Uri": to}]
    parameters = {"CallerIdNumber": SHOWN_B, "CallTimeoutSeconds": seconds, "Endpoints": endpoints, **more}
    return action("CallAndBridge", **parameters)


def ask_two_digits(regex: str, repeat_ms: int = 8000, between_ms: int = 3000) -> dict[str, Any]:
    """Of the first leg, by a prompt."""
    source = {"Type": "S3", "BucketName": "prompts", "Key": "press.wav"}
    return action(
        "PlayAudioAndGetDigits",
        ParticipantTag="LEG-A",
        InputDigitsRegex=regex,
        AudioSource=source,
        FailureAudioSource=source,
        MaxNumberOfDigits=2,
        RepeatDurationInMilliseconds=repeat_ms,
        InBetweenDigitsDurationInMilliseconds=between_ms,
    )


def hang_up(tag: str = "LEG-A", **more: Any) -> dict[str, Any]:
    return action("Hangup", ParticipantTag=tag, **more)


def hang_up_the_rest(event: dict[str, Any]) -> list[dict[str, Any]]:
    """What a careful application answers to HANGUP: no leg outlives its peer."""
    legs = event["CallDetails"]["Participants"]
    return [action("Hangup", CallId=leg["CallId"]) for leg in legs if leg.get("Status") == "Connected"]


@dataclass(frozen=True)
class Whole:
    """A whole response, whatever it is; in a script a bare list is read as actions."""

    payload: Any


class ScriptedCall:
    """One application, phones A and B, and what its Lambda was told.

    `script` maps "CALL_ANSWERED", "ACTION_SUCCESSFUL:PlayAudio" or "HANGUP:LEG-B" to an answer: a list of actions, a
    whole response, or a function of the event. What the script does not name is answered with an empty list.
    """

    def __init__(self, exchange: Exchange, application: str, script: Mapping[str, Any], a: Behaviour, b: Behaviour):
        self.exchange = exchange
        self.application = application
        self.script = script
        self.events: list[dict[str, Any]] = []
        self.a = exchange.phones[A] = Phone(a)
        self.b = exchange.phones[B] = Phone(b)
        self.transaction = ""

    def invoked(self, event: dict[str, Any]) -> Any:
        self.events.append(event)
        answer = self.script.get(key_of(event), self.script.get(event["InvocationEventType"], []))
        if callable(answer):
            answer = answer(event)
        if isinstance(answer, Whole):
            return answer.payload
        return {"SchemaVersion": "1.0", "Actions": answer} if isinstance(answer, list) else answer

    def place(self, arguments: dict[str, str] | None = None) -> Self:
        self.transaction = self.exchange.create_call(
            self.application, from_number=SHOWN_A, to_number=A, arguments=arguments
        )
        return self

    def called_in(self, sip_headers: dict[str, str] | None = None) -> Self:
        """A dials its display number. Over SIP the call arrives later, so there `inbound` must last longer."""
        with inbound(self):
            self.transaction = self.exchange.call_in(A, SHOWN_A, sip_headers) or ""
        return self

    def after(self, seconds: float, run: Callable[[], object]) -> Self:
        self.exchange.later(seconds, lambda: _ignore(run()))
        return self

    def update(self, **arguments: str) -> None:
        self.exchange.update_call(self.application, self.transaction, arguments)

    @property
    def told(self) -> list[str]:
        """The events, named as the script names them."""
        return [key_of(event) for event in self.events]

    @property
    def heard_a(self) -> list[str]:
        return [what for _, what in self.a.heard]

    @property
    def heard_b(self) -> list[str]:
        return [what for _, what in self.b.heard]

    def data(self, key: str) -> dict[str, Any]:
        """ActionData of the first such event."""
        found: dict[str, Any] = next(event for event in self.events if key_of(event) == key)["ActionData"]
        return found


class Story(ScriptedCall):
    """On an exchange of its own, with phones without audio and a clock that jumps."""

    def __init__(
        self,
        script: Mapping[str, Any] | None = None,
        *,
        a: Behaviour | None = None,
        b: Behaviour | None = None,
        fault: Callable[[dict[str, Any], int], InvocationFault] = lambda event, attempt: InvocationFault(),
        audio: Callable[[str, str], AudioFile | None] = lambda bucket, key: AudioFile(2.0),
        no_room: Callable[[], str | None] = lambda: None,
        **switches: Any,
    ) -> None:
        self.clock = JumpingClock(START)
        invoke: Callable[[str, dict[str, Any]], Any] = lambda arn, event: self.invoked(event)  # noqa: E731
        exchange = Exchange(self.clock, invoke, Switches(**switches), audio=audio, fault=fault, no_room=no_room)
        exchange.own(SHOWN_A)
        exchange.own(SHOWN_B)
        application = exchange.create_sma("callbacks", "arn:aws:lambda:us-east-1:111122223333:function:x")
        super().__init__(exchange, application, script or {}, a or answers(after=3.0), b or answers(after=2.0))

    def run(self) -> Self:
        self.exchange.run()
        assert self.exchange.broken == []
        return self


def key_of(event: dict[str, Any]) -> str:
    kind = str(event["InvocationEventType"])
    data = event.get("ActionData", {})
    if kind == "HANGUP":
        return f"{kind}:{data['Parameters']['ParticipantTag']}"
    return f"{kind}:{data['Type']}" if kind.startswith("ACTION_") else kind


def _ignore(result: object) -> None:
    """A timer's callback gives nothing."""


@contextmanager
def inbound(story: Any) -> Iterator[dict[str, Any]]:
    """Meanwhile a rule, which it yields, leads calls to A's display number to this story's application."""
    target = {"SipMediaApplicationId": story.application, "Priority": 1, "AwsRegion": "us-east-1"}
    account = story.exchange.account
    rule = account.create_rule(
        {"Name": "in", "TriggerType": "ToPhoneNumber", "TriggerValue": SHOWN_A, "TargetApplications": [target]}
    )
    try:
        yield rule
    finally:
        account.update_rule(rule["SipRuleId"], {"Disabled": True})
        account.delete_rule(rule["SipRuleId"])

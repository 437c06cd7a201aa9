"""What holds for any input in any order: the engine alone, fed at random and by replies of any kind."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pstn import messages
from pstn.call import Call
from pstn.engine import CallEngine
from pstn.events import EVENT_TYPES, CallIdentity
from pstn.switches import Switches
from tests.pstn.scripted import SHOWN_A, SHOWN_B, START, A, action, bridge, hang_up, play

RECORDING = {"Type": "S3", "Location": "bucket/prefix"}
DIGITS = {
    "InputDigitsRegex": "1",
    "RepeatDurationInMilliseconds": 1000,
    "InBetweenDigitsDurationInMilliseconds": 500,
    "FlushDigitsDurationInMilliseconds": 900,
}
SOURCE = {"Type": "S3", "BucketName": "b", "Key": "k"}
TONE: dict[str, Any] = {"RingbackTone": SOURCE}

ACTIONS: list[dict[str, Any]] = [
    play(),
    play(tag="LEG-B", PlaybackTerminators=["#"]),
    play(Repeat="x"),
    bridge(),
    bridge(**TONE),
    bridge(seconds=0),
    hang_up("LEG-A"),
    hang_up("LEG-B"),
    action("Hangup"),
    action("Pause", DurationInMilliseconds=100),
    action("Speak", CallId="id-1", Text="Hello."),
    action("Speak", CallId="id-9", Text="Hello."),
    action("StartCallRecording", CallId="id-1", Track="BOTH", Destination=RECORDING),
    action("StopCallRecording", CallId="id-1"),
    action("PauseCallRecording", CallId="id-1"),
    action("ResumeCallRecording", CallId="id-1"),
    action("ReceiveDigits", **DIGITS),
    action("PlayAudioAndGetDigits", **DIGITS, AudioSource=SOURCE, FailureAudioSource=SOURCE),
    action("VoiceFocus"),
    action("VoiceFocus", CallId="id-1", Enable=True),
    action("SendDigits", CallId="id-1", Digits="1,2#"),
    action(
        "RecordAudio",
        SilenceDurationInSeconds=2,
        RecordingTerminators=["#"],
        RecordingDestination={"Type": "S3", "BucketName": "b"},
    ),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
JUNK: list[Any] = [
    None,
    {},
    "text",
    {"SchemaVersion": "1.0", "Actions": {}},
    {"SchemaVersion": "1.0", "Actions": [{}]},
    {"SchemaVersion": "1.0", "TransactionAttributes": []},
]
SWITCHES = st.builds(
    Switches,
    ringing_leg_b=st.booleans(),
    bridge_failure_detail=st.booleans(),
    hangup_success=st.sampled_from(["bridged_leg_b", "none", "before", "after"]),
    ended_legs_stay=st.booleans(),
    cut_actions=st.sampled_from(["unreported", "fail", "succeed"]),
    update_survives_failure=st.booleans(),
    hangup_after_drop=st.booleans(),
    duplicates=st.sampled_from(["none", "at_once", "after_answer", "after_later_event"]),
    hangup_order=st.sampled_from(["as_ended", "reversed"]),
    reordering=st.sampled_from(["none", "neighbours"]),
    lost_events=st.sampled_from([frozenset(), frozenset({"RINGING"}), frozenset({"HANGUP:LEG-A"})]),
    dial_waits_for_first_answer=st.booleans(),
    hangup_of_ringing_leg_a=st.sampled_from(["fails", "ignored"]),
    invalid_twice_drops=st.booleans(),
    prompt_mutes_peer=st.booleans(),
    invocations=st.sampled_from([5, 1000]),
)
KINDS = "rang answered ended digit replied failed timer update played probed refused service-ends".split()
WEIGHTS = [3, 4, 1, 5, 14, 1, 8, 3, 6, 5, 1, 1]
"""A leg that ends or a Lambda that fails ends the story soon, so they are rare."""


def random_steps(seed: int, length: int) -> list[tuple[str, int, Any]]:
    """(kind of input, a number to pick a leg or a sequence by, the reply if it is one); shrinks by its length."""
    chance = Random(seed)

    def reply() -> Any:
        if chance.random() < 0.05:
            return chance.choice(JUNK)
        actions = chance.choices(ACTIONS, k=chance.choice([0, 0, 1, 2, 3]))
        attributes = chance.choice([None, None, {}, {"key": "value"}])
        return {"SchemaVersion": "1.0", "Actions": actions, "TransactionAttributes": attributes}

    return [(kind, chance.randrange(60), reply()) for kind in chance.choices(KINDS, WEIGHTS, k=length)]


STEPS = st.builds(random_steps, seed=st.integers(0, 2**32 - 1), length=st.integers(10, 100))
PROLOGUES = st.sampled_from(["placed", "answered", "bridging", "bridged"])
"""How far a call has come in good order before anything may happen."""


@dataclass
class Watch:
    """Keeps what the engine said, and turns a random number into an input that may or may not fit."""

    engine: CallEngine
    now: datetime = START
    outputs: list[messages.Output] = field(default_factory=list)
    invoked: list[messages.Invoke] = field(default_factory=list)
    timers: set[str] = field(default_factory=set)
    legs: list[str] = field(default_factory=list)
    plays: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)

    def feed(self, message: messages.Input) -> None:
        self.now += timedelta(milliseconds=100)
        if isinstance(message, messages.LegEnded):
            self.ended.add(message.call_id)
        for output in self.engine.handle(self.now, message):
            self._see(output)
        self._check()

    def answer_all(self, *actions: dict[str, Any]) -> None:
        """Answer everything not yet answered; the last gets these actions."""
        last = self.invoked[-1].sequence if self.invoked else 0
        for sequence in sorted({invoke.sequence for invoke in self.invoked}):
            self.answered.add(sequence)
            listed = list(actions) if sequence == last else []
            self.feed(messages.LambdaReplied(sequence, {"SchemaVersion": "1.0", "Actions": listed}))

    def prologue(self, depth: str) -> None:
        if depth == "placed":
            return
        self.answer_all()
        self.feed(messages.LegAnswered(self.legs[0] if self.legs else "nobody"))
        if depth == "answered":
            return
        self.answer_all(bridge(), play())
        if depth == "bridged":
            self.feed(messages.LegAnswered(self.legs[-1] if self.legs else "nobody"))

    def _see(self, output: messages.Output) -> None:
        self.outputs.append(output)
        match output:
            case messages.Invoke():
                self.invoked.append(output)
            case messages.SetTimer(name):
                self.timers.add(name)
            case messages.CancelTimer(name):
                self.timers.discard(name)
            case messages.Dial(call_id):
                self.legs.append(call_id)
            case messages.HangUp(call_id):
                self.ended.add(call_id)
            case messages.Play(play_id, call_id) | messages.Say(play_id, call_id):
                self.plays.append(play_id)
                assert call_id not in self.ended, "nothing is played to a leg that is over"
            case messages.OpenRecording(_, call_id) | messages.RecordVoice(_, call_id):
                assert call_id not in self.ended
            case messages.Join(call_id, other):
                assert not {call_id, other} & self.ended

    def _check(self) -> None:
        call = self.engine.call
        assert sum(leg.tag.value == "LEG-B" for leg in call.legs) <= 1
        if call.legs and all(leg.ended for leg in call.legs):
            assert call.over, "a call without legs is over"
        if call.over:
            assert all(leg.ended for leg in call.legs), "no leg outlives its call"
            assert call.actions.current is None
            assert not call.actions.queue

    def step(self, kind: str, pick: int, reply: Any) -> None:
        leg = self.legs[-1 - pick % min(2, len(self.legs))] if self.legs else "nobody"
        waiting = [invoke.sequence for invoke in self.invoked if invoke.sequence not in self.answered] or [pick]
        sequence = waiting[pick % len(waiting)] if pick % 5 else pick
        play_id = self.plays[-1] if self.plays else "nothing"
        timers = sorted(name for name in self.timers if pick % 9 == 0 or not name.startswith("drop"))
        current = self.engine.call.actions.current
        key = current.id if current else "nothing"
        match kind:
            case "rang":
                self.feed(messages.LegRinging(leg))
            case "answered":
                self.feed(messages.LegAnswered(leg))
            case "ended":
                self.feed(messages.LegEnded(leg, (0, 486, 603)[pick % 3]))
            case "digit":
                self.feed(messages.DigitPressed(leg, "1234567890*#"[pick % 12]))
            case "replied":
                self.answered.add(sequence)
                self.feed(messages.LambdaReplied(sequence, reply))
            case "failed":
                self.feed(messages.LambdaFailed(sequence, "boom"))
            case "timer" if timers:
                name = timers[pick % len(timers)]
                self.timers.discard(name)
                self.feed(messages.TimerFired(name))
            case "update":
                self.feed(messages.UpdateRequested({"command": "x"}))
            case "service-ends":
                self.feed(messages.ServiceEnds("boom"))
                assert not self.legs or self.engine.call.over
            case "played":
                self.feed(messages.PlaybackFinished(play_id) if pick % 6 else messages.PlaybackFailed(play_id))
            case "probed":
                self.feed(messages.AudioProbed(key, bool(pick % 6)))
                self.feed(messages.RecordingOpened(key, bool(pick % 6)))
                self.feed(messages.FellSilent(key) if pick % 4 else messages.RecordingStored(key, bool(pick % 8)))
            case "refused":
                self.feed(messages.DialRefused(leg, "full"))


def a_call(switches: Switches, depth: str = "placed", *, inbound: bool = False) -> Watch:
    ids = iter(f"id-{number}" for number in range(1, 100_000))
    identity = CallIdentity("transaction", "111122223333", "us-east-1", "application", "rule" if inbound else None)
    engine = CallEngine(Call(identity, switches, lambda: next(ids), {SHOWN_A, SHOWN_B}.__contains__, SHOWN_A, A))
    watch = Watch(engine)
    watch.feed(messages.InboundCall() if inbound else messages.CallCreated({"callbackId": "cb-1"}))
    if inbound:
        watch.legs.append(engine.call.legs[0].call_id)
    else:
        watch.prologue(depth)
    return watch


@settings(max_examples=250, deadline=None)
@given(switches=SWITCHES, depth=PROLOGUES, inbound=st.booleans(), steps=STEPS)
def test_anything_may_come(switches: Switches, depth: str, inbound: bool, steps: list[tuple[str, int, Any]]):
    """Nothing is raised; sequences rise; nothing runs on an ended leg; a call without legs is over."""
    watch = a_call(switches, depth, inbound=inbound)
    for kind, pick, reply in steps:
        watch.step(kind, pick, reply)
    first = [invoke.sequence for invoke in watch.invoked if invoke.attempt == 1]
    if switches.reordering == "none" and switches.hangup_order == "as_ended":
        assert first == sorted(first)
    assert len(first) == len(set(first))
    assert len(watch.invoked) <= switches.invocations
    assert {invoke.event["InvocationEventType"] for invoke in watch.invoked} <= set(EVENT_TYPES)
    assert sum(isinstance(output, messages.CallOver) for output in watch.outputs) <= 1


@settings(max_examples=150, deadline=None)
@given(switches=SWITCHES, depth=PROLOGUES, steps=STEPS)
def test_every_call_ends_when_its_people_leave(switches: Switches, depth: str, steps: list[tuple[str, int, Any]]):
    """Whatever went before, once each leg has left the call is over and asks for no more than the last answers."""
    watch = a_call(switches, depth)
    for kind, pick, reply in steps:
        watch.step(kind, pick, reply)
    for leg in list(watch.engine.call.legs):
        watch.feed(messages.LegEnded(leg.call_id))
    for leg in list(watch.engine.call.legs):
        watch.feed(messages.LegEnded(leg.call_id))
    assert watch.engine.call.over
    sent = len(watch.invoked)
    watch.feed(messages.UpdateRequested({}))
    watch.feed(messages.LegAnswered("id-1"))
    assert len(watch.invoked) == sent
    assert watch.timers <= {name for name in watch.timers if name.split(":")[0] in ("repeat", "drop", "release")}


@settings(max_examples=100, deadline=None)
@given(switches=SWITCHES, depth=PROLOGUES, steps=STEPS)
def test_the_same_inputs_give_the_same_outputs(switches: Switches, depth: str, steps: list[tuple[str, int, Any]]):
    one, two = a_call(switches, depth), a_call(switches, depth)
    for kind, pick, reply in steps:
        one.step(kind, pick, reply)
        two.step(kind, pick, reply)
    assert one.outputs == two.outputs


@settings(max_examples=150, deadline=None)
@given(payload=JSON | st.fixed_dictionaries({"SchemaVersion": st.just("1.0"), "Actions": JSON}))
def test_any_answer_is_used_or_told_to_be_unusable(payload: Any):
    watch = a_call(Switches(), "answered")
    before = len(watch.invoked)
    watch.feed(messages.LambdaReplied(watch.invoked[-1].sequence, payload))
    told = [invoke.event["InvocationEventType"] for invoke in watch.invoked[before:]]
    usable = isinstance(payload, dict) and payload.get("SchemaVersion") == "1.0" and not payload.get("Actions")
    assert told == ([] if usable and payload.get("Actions") in (None, []) else ["INVALID_LAMBDA_RESPONSE"])


NAMES = (
    "CallId ParticipantTag Repeat Text Endpoints CallerIdNumber CallTimeoutSeconds SipHeaders RingbackTone AudioSource "
    "FailureAudioSource PlaybackTerminators TerminatorDigits InputDigitsRegex MinNumberOfDigits MaxNumberOfDigits "
    "RepeatDurationInMilliseconds InBetweenDigitsDurationInMilliseconds FlushDigitsDurationInMilliseconds Track "
    "Destination DurationInMilliseconds SipResponseCode SpeechParameters FailureSpeechParameters Engine Enable Digits "
    "ToneDurationInMilliseconds DurationInSeconds SilenceDurationInSeconds SilenceThreshold RecordingTerminators "
    "RecordingDestination"
).split()


@settings(max_examples=250, deadline=None)
@given(entry=st.sampled_from(ACTIONS), changes=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_any_parameters_run_or_fail(entry: dict[str, Any], changes: dict[str, Any]):
    """A bad parameter is the action's failure, never the engine's."""
    watch = a_call(Switches(), "answered")
    changed = {"Type": entry["Type"], "Parameters": {**entry["Parameters"], **changes}}
    reply = {"SchemaVersion": "1.0", "Actions": [changed]}
    watch.feed(messages.LambdaReplied(watch.invoked[-1].sequence, reply))
    last = watch.invoked[-1].event["InvocationEventType"]
    running = watch.engine.call.actions.current is not None
    assert running or last in ("ACTION_FAILED", "ACTION_SUCCESSFUL", "HANGUP")

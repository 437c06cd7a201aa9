"""Network events: twice, in races, with the store out of reach, of calls that are not ours."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from duologue.adapters.basics import jittered_pause
from duologue.adapters.basics.jittered_pause import longest_s
from duologue.call_control.actions import DialAndBridge, HangUp
from duologue.call_control.events import CallEvent, EndAsked, InboundCall, Informational
from duologue.call_control.facts import LegAnsweredRecorded, LegDialledRecorded
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import OutsideUnavailable, StoreBusy
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from tests.call_control.stories import (
    BRIDGE_TIMED_OUT,
    CALLEE_ANSWERED,
    CALLEE_LEFT,
    CALLEE_WANTED,
    CALLER_ANSWERED,
    CALLER_DIALLED,
    CALLER_LEFT,
    PROMPT_HEARD,
    TALKING,
)
from tests.fakes.answering import answering
from tests.fakes.calls import FakeCalls
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, at, callback


@dataclass(frozen=True)
class Said:
    event: CallEvent
    event_key: str = "1"
    call_id: str | None = callback().id
    introduces: bool = False
    application: str = "application-1"
    called_in_at: datetime | None = None

    @property
    def network_call(self) -> str:
        return self.event.network_call


class Told:
    """A carrier that is told its actions, once the event is committed. An answer is a name of its actions."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.sends_again = False
        self.carried_out: list[tuple[str, list[Any]]] = []
        """Event keys and actions."""
        self.failures = 0
        """How often in a row it cannot be told."""

    def read(self, payload, now):
        raise AssertionError("events come in our words here")

    def write(self, actions, introduces):
        name = f"{[str(action) for action in actions]} {introduces}"
        self.answers[name] = {"actions": list(actions), "keep": introduces}
        return name

    def carry_out(self, said, answer):
        assert said.network_call in (NETWORK_CALL, "their call")
        if self.failures:
            self.failures -= 1
            raise OutsideUnavailable("the carrier")
        self.carried_out.append((said.event_key, self.answers[answer]["actions"]))


class Platform:
    def __init__(self) -> None:
        self.calls, self.flows, self.network = FakeCalls(), FakeFlows(), Told()
        self.calls.accept(callback(), slots=10, close_by=at(120))
        self.pauses: list[int] = []
        self.stopper = FakeNetwork(NETWORK_CALL)
        inbound = answering(self.calls, self.network)
        self.further_tries: list[Callable[[], None]] = []
        """How many there is time for, and what happens before each."""
        self.process = ProcessNetworkEvent(
            self.calls, self.flows, self.network, self.stopper, self.pauses.append, inbound, lambda: self._may_try_again
        )
        self._sequence = 0

    def hear(self, event: CallEvent, sequence: int | None = None, **more: Any) -> dict[str, Any]:
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        return self.network.answers[self.process(Said(event, str(sequence), **more))]

    def _may_try_again(self) -> bool:
        if not self.further_tries:
            return False
        self.further_tries.pop(0)()
        return True

    def play(self, *events: CallEvent) -> "Platform":
        for event in events:
            self.hear(event)
        return self

    def waits(self, token: str, waits_for: Wait = Wait.CALLER_ANSWER) -> "Platform":
        self.calls.store_token(callback().id, TaskToken(token, waits_for, len(self.calls.tokens)))
        return self

    def facts(self, kind: type) -> list[object]:
        return [fact for fact in self.calls.facts_of(callback().id) if isinstance(fact, kind)]

    @property
    def call(self):
        return self.calls.load(callback().id).call


@pytest.fixture
def platform():
    return Platform()


def test_the_first_event_is_told_to_keep_our_id(platform):
    assert platform.hear(CALLER_DIALLED, introduces=True) == {"actions": [], "keep": callback().id}


def test_a_repeat_gets_the_stored_answer_and_changes_nothing(platform):
    platform.play(CALLER_DIALLED, CALLER_ANSWERED)
    first = platform.hear(CALLEE_WANTED, sequence=4)
    assert isinstance(first["actions"][0], DialAndBridge)
    platform.hear(CALLEE_ANSWERED, sequence=5)
    after = platform.call
    assert platform.hear(CALLEE_WANTED, sequence=4) == first, "even when the call has gone on"
    assert platform.call == after
    assert len(platform.facts(LegDialledRecorded)) == 2


def test_a_repeat_resumes_again(platform):
    """The process may have died between the commit and resuming the flow (R2)."""
    platform.waits("token-1").play(CALLER_DIALLED)
    platform.flows.failures = 1
    platform.hear(CALLER_ANSWERED, sequence=3)
    assert platform.flows.resumed == []
    assert platform.calls.committed[-1].resumes is Wait.CALLER_ANSWER, "the stream has it"
    platform.hear(CALLER_ANSWERED, sequence=3)
    assert platform.flows.resumed == ["token-1"]


def test_an_event_that_changes_nothing_is_answered_without_a_write(platform):
    platform.play(CALLER_DIALLED, CALLER_ANSWERED, CALLEE_WANTED, BRIDGE_TIMED_OUT)
    version = platform.calls.load(callback().id).version
    assert platform.hear(PROMPT_HEARD)["actions"] == [HangUp(Party.CALLER, LEG_A)]
    assert platform.calls.load(callback().id).version == version


def test_a_lost_race_is_loaded_and_decided_again(platform):
    platform.play(CALLER_DIALLED)
    races = iter([lambda: platform.calls.change(callback().id, dial_refusal=None), lambda: None])
    platform.calls.before_save = lambda: next(races)()
    platform.hear(CALLER_ANSWERED)
    assert len(platform.facts(LegAnsweredRecorded)) == 1
    assert platform.pauses == [], "the other write is done"


def test_a_wait_that_begins_between_read_and_write_is_resumed(platform):
    """Its state stored the token and then read the call without the answer: only who commits can resume it (R1)."""
    platform.play(CALLER_DIALLED)
    platform.calls.before_save = lambda: platform.waits("token-1")
    platform.hear(CALLER_ANSWERED)
    assert platform.flows.resumed == ["token-1"]
    assert platform.pauses == [], "and loses nobody a race"


def test_an_older_attempts_token_that_was_read_does_not_hide_the_newer_one(platform):
    platform.waits("token-1").play(CALLER_DIALLED)
    platform.flows.spent.add("token-1")
    platform.calls.before_save = lambda: platform.calls.store_token(
        callback().id, TaskToken("token-2", Wait.CALLER_ANSWER, 1000)
    )
    platform.hear(CALLER_ANSWERED)
    assert platform.flows.resumed == ["token-2"]


@pytest.mark.parametrize("waits_for", list(Wait))
def test_the_end_resumes_every_wait(platform, waits_for):
    platform.waits("token-1", waits_for).play(CALLER_DIALLED, replace(CALLER_LEFT, sip_status=486))
    assert platform.flows.resumed == ["token-1"]


def test_what_is_for_our_information_only_needs_no_store(platform):
    platform.calls.out_of_reach = True
    assert platform.hear(Informational(at(5), NETWORK_CALL, "ACTION_INTERRUPTED"))["actions"] == []


def test_a_carrier_that_is_told_its_actions_is_told_after_the_commit_and_again_at_a_repeat(platform):
    platform.play(CALLER_DIALLED, CALLER_ANSWERED)
    versions, carry_out = [], platform.network.carry_out

    def look(said, answer):
        versions.append(platform.calls.load(callback().id).version)
        carry_out(said, answer)

    platform.network.carry_out = look
    platform.hear(CALLEE_WANTED, sequence=3)
    platform.hear(CALLEE_ANSWERED, sequence=4)
    platform.hear(CALLEE_WANTED, sequence=3)
    assert versions == [4, 5, 5], "accepted, dialled, answered, callee dialled; callee answered"
    first, _, repeat = platform.network.carried_out[-3:]
    assert first == repeat
    assert isinstance(first[1][0], DialAndBridge)


def test_a_carrier_that_could_not_be_told_is_told_when_its_event_comes_again(platform):
    platform.play(CALLER_DIALLED)
    platform.network.failures = 1
    with pytest.raises(OutsideUnavailable):
        platform.hear(CALLER_ANSWERED, sequence=3)
    assert [key for key, _ in platform.network.carried_out] == ["1"], "and nothing else in its place"
    platform.hear(CALLER_ANSWERED, sequence=3)
    assert platform.network.carried_out[-1][0] == "3"


@pytest.mark.parametrize("call_id", [None, "9_9_9_20261123090000"])
def test_a_carrier_is_told_to_let_a_call_go_that_is_not_ours(platform, call_id):
    platform.hear(CALLER_ANSWERED, call_id=call_id)
    assert platform.network.carried_out == [("1", [HangUp(Party.CALLER, LEG_A)])]


def test_a_carrier_that_sends_again_is_told_what_is_safe_and_its_event_fails(platform):
    """It cuts off nobody meanwhile, and the repeat is recorded when the store is back."""
    platform.play(*TALKING)
    platform.network.sends_again = True
    platform.calls.out_of_reach = True
    left = replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A})
    with pytest.raises(OutsideUnavailable):
        platform.hear(left, sequence=9)
    assert platform.network.carried_out[-1] == ("9", [HangUp(Party.CALLER, LEG_A)])
    platform.calls.out_of_reach = False
    platform.hear(left, sequence=9)
    assert platform.call.ending is EndReason.HUNG_UP


def test_a_stop_between_read_and_write_is_seen(platform):
    platform.play(CALLER_DIALLED, CALLER_ANSWERED)
    races = iter([lambda: platform.calls.change(callback().id, ending=EndReason.STOPPED)])
    platform.calls.before_save = lambda: next(races, lambda: None)()
    assert platform.hear(CALLEE_WANTED)["actions"] == [HangUp(Party.CALLER, LEG_A)], "no dial starts after it"


def test_the_same_event_in_two_processes_at_once(platform):
    platform.play(CALLER_DIALLED)
    said = Said(CALLER_ANSWERED, "3")
    first: list[str] = []

    def the_other_process() -> None:
        platform.calls.before_save = lambda: None
        first.append(platform.process(said))

    platform.calls.before_save = the_other_process
    assert [platform.process(said)] == first


def test_the_same_event_in_another_process_between_the_reads_of_the_event_and_of_the_call(platform):
    """DynamoDB reads several items in one request, but not at one time."""
    platform.play(CALLER_DIALLED, CALLER_ANSWERED)
    said, load_for = Said(CALLEE_WANTED, "3"), platform.calls.load_for
    first: list[str] = []

    def torn(*which):
        platform.calls.load_for = load_for
        before = load_for(*which)[1]
        first.append(platform.process(said))
        return load_for(*which)[0], before

    platform.calls.load_for = torn
    assert [platform.process(said)] == first
    assert isinstance(platform.network.answers[first[0]]["actions"][0], DialAndBridge)


@pytest.fixture
def in_a_notice(platform):
    """The recording notices are being played."""
    platform.calls.change(callback().id, wants_recording=True)
    return platform.play(*TALKING)


def test_a_prompt_to_the_peer_of_who_hung_up_is_stopped_after_the_commit_and_again_at_a_repeat(in_a_notice):
    endings, end = [], in_a_notice.stopper.end

    def look(call):
        endings.append(in_a_notice.call.ending)
        return end(call)

    in_a_notice.stopper.end = look
    left = replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A})
    first = in_a_notice.hear(left, sequence=9)
    assert first["actions"] == [HangUp(Party.CALLER, LEG_A)], "in case that the request is lost"
    assert in_a_notice.hear(left, sequence=9) == first
    assert endings == [EndReason.HUNG_UP] * 2
    assert in_a_notice.stopper.asked == [NETWORK_CALL] * 2


def test_a_prompt_that_cannot_be_stopped_changes_nothing_else(in_a_notice):
    in_a_notice.stopper.busy = True
    left = replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A})
    assert in_a_notice.hear(left)["actions"] == [HangUp(Party.CALLER, LEG_A)]
    in_a_notice.hear(replace(CALLER_LEFT, at=at(61)))
    assert list(in_a_notice.calls.cdrs) == [callback().id]


def test_the_last_hang_up_finalizes_the_call(platform):
    platform.play(*TALKING, CALLEE_LEFT).waits("token-9", Wait.END).play(replace(CALLER_LEFT, at=at(61)))
    assert platform.stopper.asked == [], "no prompt was playing"
    assert list(platform.calls.cdrs) == [callback().id]
    assert platform.calls.slots["app-1"] == set()
    assert platform.flows.resumed == ["token-9"]


@pytest.mark.parametrize("call_id", [None, "9_9_9_20261123090000"])
def test_a_call_that_is_not_ours_is_let_go(platform, call_id):
    assert platform.hear(CALLER_ANSWERED, call_id=call_id)["actions"] == [HangUp(Party.CALLER, LEG_A)]
    assert platform.hear(CALLER_DIALLED, call_id=call_id)["actions"] == []
    called_in = InboundCall(at(0), "their call", "leg-x")
    assert platform.hear(called_in, call_id=call_id)["actions"] == [HangUp(Party.CALLER, "leg-x", 480)]


def test_without_the_store_a_leg_whose_peer_left_is_still_hung_up(platform):
    platform.play(*TALKING)
    platform.network.carried_out.clear()
    platform.calls.out_of_reach = True
    callee_left = replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A})
    caller_left = replace(CALLER_LEFT, connected={Party.CALLEE: LEG_B})
    assert platform.hear(callee_left)["actions"] == [HangUp(Party.CALLER, LEG_A)]
    assert platform.hear(caller_left)["actions"] == [HangUp(Party.CALLEE, LEG_B)]
    assert platform.hear(CALLEE_ANSWERED)["actions"] == []
    told = [actions for _, actions in platform.network.carried_out]
    assert told == [[HangUp(Party.CALLER, LEG_A)], [HangUp(Party.CALLEE, LEG_B)], []]


def test_without_the_store_an_end_that_is_asked_is_carried_out(platform):
    """Whoever asks for it has recorded its reason before."""
    platform.play(*TALKING)
    platform.calls.out_of_reach = True
    both = EndAsked(at(50), NETWORK_CALL, {Party.CALLER: LEG_A, Party.CALLEE: LEG_B})
    assert platform.hear(both)["actions"] == [HangUp(Party.CALLER, LEG_A), HangUp(Party.CALLEE, LEG_B)]


@pytest.mark.parametrize("held", ["out of reach", "held by others"])
def test_a_last_hang_up_that_cannot_be_recorded_is_not_answered(platform, held):
    """An answer would give the network's repeat away, and the call would count as a talk that goes on."""
    platform.play(*TALKING, replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A}))
    platform.calls.out_of_reach = held == "out of reach"
    platform.calls.before_save = lambda: platform.calls.change(callback().id, dial_refusal=None)  # every race is lost
    last = replace(CALLER_LEFT, at=at(61))
    with pytest.raises(OutsideUnavailable):
        platform.hear(last, sequence=9)
    platform.calls.out_of_reach, platform.calls.before_save = False, lambda: None
    platform.hear(last, sequence=9)
    assert platform.calls.cdrs[callback().id].ended_at == at(61)


@pytest.mark.parametrize(
    ("event", "insists"),
    [
        (replace(CALLER_LEFT, at=at(61)), True),
        (replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A}), False),
        (EndAsked(at(50), NETWORK_CALL, {Party.CALLER: LEG_A}), False),
        (InboundCall(at(0), "their call", "leg-x"), False),
    ],
    ids=["the last hang-up", "the peer is to be hung up", "an end that is asked", "an inbound call"],
)
def test_only_the_last_hang_up_is_tried_again_while_the_store_is_away(platform, event, insists):
    """The network repeats an event once. Nobody waits for this answer; whoever is connected waits for the others."""
    platform.play(*TALKING, replace(CALLEE_LEFT, connected={Party.CALLER: LEG_A}))
    platform.calls.out_of_reach = True
    platform.further_tries = [lambda: None, lambda: setattr(platform.calls, "out_of_reach", False), lambda: None]
    with nullcontext() if not isinstance(event, InboundCall) else pytest.raises(OutsideUnavailable):
        platform.hear(event, sequence=9)
    assert len(platform.further_tries) == (1 if insists else 3)
    assert (callback().id in platform.calls.cdrs) == insists


@pytest.mark.parametrize("takes", [0.0, 3.0])
def test_a_further_try_begins_in_time_with_growing_pauses(monkeypatch, takes):
    clock, pauses = [100.0], []

    def sleep(seconds):
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(jittered_pause, "monotonic", lambda: clock[0])
    monkeypatch.setattr(jittered_pause, "sleep", sleep)
    monkeypatch.setattr(jittered_pause, "_chance", lambda: 1.0)
    may_try_again, begins = jittered_pause.tries_within(7.0)(), []
    clock[0] += takes
    while may_try_again():
        begins.append(clock[0])
        clock[0] += takes
    assert 105.0 < begins[-1] <= 107.0
    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) <= 1.0


def test_an_inbound_call_that_cannot_be_recorded_is_not_answered(platform):
    """The network asks once more, then rejects it. An empty answer would let it ring."""
    platform.calls.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        platform.hear(InboundCall(at(0), NETWORK_CALL, "leg-x"))
    assert platform.network.carried_out == []


def test_a_busy_store_is_asked_again_after_a_pause_that_grows_and_fits_the_networks_patience(platform):
    platform.play(*TALKING, CALLEE_LEFT)
    races = iter(range(15))

    def be_busy():
        if next(races, None) is not None:
            raise StoreBusy("another transaction holds the call")

    platform.calls.before_save = be_busy
    platform.hear(replace(CALLER_LEFT, at=at(61)))
    assert list(platform.calls.cdrs) == [callback().id]
    assert platform.pauses == list(range(15))
    assert sum(map(longest_s, platform.pauses)) < 4, "the network asks again after 5 s"


@pytest.mark.parametrize("done", [True, False], ids=["it was done", "it was not done"])
def test_a_save_that_did_not_answer_does_not_lose_its_actions(platform, done):
    """A time-out says nothing: the stored answer is found, or the event is decided again."""
    platform.play(CALLER_DIALLED, CALLER_ANSWERED)
    save, lost = platform.calls.save, iter([True])

    def save_and_be_cut_off(change):
        cut_off = next(lost, False)
        if done or not cut_off:
            save(change)
        if cut_off:
            raise OutsideUnavailable("calls table: ReadTimeoutError")

    platform.calls.save = save_and_be_cut_off
    [action] = platform.hear(CALLEE_WANTED)["actions"]
    assert isinstance(action, DialAndBridge)
    assert len(platform.facts(LegDialledRecorded)) == 2, "each leg once"


def test_without_the_store_the_network_is_still_told_to_keep_our_id(platform):
    platform.calls.out_of_reach = True
    assert platform.hear(CALLER_DIALLED, introduces=True)["keep"] == callback().id

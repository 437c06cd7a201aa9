"""One call as the operator sees it: what is stored, and what its flow, its recording and its memory add."""

from dataclasses import replace

import pytest

from duologue.call_control.trace import FlowStep
from duologue.domain.access.accounts import App, Sp
from duologue.domain.errors import OutsideUnavailable, UnknownCall
from duologue.domain.media.recording import Recording, published_key
from duologue.domain.memory.call_memory import MemoryTerms, RememberedParty
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.operating.show_call import Part, RecordingFile, ShowCall
from duologue.usecases.ports.call_changes import Change, ProcessedEvent
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.fakes.accounts import FakeAccounts
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.recordings import FakeRecordings
from tests.fakes.traces import FakeFlowHistories
from tests.samples import CALLEE, CALLER, NETWORK_CALL, NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER, at, callback

CALL = callback().id
RECORDED = Recording("calls/app-1/x/audio.wav", at(10))


class World:
    def __init__(self) -> None:
        self.calls, self.accounts, self.seal = FakeCalls(), FakeAccounts(), FakeMemorySeal()
        self.flows, self.recordings = FakeFlowHistories(), FakeRecordings()
        self.accounts.add_sp(Sp("sp-1", "one", "hash"))
        shown = (SHOWN_TO_CALLER.e164, SHOWN_TO_CALLEE.e164)
        self.accounts.add_app(App("app-1", "sp-1", "secret", display_numbers=shown))
        inbound = FakeInboundCalls(self.calls, self.accounts)
        find = FindMemory(inbound, self.calls.memories, self.seal, FakeClock(at(120)), "displayNbr")
        self.show = ShowCall(self.calls, self.flows, self.recordings, find)
        terms = MemoryTerms(callback().ring_limit, callback().longest_talk)
        draft = self.seal.draft(SHOWN_TO_CALLEE, RememberedParty(CALLEE, "US"), RememberedParty(CALLER, "US"), terms)
        story = Story(call=replace(callback(), memory=draft))
        saved = self.calls.accept(story.call, slots=9, close_by=at(900))
        for number, event in enumerate((*TALKING, CALLEE_LEFT, CALLER_LEFT)):
            story.play(event)
            processed = ProcessedEvent(NETWORK_CALL, str(number), "{}", story.last.resumes)
            finalizes = story.call.ended_at is not None
            change = Change(saved, story.call, tuple(story.last.facts), processed, finalizes=finalizes)
            self.calls.save(change)
            saved = self.calls.load(CALL)


@pytest.fixture
def world():
    return World()


def test_a_call_is_shown_with_its_events_its_flow_and_the_memory_that_it_made(world):
    world.flows.of[CALL] = [FlowStep("Ring the caller", at(0), at(3))]
    shown = world.show(CALL)
    assert shown.history == world.calls.history(CALL)
    assert [event.key for event in shown.events] == [str(number) for number in range(len(shown.events))]
    assert shown.flow == Part([FlowStep("Ring the caller", at(0), at(3))])
    assert shown.recording == Part()
    assert shown.memory.value.memory.session == CALL
    assert shown.memory.value.opened.target.number == CALLER


@pytest.mark.parametrize(
    ("stored", "recording", "found"),
    [
        ((), RECORDED, None),
        ((RECORDED.key,), RECORDED, RecordingFile(RECORDED.key, 5, False)),
        ((RECORDED.key, published_key("app-1", CALL)), RECORDED, RecordingFile(published_key("app-1", CALL), 5, True)),
        ((RECORDED.key,), replace(RECORDED, deleted_at=NOW), None),
        ((RECORDED.key,), None, None),
    ],
    ids=["not arrived", "the network's", "the published one first", "deleted", "not recorded"],
)
def test_the_recording_is_the_file_that_is_there(world, stored, recording, found):
    world.recordings.sounds = dict.fromkeys(stored, b"audio")
    world.calls.change(CALL, recording=recording)
    assert world.show(CALL).recording == Part(found)


def test_a_call_that_is_up_is_looked_at_without_asking_for_its_recording_and_memory(world):
    world.calls.change(CALL, recording=RECORDED, ended_at=None)
    world.recordings.sounds[RECORDED.key] = b"audio"
    before = world.seal.requests
    shown = world.show(CALL)
    assert (shown.recording, shown.memory, world.seal.requests) == (Part(), Part(), before)


def test_a_part_that_cannot_be_read_says_why_and_costs_no_other(world):
    world.seal.out_of_reach = True
    world.flows.refusal = OutsideUnavailable("state machine: no connection")
    shown = world.show(CALL)
    assert shown.flow == Part(unread="state machine: no connection")
    assert shown.memory == Part(unread="the key service")
    assert shown.call.id == CALL


def test_a_call_that_is_not_there_is_not_shown(world):
    with pytest.raises(UnknownCall):
        world.show("9_9_9_20261123090000")

"""Show one call to the operator: what is stored of it, its flow, its recording, and the memory that it made.

What is stored is one query, and without it there is nothing to show. Each of the others is read from another service,
so each may be missing with its reason. The recording and the memory are read of a call that is over: a call that is up
is looked at every second, and has no file yet.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from duologue.call_control.history import History
from duologue.call_control.trace import FlowStep, TracedEvent
from duologue.domain.calls.call import Call
from duologue.domain.errors import OutsideUnavailable, UnknownMemory
from duologue.domain.media.recording import published_key
from duologue.domain.memory.memory_history import ExplainedMemory, Pair
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.ports.recordings import Recordings
from duologue.usecases.ports.traces import CallTraces, FlowHistories

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Part(Generic[Value]):
    """`value`: None: there is none, or, if `unread` is not empty, it could not be read, for this reason."""

    value: Value | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A file that can be played. `size`: in bytes. `is_published`: mono and A-law; else the network's stereo file."""

    key: str
    size: int
    is_published: bool


@dataclass(frozen=True, slots=True)
class ShownCall:
    """`memory`: of the pair that the call's dial remembers; a later call or the SP may have changed it since."""

    history: History
    events: Sequence[TracedEvent]
    flow: Part[Sequence[FlowStep]]
    recording: Part[RecordingFile]
    memory: Part[ExplainedMemory]

    @property
    def call(self) -> Call:
        return self.history.call


@dataclass(frozen=True, slots=True)
class ShowCall:
    """`refusals`: translates what AWS refuses into OutsideUnavailable."""

    traces: CallTraces
    flows: FlowHistories
    recordings: Recordings
    find_memory: FindMemory
    refusals: Callable[[], AbstractContextManager[None]] = nullcontext

    def __call__(self, call_id: str) -> ShownCall:
        """Raises UnknownCall; OutsideUnavailable: the store cannot be read."""
        history, events = self.traces.trace(call_id)
        call = history.call
        return ShownCall(
            history,
            events,
            self._part(lambda: self.flows.steps(call_id)),
            self._part(lambda: self.recording_of(call)),
            self._part(lambda: self._memory(call)),
        )

    def recording_of(self, call: Call) -> RecordingFile | None:
        """None: there is none (yet, or any more). Raises OutsideUnavailable."""
        recording = call.recording
        if recording is None or recording.deleted_at is not None or call.ended_at is None:
            return None
        for key, is_published in ((published_key(call.app, call.id), True), (recording.key, False)):
            size = self.recordings.size(key)
            if size is not None:
                return RecordingFile(key, size, is_published)
        return None

    def _memory(self, call: Call) -> ExplainedMemory | None:
        if call.memory is None or call.callee.dialled_at is None or call.ended_at is None:
            return None
        try:
            found = self.find_memory.of_sp(Pair(call.callee.display_number, call.callee.number))
        except UnknownMemory:
            return None
        return self.find_memory.explain(found)

    def _part(self, read: Callable[[], Value | None]) -> Part[Value]:
        try:
            with self.refusals():
                return Part(read())
        except OutsideUnavailable as error:
            return Part(unread=str(error))

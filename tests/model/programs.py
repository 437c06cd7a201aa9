"""The product's functions, on ports that stop them before each operation.

What a function does follows from what its port operations give it. So a function that has done some of them is known by
their results: it is run from its start on ports that give these, and that stop it at the operation after them.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from duologue.call_control.actions import Action
from duologue.call_control.events import CallEvent
from duologue.domain.calls.call import Call
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import DuologueError
from duologue.runtime.wiring.flow import Dependencies
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.usecases.calls.run_flow import RunFlow
from duologue.usecases.calls.stop_callback import StopCallback
from duologue.usecases.notifying.forward_facts import Committed, ForwardFacts
from duologue.usecases.ports.call_changes import Change, ProcessedEvent, SavedCall
from duologue.usecases.ports.notifying import NO_WAIT, Notice
from duologue.usecases.until_written import no_pause
from functions.flow.handler import answer as do_verb
from tests.fakes.answering import answering
from tests.model.sent import Sent
from tests.samples import NETWORK_CALL, NOW, callback

CALL_ID, APP = callback().id, callback().app
SWEPT_AT = NOW + timedelta(minutes=8)
"""When the sweeper comes: every call of the model (`parts.new_call`) is due by then, and none has been due for so long
that it is closed whatever the network says."""
LOOKS_AT_WHAT_WAS_CAUGHT = "give_up"
"""The one verb that does. What was caught before other states is forgotten, so that equal states are one."""


class Op(NamedTuple):
    """A port operation that a function is about to do."""

    name: str
    args: tuple[Any, ...] = ()


class Raised(NamedTuple):
    """What a port operation gave, if it was an error."""

    error: type[DuologueError]


class Read(NamedTuple):
    """A call as one read found it, without its version."""

    call: Call
    dial_mark: str | None
    task_token: TaskToken | None


READS = ("load", "load_event", "task_token")


class Suspended(BaseException):
    """No further result is recorded. No `except Exception` of the product catches it."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op


class Answers:
    """Lists of actions, and the text that stands for each."""

    def __init__(self) -> None:
        self._texts: dict[tuple[Action, ...], str] = {}
        self._actions: dict[str, tuple[Action, ...]] = {}

    def text(self, actions: tuple[Action, ...]) -> str:
        text = self._texts.setdefault(actions, str(len(self._texts)))
        self._actions[text] = actions
        return text

    def actions(self, text: str) -> tuple[Action, ...]:
        return self._actions[text]


class Ports:
    """All ports of one function: gives the recorded results in turn, then stops it."""

    def __init__(self, results: Sequence[Any], now: datetime, mark: str, answers: Answers) -> None:
        self._results = iter(results)
        self._now, self._mark, self._answers = now, mark, answers
        self._saved: SavedCall | None = None
        self.sends_again = False
        """The carrier is told its actions; otherwise it takes them as the answer to its event."""
        self.newest_read: Read | None = None
        self.resumes: Wait | None = None
        """What came true with the change that the function has made, or with the event that it knows."""
        self.follows_an_effect = True
        """The newest operation was more than a read; or there was none."""
        self.has_read = False
        """It has read the call since its newest operation that was more than a read."""

    def _do(self, name: str, *args: Any) -> Any:
        for result in self._results:
            self.follows_an_effect = name not in READS
            self.has_read = name == "load" or (self.has_read and name in READS)
            if isinstance(result, Raised):
                raise result.error("model")
            return result
        raise Suspended(Op(name, args))

    def _as_saved(self, read: Read) -> SavedCall:
        self.newest_read = read
        self._saved = SavedCall(read.call, 0, read.task_token, read.dial_mark, NOW)
        return self._saved

    # ---- plays Calls

    def load(self, call_id: str) -> SavedCall:
        return self._as_saved(self._do("load"))

    def load_for(self, call_id: str, network_call: str, event_key: str) -> tuple[SavedCall, ProcessedEvent | None]:
        processed: ProcessedEvent | None = self._do("load_event", event_key)  # the two are not read at one time
        self.resumes = None if processed is None else processed.resumes
        return self.load(call_id), processed

    def save(self, change: Change) -> None:
        assert change.before is self._saved, "a change must be based on the newest read"
        self.resumes = change.resumes
        self._do("save", change)

    def note_hang_up(self, call_id: str) -> None:
        raise AssertionError("every call of the model is recorded before its events")

    def store_token(self, call_id: str, token: TaskToken) -> None:
        self._do("store_token", token)

    def task_token(self, call_id: str) -> TaskToken | None:
        token: TaskToken | None = self._do("task_token")
        return token

    # ---- plays Flows

    def start(self, order: Any) -> None:
        raise AssertionError("no function of the model starts a flow")

    def resume(self, token: str) -> bool:
        return bool(self._do("resume", token))

    def interrupt(self, token: str) -> None:
        self._do("interrupt", token)

    # ---- plays Network

    def mark(self, unique: str) -> str:
        return unique

    def dial_caller(self, call: Call, mark: str, store: Callable[[str], bool]) -> None:
        self._do("dial_caller")

    def dial_callee(self, network_call: str) -> None:
        self._do("dial_callee")

    def say_last_minute(self, network_call: str) -> None:
        self._do("say_last_minute")

    def end(self, network_call: str) -> bool:
        return bool(self._do("end"))

    def stop_prompt(self, application: str, network_call: str) -> None:
        self._do("end")

    # ---- plays NetworkFormat

    def read(self, payload: Any, now: datetime) -> Any:
        raise AssertionError("events come as they are")

    def write(self, actions: Sequence[Action], introduces: str | None) -> str:
        return self._answers.text(tuple(actions))

    def carry_out(self, said: Any, answer: str) -> None:
        if self.sends_again and self._answers.actions(answer):
            self._do("carry_out", said.sent, answer)

    # ---- plays Clock and Notices, and draws a mark

    def now(self) -> datetime:
        return self._now

    def queue(self, notices: Iterable[Notice]) -> None:
        """What is told to the SP is not modelled."""

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None: ...

    def new_mark(self) -> str:
        return self._mark


@dataclass(frozen=True)
class Program:
    """A function of the product, with what it is invoked with."""

    @property
    def title(self) -> str:
        return type(self).__name__.lower()

    @property
    def now(self) -> datetime:
        return NOW

    @property
    def mark(self) -> str:
        """The dial mark that it draws, if it draws one."""
        return ""

    @property
    def saves_late(self) -> bool:
        """It may ask the network between a read and the write that is based on it."""
        return False

    def __call__(self, ports: Ports) -> Any:
        raise AssertionError("each function has its own")


@dataclass(frozen=True)
class FlowFunction(Program):
    """`functions/flow`, invoked by one attempt of a state. `payload`: JSON, as the state machine fills it in.

    `is_twin`: invoked once more with the same payload.
    """

    verb: str
    token: str
    payload: str
    is_twin: bool = False

    @property
    def title(self) -> str:
        return f"{self.verb} ({self.token}{', invoked again' if self.is_twin else ''})"

    @property
    def mark(self) -> str:
        return f"mark of {self.title}"

    @property
    def saves_late(self) -> bool:
        return self.verb == "settle"

    def __call__(self, ports: Ports) -> Any:
        flow = RunFlow(ports, ports, ports, no_pause, ports.new_mark)
        payload = json.loads(self.payload)
        if self.verb != LOOKS_AT_WHAT_WAS_CAUGHT:
            payload.pop("given", None)  # to look at it would be a KeyError, which is a violation
        with redirect_stdout(io.StringIO()):  # metrics
            do_verb(payload, Dependencies(flow, _finalize(ports)))


@dataclass(frozen=True)
class CallControl(Program):
    """`call_control`, invoked with an event of the network. Returns its answer.

    `tells`: the carrier is told its actions.
    """

    sent: Sent
    tells: bool = False

    @property
    def title(self) -> str:
        return f"call_control: {self.sent.title}"

    def __call__(self, ports: Ports) -> Any:
        introduces = self.sent.kind == "dial accepted"
        said = Said(NETWORK_CALL, self.sent.key, CALL_ID, self.sent.event(), introduces, self.sent)
        ports.sends_again = self.tells
        return ProcessNetworkEvent(ports, ports, ports, ports, no_pause, answering(ports, ports))(said)


@dataclass(frozen=True)
class Outbox(Program):
    """The outbox, invoked with the record of one change."""

    resumes: Wait

    @property
    def title(self) -> str:
        return f"outbox: {self.resumes}"

    def __call__(self, ports: Ports) -> Any:
        ForwardFacts(ports, ports, ports, _isolate_nothing)([Committed(CALL_ID, (), self.resumes)])


@dataclass(frozen=True)
class Stop(Program):
    """The SP's stop."""

    def __call__(self, ports: Ports) -> Any:
        StopCallback(ports, ports, ports, ports, no_pause)(CALL_ID, APP)


@dataclass(frozen=True)
class Sweeper(Program):
    """The sweeper, as it looks at this call, which is due. (That it finds a call not due changes nothing.)"""

    @property
    def now(self) -> datetime:
        return SWEPT_AT

    @property
    def saves_late(self) -> bool:
        return True

    def __call__(self, ports: Ports) -> Any:
        _finalize(ports).if_due(CALL_ID)


class Said(NamedTuple):
    """Plays `usecases.ports.network.Invocation`."""

    network_call: str
    event_key: str
    call_id: str | None
    event: CallEvent
    introduces: bool
    sent: Sent
    application: str = ""
    called_in_at: datetime | None = None


def _finalize(ports: Ports) -> FinalizeCall:
    return FinalizeCall(ports, ports, ports, ports, no_pause)


@contextmanager
def _isolate_nothing(name: str) -> Iterator[None]:
    """The error of a call is not hidden."""
    yield

"""A state of the model as one number: the numbers of its five parts side by side; and the smallest changes of it.

Each part, and each change of a part, is computed once. What is left to do for most states is to look them up.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from duologue.call_control.inbound import connect, play_tone
from duologue.call_control.machine import Decision
from duologue.domain.calls.call import Call
from duologue.domain.calls.task_token import Wait
from tests.model.how import FAULTS, HARMLESS, MISLEADING, How
from tests.model.library import Library
from tests.model.machine import Early, Entered, Execution, Machine, Mode
from tests.model.network import CALLING_IN, Network, Options
from tests.model.programs import Answers, Program
from tests.model.store import Row
from tests.samples import TARGET, callback, inbound_app, incoming

BITS = 22
MASK = (1 << BITS) - 1
NET, EXECUTION, RUNS, REST = BITS, 2 * BITS, 3 * BITS, 4 * BITS
"""Where the parts of a state are; the row is in the lowest bits."""
OVER = -1
"""For a node: there is none (any more)."""
NEW = -1
"""For a place: of an invocation that only begins."""
NOBODY = 0
"""The number of no invocations."""
T = TypeVar("T")
FRESH, STALE, OPEN = range(3)
"""Of what an invocation has read: STALE, the call was written since (kept where it matters); OPEN, it is about to write
the call, and since it read it another invocation has stored a token."""
NOTHING, CALL, TOKEN = range(3)
"""What an operation wrote."""
Runs = tuple[tuple[int, int], ...]
"""Invocations: the node of each, and whether what it has read is FRESH, STALE or OPEN."""


class Inbound(StrEnum):
    """How a return call began. A callee's failure is told by a prompt, or by the rejection; a tone is for nobody."""

    PROMPTS = "prompts"
    REJECTS = "rejects"
    TONE = "tone"


@dataclass(frozen=True)
class Setting:
    """What is explored.

    `faults`: how many at most, of `kinds`. `busy`: how many things (events, invocations, records of the stream) may be
    on their way when people, the SP, the sweeper or a clock act, which are slower than these.
    """

    name: str
    faults: int = 0
    busy: int = 1
    early: Early = Early.KEPT
    inbound: Inbound | None = None
    prelude: bool = False
    stop: bool = True
    kinds: frozenset[How] = FAULTS
    options: Options = field(default_factory=Options)


class Rest(NamedTuple):
    """What belongs to no other part.

    `stream`: what the committed changes resume, in order. `faults`: how many may still come. `harm`: 0 after harmless
    faults, 2 after a misleading one. `lost_wake_ups`, `lost_events`, `swept_early`: for rules.is_excused.
    """

    stream: tuple[Wait, ...] = ()
    stopped: bool = False
    faults: int = 0
    harm: int = 0
    lost_wake_ups: int = 0
    lost_events: int = 0
    swept_early: bool = False


class Table(Generic[T]):
    """Values, each with its number."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def __call__(self, value: T) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Parts:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.machine = Machine(setting.early)
        self.answers = Answers()
        self.library = Library(self.answers)
        self.rows: Table[Row] = Table()
        self.networks: Table[Network] = Table()
        self.executions: Table[Execution] = Table()
        self.runs: Table[Runs] = Table()
        self.rests: Table[Rest] = Table()
        self._swapped: dict[tuple[int, int, int, int, int, int], int] = {}
        self._paid: dict[tuple[int, How], int] = {}
        nobody = self.runs(())
        assert nobody == NOBODY
        begun = new_call(setting)
        net = Network(CALLING_IN, actions=begun.actions, may_have_left=True) if setting.inbound else Network()
        # A call for nobody has no flow.
        execution = self.machine.never_start()[0] if setting.inbound is Inbound.TONE else Execution()
        self.start = (
            self.rows(Row(begun.call))
            | self.networks(net) << NET
            | self.executions(execution) << EXECUTION
            | nobody << RUNS
            | self.rests(Rest(faults=setting.faults)) << REST
        )

    def row(self, state: int) -> Row:
        return self.rows.values[state & MASK]

    def network(self, state: int) -> Network:
        return self.networks.values[state >> NET & MASK]

    def execution(self, state: int) -> Execution:
        return self.executions.values[state >> EXECUTION & MASK]

    def invocations(self, state: int) -> Runs:
        return self.runs.values[state >> RUNS & MASK]

    def rest(self, state: int) -> Rest:
        return self.rests.values[state >> REST]

    def is_invoked(self, kind: type[Program], state: int) -> bool:
        return any(isinstance(self.library.programs[node], kind) for node, _ in self.invocations(state))

    def on_their_way(self, state: int) -> int:
        """How many things are; the start of the execution is one."""
        return (
            len(self.network(state).sent)
            + len(self.invocations(state))
            + len(self.rest(state).stream)
            + (self.execution(state).mode is Mode.NOT_STARTED)
        )

    # ---- changes: each gives the changed state

    def with_row(self, state: int, row: Row) -> int:
        return state - (state & MASK) + self.rows(row)

    def with_rest(self, state: int, rest: Rest) -> int:
        return (state & (1 << REST) - 1) | self.rests(rest) << REST

    def commit(self, state: int, resumes: Wait) -> int:
        """The stream has one record more."""
        rest = self.rest(state)
        return self.with_rest(state, rest._replace(stream=(*rest.stream, resumes)))

    def pay(self, state: int, how: How) -> int:
        """One fault less may come; -1: this one must not."""
        rest = state >> REST
        key = (rest, how)
        after = self._paid.get(key)
        if after is None:
            after = self._paid[key] = self._after_fault(self.rests.values[rest], how)
        return -1 if after < 0 else state + (after - rest << REST)

    def _after_fault(self, rest: Rest, how: How) -> int:
        if rest.faults == 0 or how not in self.setting.kinds:
            return -1
        harm = 0 if how in HARMLESS else 2 if how in MISLEADING else 1
        rest = rest._replace(faults=rest.faults - 1, harm=max(rest.harm, harm))
        if self.setting.faults > 1:  # the exceptions need two
            rest = rest._replace(
                lost_wake_ups=rest.lost_wake_ups + (how in (How.LOST_WAKE_UP, How.STORE)),  # no token can be read
                lost_events=rest.lost_events + (how is How.LOST_EVENT),
                swept_early=rest.swept_early or how is How.EARLY_SWEEP,
            )
        return self.rests(rest)

    def swap(
        self, state: int, place: int, node: int, read: int = FRESH, wrote: int = NOTHING, started: int = OVER
    ) -> int:
        """The invocation at `place` is at `node` now, and has written something; one more is `started`."""
        runs = state >> RUNS & MASK
        key = (runs, place, node, read, wrote, started)
        after = self._swapped.get(key)
        if after is None:
            others = [self._beside(*each, wrote) for at, each in enumerate(self.runs.values[runs]) if at != place]
            if node != OVER:
                others.append((node, self._kept(node, read)))
            if started != OVER:
                others.append((started, FRESH))
            after = self._swapped[key] = self.runs(tuple(sorted(others)))
        return state + (after - runs << RUNS)

    def _beside(self, node: int, read: int, wrote: int) -> tuple[int, int]:
        """Another invocation, after something was written."""
        if wrote == CALL and self.library.saves[node]:
            return self.library.lose_race(node), FRESH
        if wrote == CALL:
            return node, self._kept(node, STALE)
        return node, OPEN if wrote == TOKEN and self.library.saves[node] else read

    def _kept(self, node: int, read: int) -> int:
        """Where it does not matter, it is forgotten, so that equal states are one."""
        matters = self.library.saves_late[node] if read == STALE else self.library.saves[node]
        return read if matters else FRESH

    def entered(self, entered: Entered) -> tuple[int, int]:
        """The numbers of an execution, and of the start of the function that it invokes."""
        execution, function = entered
        return self.executions(execution), OVER if function is None else self.library.start(function)

    def enter(self, state: int, entered: Entered) -> int:
        execution, started = self.entered(entered)
        after = state + (execution - (state >> EXECUTION & MASK) << EXECUTION)
        return after if started == OVER else self.swap(after, NEW, OVER, started=started)


def new_call(setting: Setting) -> Decision:
    """The call as its acceptance, or the answer to the inbound call, leaves it."""
    if setting.inbound is None:
        wanted = replace(callback(), announces_end=True, plays_before_callee=setting.prelude)
        return Decision(_short(wanted))
    app = inbound_app(rejects_failed_return_calls=setting.inbound is Inbound.REJECTS)
    call = incoming(app=app, call_id=callback().id)
    begun = play_tone(call) if setting.inbound is Inbound.TONE else connect(call, TARGET)
    return replace(begun, call=replace(_short(begun.call), announces_end=False))


def _short(call: Call) -> Call:
    return replace(call, longest_talk=timedelta(minutes=1), before_talk=timedelta(minutes=1))

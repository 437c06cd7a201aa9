"""The histories of functions: what each does next, computed once.

A history is a node, which is a number; so are a program's operations and their results. After a lost race a function is
where it was before the read that the write was based on: all it has more is the count of its tries.
"""

from typing import Any, NamedTuple

from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import DuologueError, RaceLost
from tests.model.programs import Answers, FlowFunction, Op, Outbox, Ports, Program, Raised, Suspended

STORE, WAKE, REQUEST = range(3)
"""Kinds of operations: of the store, of the state machine, of the network."""
_KINDS = {"load": STORE, "load_event": STORE, "save": STORE, "store_token": STORE, "task_token": STORE}
_KINDS |= {"resume": WAKE, "interrupt": WAKE}
_RACE_LOST = Raised(RaceLost)
_History = tuple[int, ...]


class Outcome(NamedTuple):
    """How a function ended: it returned a value, or raised an error. `is_named`: the product names the error."""

    value: Any = None
    error: str | None = None
    is_named: bool = True


_NOT_YET = Outcome()


class Library:
    """Lists are by node, unless they say otherwise."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._nodes: dict[tuple[Program, _History], int] = {}
        self._ended: dict[tuple[Program, Outcome, bool, bool], int] = {}
        self._next: dict[tuple[int, int], int] = {}
        self._histories: list[_History] = []
        self._result_numbers: dict[tuple[type, Any], int] = {}
        self._op_numbers: dict[Op, int] = {}
        self.results: list[Any] = []
        self.ops: list[Op] = []
        self.kinds: list[int] = []
        """By operation."""
        self.waits: dict[str, Wait] = {}
        """By verb of the flow: what it waits for."""

        self.programs: list[Program] = []
        self.op: list[int] = []
        """What it is about to do; -1: it ends."""
        self.outcomes: list[Outcome] = []
        self.saves: list[bool] = []
        """It is about to write the call; and so on."""
        self.stores_token: list[bool] = []
        self.reads: list[bool] = []
        self.reads_again: list[bool] = []
        """The same, of an event, or of a call that it has just read."""
        self.saves_late: list[bool] = []
        self.resumes: list[Wait | None] = []
        self.follows_an_effect: list[bool] = []
        self.saw_an_end: list[bool] = []
        """Its newest read of the call showed a reason to end."""

    def result(self, value: Any) -> int:
        """The number of a result. Equal values of different types are different results: True, 1."""
        number = self._result_numbers.setdefault((type(value), value), len(self.results))
        if number == len(self.results):
            self.results.append(value)
        return number

    def start(self, program: Program) -> int:
        return self._at(program, ())

    def go_on(self, node: int, result: int) -> int:
        """The node after the operation that `node` is about to do gave `result`."""
        step = (node, result)
        after = self._next.get(step)
        if after is None:
            after = self._at(self.programs[node], (*self._histories[node], result))
            if self.results[result] == _RACE_LOST:
                after = self._before_the_read(node, after)
            self._next[step] = after
        return after

    def lose_race(self, node: int) -> int:
        return self.go_on(node, self.result(_RACE_LOST))

    def _before_the_read(self, node: int, after: int) -> int:
        """The node before the newest reads of `node`, if `after` is about to repeat them."""
        history = self._histories[node]
        for length in range(len(history) - 1, -1, -1):
            before = self._at(self.programs[node], history[:length])
            if not self.reads[before]:
                break
            if self.op[before] == self.op[after]:
                return before
        return after

    def _at(self, program: Program, history: _History) -> int:
        node = self._nodes.get((program, history))
        if node is None:
            node = self._nodes[program, history] = self._play(program, history)
        return node

    def _play(self, program: Program, history: _History) -> int:
        ports = Ports([self.results[each] for each in history], program.now, program.mark, self._answers)
        try:
            outcome = Outcome(program(ports))
        except Suspended as suspended:
            if isinstance(program, FlowFunction) and suspended.op.name == "store_token":
                self.waits[program.verb] = suspended.op.args[0].waits_for
            return self._new(program, history, ports, self._op(suspended.op), _NOT_YET)
        except DuologueError as error:
            outcome = Outcome(error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 whatever it is, it is a violation with a name
            outcome = Outcome(error=f"{type(error).__name__}: {error}", is_named=False)
        end = (
            program,
            outcome,
            ports.follows_an_effect,
            _saw_an_end(ports),
        )  # nothing else of how it came here matters
        if end not in self._ended:
            self._ended[end] = self._new(program, (), ports, -1, outcome)
        return self._ended[end]

    def _op(self, op: Op) -> int:
        number = self._op_numbers.setdefault(op, len(self.ops))
        if number == len(self.ops):
            self.ops.append(op)
            self.kinds.append(_KINDS.get(op.name, REQUEST))
        return number

    def _new(self, program: Program, history: _History, ports: Ports, op: int, outcome: Outcome) -> int:
        name = self.ops[op].name if op >= 0 else ""
        self.programs.append(program)
        self._histories.append(history)
        self.op.append(op)
        self.outcomes.append(outcome)
        self.saves.append(name == "save")
        self.stores_token.append(name == "store_token")
        self.reads.append(name in ("load", "load_event"))
        self.reads_again.append(name == "load_event" or (name == "load" and ports.has_read))
        self.saves_late.append(program.saves_late)
        self.resumes.append(program.resumes if isinstance(program, Outbox) else ports.resumes)
        self.follows_an_effect.append(ports.follows_an_effect)
        self.saw_an_end.append(_saw_an_end(ports))
        return len(self.programs) - 1


def _saw_an_end(ports: Ports) -> bool:
    return ports.newest_read is not None and ports.newest_read.call.ending is not None

"""Functions go on, one operation at a time; they end, crash, and are invoked."""

from dataclasses import replace

from duologue.call_control.actions import Action
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import OutsideUnavailable
from tests.model import network, rules
from tests.model.how import How
from tests.model.library import REQUEST, STORE, Outcome
from tests.model.machine import CRASH, NO_ANSWER, TIMEOUT, Mode
from tests.model.parts import CALL, EXECUTION, FRESH, MASK, NET, NEW, NOTHING, OVER, STALE, TOKEN, Parts
from tests.model.programs import CallControl, FlowFunction, Op, Outbox, Program, Raised, Stop
from tests.model.sent import Sent
from tests.model.store import operate

Title = str | int | tuple[int, int]
"""What happens: said; or a function ends at a node; or an operation at a node gives a result (words.py)."""
Next = tuple[int, How, Title, str | None]
"""A state that can follow, how, what happens, a rule that it breaks."""

_Stored = tuple[int, How, int, Wait | None, int, str | None]
"""A result, how, the row after that, what the change resumes, what was written, a rule that it breaks."""
_OUT_OF_REACH = Raised(OutsideUnavailable)
_WRITES = ("save", "store_token")


class Invocations:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.library = parts.library
        self._stored: dict[tuple[int, int], tuple[_Stored, ...]] = {}
        self._replies: dict[tuple[int, int], tuple[tuple[int, How, int, str | None], ...]] = {}
        self._woken: dict[tuple[int, int, bool], tuple[tuple[int, How, int, int], ...]] = {}
        self._ended: dict[tuple[int, int], tuple[int, int, str | None]] = {}
        self._answered: dict[tuple[int, Sent, Outcome], tuple[int, str | None, bool]] = {}
        self._forgotten: dict[tuple[int, Sent], int] = {}

    # ---- one goes on

    def go_on(self, found: list[Next], state: int, place: int, node: int, read: int) -> None:
        """It does its next operation, or ends."""
        library, pay = self.library, self.parts.pay
        op = library.op[node]
        if op < 0:
            self._end(found, state, place, node)
        elif library.kinds[op] == STORE:
            row, read = state & MASK, FRESH if library.reads[node] else read
            for result, how, now, resumes, wrote, wrong in self.stored(op, row):
                paid = state if how is How.MUST else self._pay_for(state, how, node, result)
                if paid >= 0:
                    done = paid + now - row if resumes is None else self.parts.commit(paid + now - row, resumes)
                    after, also = self._arrive(done, place, library.go_on(node, result), read, wrote)
                    found.append((after, how, (node, result), wrong or also))
        elif library.kinds[op] == REQUEST:
            net = state >> NET & MASK
            asked = self._asked(op, state, saw_an_end=library.saw_an_end[node])
            for result, how, now, wrong in self._reply(op, net):
                paid = state if how is How.MUST else self._pay_for(state, how, node, result)
                if paid >= 0:
                    after, also = self._arrive(paid + (now - net << NET), place, library.go_on(node, result), read)
                    found.append((after, how, (node, result), wrong or asked or also))
        else:
            execution = state >> EXECUTION & MASK
            for result, how, now, started in self._wake(op, execution, isinstance(library.programs[node], Outbox)):
                paid = state if how is How.MUST else pay(state, how)
                if paid >= 0:
                    done = paid + (now - execution << EXECUTION)
                    after, also = self._arrive(done, place, library.go_on(node, result), read, NOTHING, started)
                    found.append((after, how, (node, result), also))

    def stored(self, op: int, row: int) -> tuple[_Stored, ...]:
        """What an operation of the store may give."""
        key = (op, row)
        found = self._stored.get(key)
        if found is None:
            asked, before = self.library.ops[op], self.parts.rows.values[row]
            done = operate(asked, before)
            after, wrong = self.parts.rows(done.row), rules.of_save(before, done.row) if done.wrote else None
            wrote = CALL if done.wrote else TOKEN if done.row.token != before.token else NOTHING
            given, lost = self.library.result(done.result), self.library.result(_OUT_OF_REACH)
            ways: list[_Stored] = [
                (given, How.MUST, after, done.resumes, wrote, wrong),
                (lost, How.STORE, row, None, NOTHING, None),
            ]
            if asked.name in _WRITES and not isinstance(done.result, Raised):
                ways.append((lost, How.STORE, after, done.resumes, wrote, wrong))
            found = self._stored[key] = tuple(ways)
        return found

    def _reply(self, op: int, net: int) -> tuple[tuple[int, How, int, str | None], ...]:
        """What the network may reply, and how it is after that."""
        key = (op, net)
        found = self._replies.get(key)
        if found is None:
            found = self._replies[key] = tuple(
                (self.library.result(each.result), each.how, self.parts.networks(each.network), each.wrong)
                for each in self._replies_of(self.parts.networks.values[net], self.library.ops[op])
            )
        return found

    def _asked(self, op: int, state: int, *, saw_an_end: bool) -> str | None:
        """The rule that a request breaks."""
        row, net = self.parts.row(state), self.parts.network(state)
        return rules.of_request(row, net, self.library.ops[op].name, saw_an_end=saw_an_end)

    def _replies_of(self, net: network.Network, op: Op) -> list[network.Reply]:
        if op.name != "carry_out":
            return network.request(net, op.name)
        sent, answer = op.args
        return network.carry_out(net, sent, self.parts.answers.actions(answer))

    def _wake(self, op: int, execution: int, by_stream: bool) -> tuple[tuple[int, How, int, int], ...]:
        """What the state machine may reply; the execution after that, and the function that it invokes.

        `by_stream`: to the outbox it replies in the end, since the stream gives a record again.
        """
        key = (op, execution, by_stream)
        found = self._woken.get(key)
        if found is None:
            name, (token,) = self.library.ops[op]
            before, machine = self.parts.executions.values[execution], self.parts.machine
            taken: bool | None
            taken, entered = machine.complete(before, token)
            if name == "interrupt":
                taken, entered = None, machine.interrupt(before, token)
            lost = self.library.result(_OUT_OF_REACH)
            ways = [(self.library.result(taken), How.MUST, *self.parts.entered(entered))]
            if not by_stream:
                ways.append((lost, How.LOST_WAKE_UP, execution, OVER))
                ways.append((lost, How.UNSURE, *self.parts.entered(entered)))
            found = self._woken[key] = tuple(ways)
        return found

    def _pay_for(self, state: int, how: How, node: int, result: int) -> int:
        """As Parts.pay. A function that ends at once, for that, is like one that crashed, which is another fault."""
        if self.library.outcomes[self.library.go_on(node, result)].error == OutsideUnavailable.__name__:
            return -1 if How.CRASH in self.parts.setting.kinds else self.parts.pay(state, how)
        return self.parts.pay(state, how)

    # ---- one arrives at a node, or ends

    def _arrive(
        self, state: int, place: int, node: int, read: int, wrote: int = NOTHING, started: int = OVER
    ) -> tuple[int, str | None]:
        """An invocation is at `node` now. Also: the rule that it breaks."""
        swap = self.parts.swap
        if self.library.op[node] >= 0:
            read = STALE if wrote == CALL else read
            if read == STALE and self.library.saves[node]:
                node, read = self.library.lose_race(node), FRESH
            return swap(state, place, node, read, wrote, started), None
        program, outcome = self.library.programs[node], self.library.outcomes[node]
        wrong = None if outcome.is_named else f"{program.title}: {outcome.error}"
        if isinstance(program, FlowFunction) or (isinstance(program, CallControl) and self._actions(program, outcome)):
            return swap(state, place, node, FRESH, wrote, started), wrong  # its end is a step of its own
        left = swap(state, place, OVER, FRESH, wrote, started)
        if isinstance(program, CallControl):
            return self._answer(left, program, outcome)[0], wrong
        return self._again(left, program) if outcome.error == OutsideUnavailable.__name__ else left, wrong

    def _actions(self, program: CallControl, outcome: Outcome) -> tuple[Action, ...]:
        """What the network is answered with."""
        return () if outcome.error is not None or program.tells else self.parts.answers.actions(outcome.value)

    def _end(self, found: list[Next], state: int, place: int, node: int) -> None:
        program, outcome = self.library.programs[node], self.library.outcomes[node]
        if isinstance(program, FlowFunction):
            after, wrong = self._flow_ends(state, place, node, program)
            found.append((after, How.MUST, node, wrong))
            return
        assert isinstance(program, CallControl)
        after, wrong = self._answer(self.parts.swap(state, place, OVER), program, outcome)
        found.append((after, How.MUST, node, wrong))

    def _flow_ends(self, state: int, place: int, node: int, program: FlowFunction) -> tuple[int, str | None]:
        execution = state >> EXECUTION & MASK
        key = (execution, node)
        found = self._ended.get(key)
        if found is None:
            before, machine, error = self.parts.execution(state), self.parts.machine, self.library.outcomes[node].error
            entered = machine.returned(before, program) if error is None else machine.raised(before, program, error)
            wrong = rules.of_way(before, entered[0]) if self.library.saw_an_end[node] else None
            found = self._ended[key] = (*self.parts.entered(entered), wrong)
        after, started, wrong = found
        left = self.parts.swap(state + (after - execution << EXECUTION), place, OVER, started=started)
        return self._forget_mark(left, program), wrong

    def _answer(self, state: int, program: CallControl, outcome: Outcome) -> tuple[int, str | None]:
        """`call_control` has answered an event, or failed. An event that cannot come again is forgotten."""
        net, row, sent = state >> NET & MASK, state & MASK, program.sent
        key = (net, sent, outcome)
        found = self._answered.get(key)
        if found is None:
            before = self.parts.networks.values[net]
            if outcome.error is None:
                actions = None if program.tells else self._actions(program, outcome)
                after, wrong = network.answer(before, sent, actions)
            else:
                after, wrong = network.fail(before, sent), None
            found = self._answered[key] = self.parts.networks(after), wrong, network.may_come_again(after, sent)
        now, wrong, again = found
        return state + (now - net << NET) + (0 if again else self._without(row, sent) - row), wrong

    def _without(self, row: int, sent: Sent) -> int:
        key = (row, sent)
        found = self._forgotten.get(key)
        if found is None:
            before = self.parts.rows.values[row]
            kept = tuple(event for event in before.processed if event.key != sent.key)
            found = self._forgotten[key] = self.parts.rows(before._replace(processed=kept))
        return found

    def _again(self, state: int, program: Program) -> int:
        """What came to nothing is asked for again: by the stream; and maybe by the SP."""
        rest = self.parts.rest(state)
        if isinstance(program, Outbox):
            return self.parts.with_rest(state, rest._replace(stream=(program.resumes, *rest.stream)))
        return self.parts.with_rest(state, rest._replace(stopped=False)) if isinstance(program, Stop) else state

    def _forget_mark(self, state: int, program: FlowFunction) -> int:
        """Which of the invocations that have ended drew the mark does not matter."""
        row = self.parts.row(state)
        return self.parts.with_row(state, row._replace(mark=_OLD_MARK)) if row.mark == program.mark else state

    # ---- trouble

    def trouble(self, found: list[Next], state: int, place: int, node: int, *, is_busy: bool) -> None:
        """What may become of an invocation, or of an attempt while its function runs."""
        if not self.library.follows_an_effect[node]:
            return  # after a read it would be the same as before it
        pay, program = self.parts.pay, self.library.programs[node]
        if (paid := pay(state, How.CRASH)) >= 0:
            found.append((self._crash(paid, place, program), How.CRASH, f"{program.title} crashes", None))
        if not isinstance(program, FlowFunction) or program.is_twin:
            return
        execution, machine = self.parts.execution(state), self.parts.machine
        if execution.token != program.token or execution.mode not in (Mode.RUNS, Mode.KEPT):
            return
        if (paid := pay(state, How.LATE_FUNCTION)) >= 0:
            after = self.parts.enter(paid, machine.fail(execution, NO_ANSWER))
            found.append((after, How.LATE_FUNCTION, f"the state machine gives {program.title} up; it goes on", None))
        if not is_busy and (paid := pay(state, How.EARLY_TIMEOUT)) >= 0:
            after = self.parts.enter(paid, machine.fail(execution, TIMEOUT))
            found.append((after, How.EARLY_TIMEOUT, f"{execution.state}: time-out; {program.title} goes on", None))
        if (paid := pay(state, How.TWIN)) >= 0:
            twin = replace(program, is_twin=True)
            if all(self.library.programs[each] != twin for each, _ in self.parts.invocations(state)):
                after = self.parts.swap(paid, NEW, self.library.start(twin))
                found.append((after, How.TWIN, f"{program.title} is invoked again", None))

    def _crash(self, state: int, place: int, program: Program) -> int:
        left = self.parts.swap(state, place, OVER)
        if isinstance(program, CallControl):
            return self._answer(left, program, Outcome(error=CRASH))[0]
        if isinstance(program, FlowFunction):
            left = self._forget_mark(left, program)
            return self.parts.enter(left, self.parts.machine.raised(self.parts.execution(left), program, CRASH))
        return self._again(left, program)

    # ---- one begins

    def begin(self, state: int, program: Program) -> tuple[int, str | None]:
        """A function is invoked, and reads at once: to wait before that is not to be invoked yet."""
        library, row = self.library, state & MASK
        node = library.start(program)
        alone = isinstance(program, CallControl) and network.is_alone(self.parts.network(state), program.sent)
        while library.reads[node] or library.ops[library.op[node]].name == "task_token":
            ((result, *_), *_) = self.stored(library.op[node], row)
            node = library.go_on(node, result)
            if not alone or library.op[node] < 0:
                break
        return self._arrive(state, NEW, node, FRESH)


_OLD_MARK = "mark of an invocation that has ended"

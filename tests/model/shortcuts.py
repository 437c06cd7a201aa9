"""Steps that may as well be made first: whenever they are made, they give the same, and change nothing for others.

Where there is one, no other step need be looked at: any order of steps leads to where it leads with this one in front.
A fault at such a step is like one at the step before or after it.
"""

from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.task_token import Wait
from tests.model import network
from tests.model.invocations import Invocations, Next
from tests.model.library import REQUEST
from tests.model.machine import Early, Mode
from tests.model.parts import EXECUTION, MASK, OPEN, Parts
from tests.model.programs import CallControl, FlowFunction
from tests.model.sent import Sent


class Shortcuts:
    def __init__(self, parts: Parts, invocations: Invocations) -> None:
        self.parts = parts
        self.library = parts.library
        self.invocations = invocations
        self._may_wait: dict[tuple[Wait | None, str, bool, int], bool] = {}
        self._tokens: dict[int, str] = {}

    def about_to_write(self, found: list[Next], state: int) -> bool:
        """One invocation is about to write on what it has read: it does. Only a token may be stored before that.

        What else could come between either leaves the call alone, and could come before the read as well; or it writes
        the call, and then this write is refused, and its read might as well not have been (Library.lose_race). But who
        has stored a token there may go on, and read the call before it is written: then the writer is OPEN.
        """
        invocations = self.parts.invocations(state)
        saves = self.library.saves
        if all(not saves[node] or read == OPEN for node, read in invocations):
            return False
        for place, (node, read) in enumerate(invocations):
            if saves[node] or self.library.stores_token[node]:
                self.invocations.go_on(found, state, place, node, read)
        return True

    def has_no_effect(self, state: int, node: int, *, may_fail: bool) -> bool:
        """The next step of an invocation."""
        library = self.library
        op = library.op[node]
        if op < 0:
            return self._ends_to_no_effect(state, node, may_fail)
        if library.kinds[op] == REQUEST:
            return not self.parts.network(state).can_act
        if library.reads[node]:
            program = library.programs[node]
            if library.reads_again[node] and isinstance(program, CallControl):
                # The event has not been processed; and had the call been read later, once would have been enough.
                return network.is_alone(self.parts.network(state), program.sent)
            if self.parts.rows.values[state & MASK].call.phase is not Phase.OVER:  # it may change
                return False
            ((result, *_), *_) = self.invocations.stored(op, state & MASK)
            return library.op[library.go_on(node, result)] < 0
        name, args = library.ops[op]
        if name in ("resume", "interrupt"):
            return args[0] != self._token(state)
        return name == "task_token" and not self.may_wait_for(library.resumes[node], state)

    def _ends_to_no_effect(self, state: int, node: int, may_fail: bool) -> bool:
        program = self.library.programs[node]
        if isinstance(program, CallControl):
            return not self.parts.network(state).can_act
        assert isinstance(program, FlowFunction)
        if program.token != self._token(state):
            return True
        early, machine, execution = self.parts.setting.early, self.parts.machine, self.parts.execution(state)
        if may_fail or early is Early.AT_ONCE:
            return False
        if not machine.waits_for_token(execution):
            return True
        error = self.library.outcomes[node].error
        if error is None:  # the token may be completed before or after that, it is the same
            return early is Early.KEPT
        return machine.raised(execution, program, error)[0].mode is Mode.ENDED

    def _token(self, state: int) -> str:
        """Of the attempt that can be resumed; none if the execution has ended."""
        number = state >> EXECUTION & MASK
        token = self._tokens.get(number)
        if token is None:
            execution = self.parts.executions.values[number]
            token = self._tokens[number] = "" if execution.mode is Mode.ENDED else execution.token
        return token

    def may_wait_for(self, event: Wait | None, state: int) -> bool:
        """The execution may have, now or later, a wait that this event completes; None: any wait."""
        execution = self.parts.execution(state)
        if execution.mode is Mode.ENDED:
            return False
        if event in (None, Wait.END) or execution.mode is Mode.NOT_STARTED:
            return True
        # It goes back only by a function that read the call before a reason to end was recorded (rules.of_way).
        back = self.parts.row(state).call.ending is None or execution.mode is not Mode.WAITS
        key = (event, execution.state, back, len(self.library.waits))
        found = self._may_wait.get(key)
        if found is None:
            verbs = self.parts.machine.verbs_from(execution.state, back=back)
            found = self._may_wait[key] = event in {self.library.waits.get(verb, event) for verb in verbs}
        return found


def is_settled(call: Call, sent: Sent, *, can_act: bool) -> bool:
    """The event can no longer change the call, nor its answer what the network does."""
    if call.phase is Phase.OVER and not can_act:
        return True
    if call.network_call is None:
        return False
    match sent.kind:
        case "dial accepted" | "hang-up refused":
            return True
        case "end asked" | "last minute asked":
            return not can_act
        case "caller rings":
            return call.caller.answered_at is not None or call.caller.is_over
        case "callee rings":
            return call.callee.answered_at is not None or call.callee.is_over
        case _:
            return False

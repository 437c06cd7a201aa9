"""All that can follow a state, and what is wrong with it."""

from typing import NamedTuple

from duologue.domain.calls.call import Phase
from tests.model import network, rules
from tests.model.how import How
from tests.model.invocations import Invocations, Next
from tests.model.machine import TIMEOUT, Mode
from tests.model.parts import MASK, NET, NOBODY, RUNS, Parts, Setting
from tests.model.programs import CallControl, Outbox, Program, Stop, Sweeper
from tests.model.shortcuts import Shortcuts, is_settled


class _Net(NamedTuple):
    """What may happen at one state of the network; networks are numbers.

    `deliveries`: each event on its way, and the network as it is processed, as it is processed and sent again, and as
    it is lost.
    """

    steps: tuple[tuple[str, How, int], ...]
    deliveries: tuple[tuple[CallControl, int, int, int], ...]
    is_quiet: bool
    can_act: bool


class World:
    def __init__(self, setting: Setting, *, shortcuts: bool = True) -> None:
        """`shortcuts`: false, to see that nothing is lost by them."""
        self.setting = setting
        self.parts = Parts(setting)
        self.invocations = Invocations(self.parts)
        self._shortcuts = Shortcuts(self.parts, self.invocations)
        self._takes_shortcuts = shortcuts
        self._nets: dict[int, _Net] = {}

    def following(self, state: int) -> list[Next]:
        found: list[Next] = []
        if self._shortcuts.about_to_write(found, state):
            return found
        may_fail = self.parts.rest(state).faults > 0
        invocations = self.parts.invocations(state)
        if self._takes_shortcuts:
            for place, (node, read) in enumerate(invocations):
                if self._shortcuts.has_no_effect(state, node, may_fail=may_fail):
                    self.invocations.go_on(found, state, place, node, read)
                    return [each for each in found if each[1] is How.MUST]
            if self._process_to_no_effect(found, state):
                return found
        is_busy = self.parts.on_their_way(state) > self.setting.busy
        for place, (node, read) in enumerate(invocations):
            self.invocations.go_on(found, state, place, node, read)
            if may_fail:
                self.invocations.trouble(found, state, place, node, is_busy=is_busy)
        self._process(found, state, may_fail)
        if not is_busy:
            self._act(found, state)
        self._pass_time(found, state, is_busy)
        return found

    # ---- events and records are processed

    def _process_to_no_effect(self, found: list[Next], state: int) -> bool:
        """One of them will have no effect, whenever it is processed (shortcuts.py)."""
        call, now = self.parts.row(state).call, self._net(state)
        for program, processed, *_ in now.deliveries:
            if is_settled(call, program.sent, can_act=now.can_act):
                self._begin(found, self._with_net(state, processed), program, How.MUST)
                return True
        stream = self.parts.rest(state).stream
        if stream and not self._shortcuts.may_wait_for(stream[0], state):
            self._forward(found, state, may_fail=False)
        return bool(found)

    def _process(self, found: list[Next], state: int, may_fail: bool) -> None:
        for program, processed, repeated, lost in self._net(state).deliveries:
            self._begin(found, self._with_net(state, processed), program, How.MUST)
            if may_fail:
                self._begin(found, self._with_net(state, repeated), program, How.REPEATED)
                self._fault(found, self._with_net(state, lost), How.LOST_EVENT, f"lost: {program.sent.title}")
        if self.parts.rest(state).stream and not self.parts.is_invoked(Outbox, state):
            self._forward(found, state, may_fail)

    def _forward(self, found: list[Next], state: int, may_fail: bool) -> None:
        rest = self.parts.rest(state)
        program, left = Outbox(rest.stream[0]), self.parts.with_rest(state, rest._replace(stream=rest.stream[1:]))
        self._begin(found, left, program, How.MUST)
        if may_fail:
            self._begin(found, state, program, How.REPEATED)
            self._fault(found, left, How.LOST_WAKE_UP, f"lost: {program.title}")

    # ---- people, the network, the SP, the sweeper, the clock

    def _act(self, found: list[Next], state: int) -> None:
        for title, how, after in self._net(state).steps:
            if how in (How.MUST, How.MAY):
                found.append((self._with_net(state, after), how, title, None))
            else:
                self._fault(found, self._with_net(state, after), how, title)
        rest, is_over = self.parts.rest(state), self.parts.row(state).call.phase is Phase.OVER
        if self.setting.stop and not rest.stopped and not is_over:
            self._begin(found, self.parts.with_rest(state, rest._replace(stopped=True)), Stop(), How.MAY)
        if rest.faults and not is_over and not self.parts.is_invoked(Sweeper, state):
            self._begin(found, state, Sweeper(), How.EARLY_SWEEP)

    def _pass_time(self, found: list[Next], state: int, is_busy: bool) -> None:
        parts, execution = self.parts, self.parts.execution(state)
        is_quiet = state >> RUNS & MASK == NOBODY and not parts.rest(state).stream and self._net(state).is_quiet
        if execution.mode is Mode.NOT_STARTED:
            starts = parts.enter(state, parts.machine.start(execution))
            found.append((starts, How.MUST, "the execution starts", None))
            self._fault(found, parts.enter(state, parts.machine.never_start()), How.LOST_EVENT, "it never starts")
        elif execution.mode is Mode.WAITS:
            title, after = f"{execution.state}: time-out", parts.enter(state, parts.machine.fail(execution, TIMEOUT))
            if is_quiet:
                found.append((after, How.MUST, title, None))
            elif not is_busy:
                self._fault(found, after, How.EARLY_TIMEOUT, title)
        elif execution.mode is Mode.ENDED and is_quiet and parts.row(state).call.phase is not Phase.OVER:
            self._begin(found, state, Sweeper(), How.MUST)

    # ---- what is wrong

    def wrong_at(self, state: int, following: list[Next]) -> list[str]:
        """The rules that a state itself breaks."""
        parts = self.parts
        row, execution, now = parts.row(state), parts.execution(state), self._net(state)
        found: list[str | None] = []
        if execution.mode is Mode.ENDED:
            found.append(rules.of_execution(row, execution))
        if state >> RUNS & MASK == NOBODY:
            rest = parts.rest(state)
            if not rest.stream and not now.deliveries:
                found.append(rules.of_network(parts.network(state)))
            if execution.mode is Mode.WAITS and not rest.stream and not now.deliveries:
                found.append(rules.of_wait(row, execution, parts.library.waits.get(parts.machine.verb(execution))))
            if all(how is not How.MUST for _, how, _, _ in following):
                faults = self.setting.faults - rest.faults
                found.append(rules.of_end(row, parts.network(state), execution, rest, faults=faults))
        return [wrong for wrong in found if wrong is not None]

    def is_excused(self, wrong: str, state: int) -> bool:
        return rules.is_excused(wrong, self.parts.row(state), self.parts.rest(state), self.setting.early)

    # ---- shared steps

    def _begin(self, found: list[Next], state: int, program: Program, how: How) -> None:
        paid = state if how in (How.MUST, How.MAY) else self.parts.pay(state, how)
        if paid >= 0:
            after, wrong = self.invocations.begin(paid, program)
            found.append((after, how, f"{program.title}: begins, and reads", wrong))

    def _fault(self, found: list[Next], after: int, how: How, title: str) -> None:
        paid = self.parts.pay(after, how)
        if paid >= 0:
            found.append((paid, how, title, None))

    @staticmethod
    def _with_net(state: int, net: int) -> int:
        return state + (net - (state >> NET & MASK) << NET)

    def _net(self, state: int) -> _Net:
        number = state >> NET & MASK
        found = self._nets.get(number)
        if found is None:
            net, numbered = self.parts.networks.values[number], self.parts.networks
            steps = network.steps(net, self.setting.options)
            events = sorted(set(net.sent), key=net.sent.index)
            found = self._nets[number] = _Net(
                tuple((step.title, step.how, numbered(step.network)) for step in steps),
                tuple(
                    (
                        CallControl(sent, self.setting.options.is_told),
                        numbered(network.process(net, sent)),
                        numbered(network.process(net, sent, repeat=True)),
                        numbered(network.lose(net, sent)),
                    )
                    for sent in events
                ),
                net.is_quiet,
                net.can_act,
            )
        return found

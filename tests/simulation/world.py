"""One world: the platform and the telephone network on one clock, with everything that the plan lets happen.

The product is the real one from the handlers on: use cases, codecs, the deployed state machine. The store is the one
in memory that keeps the contract of the real adapters (tests/contract/). Every function of the platform is invoked
here and nowhere else, each with its faults, so this file is longer than others.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import functions.flow.handler as flow_handler
import functions.notify_sp.handler as notify_handler
import functions.sweep.handler as sweep_handler
from duologue.adapters.carriers.chime_network import ChimeNetwork, ChimePromptStopper
from duologue.adapters.carriers.sip_network import SipNetwork, SipPromptStopper
from duologue.domain.access.accounts import App, Sp
from duologue.domain.calls.call import Phase
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.calls.node import node_of
from duologue.domain.errors import DuologueError, MemoryChanged, OutsideUnavailable, RequestRefused, UnknownMemory
from duologue.domain.memory.memory_history import Pair, Repointing
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.runtime.wiring.flow import Dependencies
from duologue.runtime.wiring.notify_sp import Dependencies as NotifyDependencies
from duologue.runtime.wiring.sweep import Dependencies as SweepDependencies
from duologue.usecases.accounting.bury_nodes import BuryNodes
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.accounting.reconcile_calls import ReconcileCalls
from duologue.usecases.accounting.sweep_calls import SweepCalls
from duologue.usecases.calls.place_callback import PlaceCallback, RingTimeouts
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.usecases.calls.run_flow import RunFlow
from duologue.usecases.calls.stop_callback import StopCallback
from duologue.usecases.media.publish_recording import publish_recording
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.memory.forget_memory import ForgetMemory
from duologue.usecases.memory.repoint_memory import RepointMemory
from duologue.usecases.notifying.forward_facts import Committed, ForwardFacts
from duologue.usecases.notifying.notify_sp import NotifySp
from duologue.usecases.notifying.queue_due import QueueDue
from duologue.usecases.ports.flows import FlowOrder
from duologue.usecases.ports.network import Network, PromptStopper
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.until_written import no_pause
from duologue.wire.chime.answer import Buckets
from duologue.wire.chime.network_format import ChimeFormat
from duologue.wire.huawei.cdrs import HuaweiCdrs
from duologue.wire.huawei.notifications import HuaweiWebhooks
from lab.aws.switches import CloudSwitches
from pstn.exchange import Exchange
from pstn.lambdas import InvocationFault
from pstn.lines.virtual import Phone
from pstn.switches import Switches
from tests.fakes.accounts import FakeAccounts
from tests.fakes.answering import answering
from tests.fakes.call_lists import FakeCallLists
from tests.fakes.calls import FakeCalls
from tests.fakes.cdr_archive import FakeCdrArchive
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.placing import placing
from tests.fakes.recordings import RECORDS
from tests.journeys.flow_player import FlowPlayer, FunctionDied
from tests.journeys.flow_player import Invocation as TaskInvocation
from tests.journeys.flow_player import InvocationFault as TaskFault
from tests.journeys.line import START, ExchangeClient, document
from tests.journeys.nodes import ExchangeRequests, Nodes
from tests.simulation import fibers, plan
from tests.simulation.fibers import FiberClock
from tests.simulation.plan import Callback, Fault, How, Item, Repoint, Return
from tests.simulation.ports import Invocation, Port, Requests, of_a_node, of_the_sdk, unavailable
from tests.simulation.queues import Queues, Stream
from tests.simulation.sps import GONE, Servers, app_key
from tests.simulation.watch import Watch

if TYPE_CHECKING:
    from duologue.adapters.carriers.dynamo_nodes import DynamoNodes

_COUNTING: tuple[Any, ...] = (flow_handler, notify_handler, sweep_handler)
"""They print a line for each metric."""
_MINUTE = timedelta(minutes=1)
_TRIES_S, _TRY_AGAIN_S = 7.0, 0.3
"""Of call_control, for a last hang-up (runtime/wiring/call_control.py)."""
_SP_AGAIN = (2.0, 20.0, 60.0, 120.0)
"""Seconds until an SP repeats a request that failed, with the same idempotency key."""
_ASYNC_AGAIN = (60.0, 120.0, 240.0)
HOST = "ce1.example.com"
_BUCKET = "the bucket"
DISPLAYS = (("+12025550100", "+12025550101"), ("+12025550102", "+12025550103"))
SETTLING = 180.0
"""Seconds from the end of a call until everything that hangs on it must be in order."""
Say = Callable[[datetime, int | None, str], None]
"""(when, item, text): a line of the story."""


class Wrong(Exception):
    """A promise is broken. `invariant`: its name. `items`: those that it is about."""

    def __init__(self, invariant: str, items: tuple[int, ...], text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant, self.items, self.text = invariant, items, text


class Simulation:
    def __init__(
        self,
        drawn: plan.World,
        check: Any = None,
        say: Say | None = None,
        *,
        carrier: str = "chime",
        deaths: Sequence[float] = (),
    ) -> None:
        """`check`: the invariants (invariants.py). `say`: hears the story, line by line.

        `deaths`: of Carrier sip, seconds at which the node that takes calls dies, and another one takes them.
        """
        self.plan, self.carrier, self._deaths = drawn, carrier, deaths
        self._sweeps = True
        """Whether a sweep is to come; else one follows the next commit."""
        self.died_at: dict[str, datetime] = {}
        """By node."""
        self.items: dict[int, Item] = {item.number: item for item in drawn.items}
        self.check, self._say = check, say
        self.clock = FiberClock(START)
        self.requests = Requests(self.clock.sleep)
        self.requests.on_strike = self._struck
        if say is not None:
            self.requests.on_request = self._requested
        self.struck: list[tuple[int | None, Fault]] = []
        self.unexpected: list[tuple[int | None, Exception]] = []
        self._counts: Counter[tuple[str, int | None]] = Counter()
        self.item_of: dict[str, int] = {}
        """By call id, accepted or not."""
        self.calls_of: dict[int, list[str]] = {}
        """The ids of accepted calls, by item."""
        self.given: dict[int, set[str]] = {}
        """The calls that the SP knows of, by item."""
        self.failed_requests: dict[int, int] = {}
        """Requests that the SP got an error for, by item."""
        self.hang_ups: dict[str, list[tuple[int, bool, bool]]] = {}
        """By network call: each invocation of a HANGUP: its event, whether a fault struck it, and defeated it."""
        self.lost_hang_ups: set[str] = set()
        self.repointed: list[tuple[datetime, datetime, Repoint, bool | None]] = []
        """When the SP asked and was answered; whether it succeeded: None: it never learned."""
        self.published: set[str] = set()
        self.slots_freed = 0
        """By the sweeper, which finds none unless one leaked."""
        self.reconciled: Counter[str] = Counter()
        """What the reconciliation found."""
        self.finalized_at: dict[str, datetime] = {}
        """By call."""
        self.other_answers: list[tuple[int, str]] = []
        """Items and events of which a repeat got another answer."""
        self.rang_in: list[tuple[datetime, Return, str]] = []
        self._arriving = -1
        self._numbers: Counter[int] = Counter()
        self._over_checked: set[str] = set()
        self._make_platform()

    # -- wiring

    def _make_platform(self) -> None:
        clock, port = self.clock, self._port
        self.calls = _Calls(clock)
        self.calls.on_commit = self._committed
        self.accounts = FakeAccounts()
        self.seal = FakeMemorySeal()
        self.archive, self.cdr_format = FakeCdrArchive(), HuaweiCdrs(HOST)
        ids = (f"network-{number}" for number in count(1))
        self.nodes = nodes = Nodes(clock)
        new_transaction = nodes.new_transaction if self.carrier == "sip" else None
        self.exchange = Exchange(
            clock,
            self._invoke,
            Switches(),
            fault=self._event_fault,
            new_id=lambda: next(ids),
            new_transaction=new_transaction,
        )
        self.exchange.line.recorded = lambda recording_id: BytesIO(b"RIFF")  # type: ignore[method-assign]
        self.watch = Watch(lambda call_id: self.item_of[call_id], lambda: self._arriving)
        self.watch.on_recorded = self._recorded
        self.exchange.observers.append(self.watch)
        if self._say is not None:
            self.exchange.observers.append(self._narrate)
        self._open_accounts()
        cloud = CloudSwitches(early_completion=self.plan.early, crash_name=self.plan.crash_name)  # type: ignore[arg-type]
        self.player = FlowPlayer(document(), clock, {"flow": self._flow}, behaviour=cloud, chance=lambda: 0.5)
        self.player.transition_seconds = self.plan.transition
        self.player.fault = self._task_fault
        self.servers = Servers(clock, self.plan.outages, self._server_fault)
        self.queues = Queues(clock, self._notify)
        self.stream = Stream(clock, self._outbox, self._late)
        self.isolate = FakeFailureIsolation()

        network: Network
        stopper: PromptStopper
        if self.carrier == "sip":
            posts = port(_ToNode(self.exchange, nodes, self._switches_of), plan.NETWORK, of_a_node)
            sip = SipNetwork(cast("DynamoNodes", nodes), posts, self.application, clock, lambda: 0.5)
            network, stopper = sip, SipPromptStopper(lambda _: sip)
        else:
            client: Any = port(_Client(self.exchange, self._switches_of), plan.NETWORK, of_the_sdk)
            network, stopper = ChimeNetwork(client, self.application), ChimePromptStopper(client)
        calls, flows, seal = port(self.calls, plan.STORE), port(self, plan.STATE_MACHINE), port(self.seal, plan.KEYS)
        inbound = port(FakeInboundCalls(self.calls, self.accounts), plan.STORE)
        marks = count(1)
        finalize = FinalizeCall(calls, network, flows, clock, no_pause)
        run_flow = RunFlow(calls, network, clock, no_pause, lambda: f"00000000-0000-4000-8000-{next(marks):012}")
        self._verbs = Dependencies(run_flow, finalize)
        self._format = ChimeFormat(Buckets("prompts-bucket", "recordings-bucket"))
        answer_inbound = answering(calls, self._format, inbound=inbound, seal=seal)
        self._process = ProcessNetworkEvent(
            calls, flows, self._format, stopper, no_pause, answer_inbound, self._begin_tries
        )
        self._stop_callback = StopCallback(calls, None if self.carrier == "sip" else network, flows, clock, no_pause)
        self._place_callback: PlaceCallback = placing(
            calls, flows, clock, self._new_id, endpoints=self.servers, seal=seal, timeouts=RingTimeouts()
        )
        notices = port(self.queues, plan.QUEUE)
        webhooks = HuaweiWebhooks(HOST, lambda: "66C92B11FF8A425FB8D4CCFE0ED9ED1F", RECORDS)
        notify_sp = NotifySp(
            calls, webhooks, _Endpoints(self.servers, port(self.servers, plan.SP)), notices, clock, lambda: 0.5
        )
        self._notify_sp = NotifyDependencies(notify_sp, notices.give_back)
        self._forward = ForwardFacts(calls, flows, notices, self.isolate)
        recordings = port(_Recordings(self.exchange, self.published), _BUCKET)
        archive, cdrs = port(self.archive, _BUCKET), self.cdr_format
        reconcile = ReconcileCalls(
            calls,
            calls,
            calls,
            flows,
            notices,
            recordings,
            FakeCallLists(FakeCalls()),
            archive,
            cdrs,
            clock,
            self.isolate,
            no_pause,
        )
        sweep_calls = SweepCalls(calls, finalize, clock, self.isolate)
        kept: Any = _Keeping(reconcile, self.reconciled)
        bury = BuryNodes(port(nodes, plan.STORE), calls, finalize, clock, self.isolate, self._wait)
        queue_due, of_sip = QueueDue(calls, notices, clock), self.carrier == "sip"
        self._swept = SweepDependencies(calls, sweep_calls, queue_due, kept, clock, bury if of_sip else None)
        self._ports = calls
        find = FindMemory(inbound, port(self.calls.memories, plan.STORE), seal, clock, "displayNbr")
        self._find = find
        self._repoint_memory = RepointMemory(find, self._place_callback.rules, no_pause)
        self._forget_memory = ForgetMemory(find, no_pause)
        self._publisher = port(_Publisher(self.published), _BUCKET)

    def _switches_of(self, call_id: str) -> Switches:
        item = self.items[self.item_of[call_id]]
        return Switches(**dict(item.switches)) if isinstance(item, Callback | Return) else Switches()

    def _port(self, target: Any, service: str, error: Callable[[How], Exception] = unavailable) -> Any:
        return Port(target, service, self.requests, error)

    def _open_accounts(self) -> None:
        self.application = self.exchange.create_sma("simulation", "arn:aws:lambda:us-east-1:111122223333:function:cc")
        for number, shown in enumerate(DISPLAYS):
            key, sp = app_key(number), f"sp-{number}"
            self.accounts.add_sp(Sp(sp, sp, "hash"))
            app = App(
                key=key,
                sp=sp,
                secret="ExampleSecret0123456789abcd",
                display_numbers=shown,
                status_url=f"http://127.0.0.1:9/{key}/status",
                fee_url=f"http://127.0.0.1:9/{key}/fee",
                concurrent_calls=(1000, 12)[number],
                calls_per_second=1000,
                recording=True,
            )
            self.accounts.apps[key] = self.calls.apps[key] = app
            for display in shown:
                self.accounts.claim_number(display, key, sp)
                self.exchange.own(display)
                target = {"SipMediaApplicationId": self.application, "Priority": 1, "AwsRegion": "us-east-1"}
                rule = {"Name": display, "TriggerType": "ToPhoneNumber", "TriggerValue": display}
                self.exchange.account.create_rule(rule | {"TargetApplications": [target]})

    # -- the course of the world

    def run(self) -> None:
        """Until nothing is left to happen. Raises Wrong."""
        logging.disable(logging.CRITICAL)
        counters = {module: module.count for module in _COUNTING}
        reports: Any = notify_handler
        reported = reports.report_unexpected
        reports.report_unexpected = self._reported
        for module in _COUNTING:
            module.count = lambda *args, **more: None
        try:
            for item in self.plan.items:
                self.clock.call_later(item.at, partial(self._begin_item, item))
            for outage in self.plan.outages:
                if outage.how == GONE:
                    self.clock.call_later(outage.ends, partial(self._switch_on, outage.app))
            for away in self.plan.away:
                self.clock.call_later(away.begins, partial(self.requests.away.add, away.service))
                self.clock.call_later(away.ends, partial(self.requests.away.discard, away.service))
            for death in self._deaths:
                self.clock.call_later(death, self._node_dies)
            self.clock.call_later(60.0, self._sweep)
            self.clock.run()
        finally:
            logging.disable(logging.NOTSET)
            reports.report_unexpected = reported
            for module, counter in counters.items():
                module.count = counter
        if self.check is not None:
            self.check.at_the_end(self)

    def _node_dies(self) -> None:
        """Its calls end for the far ends, and the platform hears nothing of it."""
        self.died_at[self.nodes.alive] = self.clock.now()
        self.nodes.start()
        self.exchange.end_calls("the node is dead")

    def _wait(self, time: timedelta) -> None:
        self.clock.sleep(time.total_seconds())

    def _reported(self, function: str, **extra: Any) -> None:
        """A handler met an error that it does not know, and raises the alarm."""
        error = sys.exc_info()[1]
        assert isinstance(error, Exception)
        self.unexpected.append((fibers.current().of, error))
        self.tell(fibers.current().of, f"!! {function} reports {type(error).__name__}: {error}")

    def _begin_item(self, item: Item) -> None:
        match item:
            case Callback():
                self._phone(item.caller, item.caller_does)
                self._phone(item.callee, item.callee_does)
                self._request(item, 0)
                for stop in item.stops:
                    self.clock.call_later(stop, lambda: self._stop(item, 0))
            case Return():
                self._call_in(item)
            case Repoint():
                self._repoint(item, 0, None)

    def _phone(self, number: str, does: Any) -> None:
        if number in self.exchange.phones:
            self.exchange.phones[number].behaviour = does
        else:
            self.exchange.phones[number] = Phone(does)

    # -- invocations

    def _invocation(self, function: str, item: int | None) -> Invocation:
        self._counts[function, item] += 1
        nth = self._counts[function, item]
        given = self.items[item].faults if item is not None else self.plan.sweep_faults
        faults = tuple(fault for fault in given if fault.function == function and fault.nth == nth)
        return Invocation(function, item, nth, faults)

    def _run(self, invocation: Invocation, work: Callable[[], Any]) -> Any:
        before = fibers.enter(invocation)
        try:
            return work()
        except (DuologueError, FunctionDied):
            raise
        except Exception as error:  # it is raised again; that it was none of ours breaks a promise
            self.unexpected.append((invocation.of, error))
            self.tell(invocation.of, f"{invocation.function}: {type(error).__name__}: {error}")
            raise
        finally:
            fibers.enter(before)

    def _strike(self, invocation: Invocation, fault: Fault) -> None:
        invocation.struck.append(fault)
        self._struck(invocation, fault, "")

    def _struck(self, invocation: Invocation, fault: Fault, request: str) -> None:
        self.struck.append((invocation.of, fault))
        self.tell(invocation.of, f"!! {fault}{f', at {request}' if request else ''}")

    # -- call_control

    def _event_fault(self, event: dict[str, Any], attempt: int) -> InvocationFault:
        """As the network is about to send an event."""
        transaction = event["CallDetails"]["TransactionId"]
        if node_of(transaction) in self.died_at:
            return InvocationFault(reached=False)
        invocation = self._invocation(plan.CALL_CONTROL, self.watch.calls[transaction].of)
        fibers.getcurrent().event = invocation  # type: ignore[attr-defined]
        of_all = invocation.at(0)
        if event["InvocationEventType"] == "HANGUP":
            self.hang_ups.setdefault(transaction, [])
        if of_all is None:
            return InvocationFault()
        self._strike(invocation, of_all)
        match of_all.how:
            case How.NOT_REACHED:
                self._note_hang_up(event, invocation)
                return InvocationFault(reached=False)
            case How.ANSWER_LOST:
                return InvocationFault(reply_lost=True)
            case How.AGAIN:
                copy = json.loads(json.dumps(event))
                self.clock.call_later(of_all.seconds, lambda: self._again(copy, invocation.of))
        return InvocationFault()

    def _again(self, event: dict[str, Any], item: int | None) -> None:
        """The same event to another invocation; its answer goes nowhere."""
        try:
            self._call_control(event, self._invocation(plan.CALL_CONTROL, item))
        except RuntimeError:
            return

    def _invoke(self, lambda_arn: str, event: dict[str, Any]) -> Any:
        return self._call_control(event, fibers.getcurrent().event)  # type: ignore[attr-defined]

    def _call_control(self, event: dict[str, Any], invocation: Invocation) -> Any:
        of_all = invocation.at(0)
        if of_all is not None and of_all.how is How.LATE:
            self.clock.sleep(of_all.seconds)
        if of_all is not None and of_all.how is How.FAILED:
            self._note_hang_up(event, invocation)
            raise RuntimeError("the function was not started")
        try:
            answer = self._run(invocation, lambda: self._answer(event))
        except FunctionDied:
            raise RuntimeError("the process ended") from None
        except OutsideUnavailable as error:
            raise RuntimeError("the function failed, so that the network repeats the event") from error
        finally:
            self._note_hang_up(event, invocation)
        if not invocation.struck:
            self._compare(event, answer)
        return answer

    def _compare(self, event: dict[str, Any], answer: Any) -> None:
        """A repeat of an event that was processed gets the same answer (R12)."""
        network_call, key = event["CallDetails"]["TransactionId"], f"{event['Sequence']:06d}"
        item = self.watch.calls[network_call].of
        for call_id in self.calls_of.get(item, ()):
            before = self.calls.processed(call_id, network_call, key)
            if before is not None and json.loads(before.answer) != answer:
                self.other_answers.append((item, f"event {key} of {network_call}"))

    def _begin_tries(self) -> Callable[[], bool]:
        until = self.clock.now() + timedelta(seconds=_TRIES_S)

        def may_try_again() -> bool:
            if self.clock.now() >= until:
                return False
            self.clock.sleep(_TRY_AGAIN_S)
            return True

        return may_try_again

    def _answer(self, event: dict[str, Any]) -> Any:
        return json.loads(self._process(self._format.read(event, self.clock.now())))

    def _note_hang_up(self, event: dict[str, Any], invocation: Invocation) -> None:
        if event["InvocationEventType"] == "HANGUP":
            noted = self.hang_ups.setdefault(event["CallDetails"]["TransactionId"], [])
            noted.append((event["Sequence"], bool(invocation.struck), invocation.is_defeated))

    # -- flow

    def _task_fault(self, task: TaskInvocation) -> TaskFault:
        invocation = self._invocation(plan.TASK, self.item_of[task.payload["callId"]])
        of_all = invocation.at(0)
        if of_all is None:
            return TaskFault()
        self._strike(invocation, of_all)
        match of_all.how:
            case How.AGAIN:
                return TaskFault(runs=2)
            case How.LATE:
                return TaskFault(after=of_all.seconds)
            case How.FAILED:
                return TaskFault(error="Lambda.TooManyRequestsException", runs=0)
        return TaskFault(error="Lambda.Unknown", after=of_all.seconds)

    def _flow(self, payload: dict[str, Any]) -> dict[str, Any]:
        invocation = self._invocation(plan.FLOW, self.item_of[payload["callId"]])
        return dict(self._run(invocation, lambda: flow_handler.answer(payload, self._verbs)))

    # -- plays Flows

    def start(self, order: FlowOrder) -> None:
        if order.call_id in self.player.executions:
            return
        waits = {
            "callerWaitSeconds": order.caller_wait,
            "calleeWaitSeconds": order.callee_wait,
            "talkSeconds": order.talk,
            "lastMinuteSeconds": order.last_minute,
        }
        seconds = {name: max(1, int(wait.total_seconds())) for name, wait in waits.items()}
        self.player.start(order.call_id, {"callId": order.call_id, **seconds})

    def resume(self, token: str) -> bool:
        return self.player.succeed(token)

    def interrupt(self, token: str) -> None:
        self.player.fail(token, "CallStopping")

    # -- the stream and the queues

    def _committed(self, committed: Committed) -> None:
        call_id, running = committed.call_id, fibers.current()
        if call_id not in self.item_of and running is not None and running.of is not None:
            self._accepted(call_id, running.of)
        self.stream(committed)
        if not self._sweeps:
            self._sweeps = True
            self.clock.call_later(60.0, self._sweep)
        call = self.calls.rows[call_id].call
        if call.phase is Phase.OVER and call_id not in self._over_checked:
            self._over_checked.add(call_id)
            self.finalized_at[call_id] = self.clock.now()
            if self.check is not None:
                self.clock.call_later(SETTLING, lambda: self.check.of_call(self, call_id))

    def _accepted(self, call_id: str, item: int) -> None:
        self.item_of[call_id] = item
        self.calls_of.setdefault(item, []).append(call_id)

    def _late(self, committed: Committed) -> float:
        of_all = self._invocation("record", self.item_of[committed.call_id])
        faults = [
            fault
            for fault in self.items[of_all.of].faults
            if fault.function == plan.OUTBOX and fault.how is How.LATE and fault.nth == of_all.nth
        ]
        for fault in faults:
            self._strike(of_all, fault)
        return sum(fault.seconds for fault in faults)

    def _outbox(self, batch: list[Committed]) -> None:
        item = self.item_of[batch[0].call_id]
        invocation = self._invocation(plan.OUTBOX, item)
        of_all = invocation.at(0)
        if of_all is not None and of_all.how is How.AGAIN:
            self._strike(invocation, of_all)
            self.clock.call_later(of_all.seconds, lambda: self._outbox_again(batch, item))
        self._run(invocation, lambda: self._forward(batch))

    def _outbox_again(self, batch: list[Committed], item: int) -> None:
        try:
            self._run(self._invocation(plan.OUTBOX, item), lambda: self._forward(batch))
        except (DuologueError, FunctionDied):
            return

    def _notify(self, event: dict[str, Any], notice: Notice, chain: int) -> dict[str, Any]:
        invocation = self._invocation(plan.NOTIFY, self.item_of[notice.call_id])
        invocation.chain = chain
        of_all = invocation.at(0)
        if of_all is not None:
            self._strike(invocation, of_all)
            if of_all.how is How.LATE:
                self.clock.sleep(of_all.seconds)
            else:
                self.queues.repeat(notice, of_all.seconds)
        return dict(self._run(invocation, lambda: notify_handler.answer(event, self._notify_sp)))

    def _server_fault(self, call_id: str) -> tuple[str, float] | None:
        invocation = self._invocation(plan.SP, self.item_of[call_id])
        of_all = invocation.at(0)
        if of_all is None:
            return None
        self._strike(invocation, of_all)
        return of_all.how, of_all.seconds

    # -- the sweeper

    def _sweep(self) -> None:
        """Each minute while something goes on; then at the minutes at which something is due."""
        began = self.clock.now()
        try:
            said = self._run(self._invocation("sweep", None), lambda: sweep_handler.answer(self._swept))
            self.slots_freed += said["freed"]
        except (OutsideUnavailable, FunctionDied) as error:
            self.tell(None, f"the sweep fails: {type(error).__name__}")
        self.unexpected += [(self.item_of.get(call_id), error) for call_id, error in self.isolate.told]
        self.isolate.told.clear()
        now = began
        last = START + timedelta(seconds=self.plan.items[-1].at + 600) if self.plan.items else START
        due = [row.close_by for row in self.calls.rows.values() if row.close_by is not None]
        due += [look_at for _, look_at in self.calls.waiting.values()]
        due += self.calls.to_reconcile.values()
        if now < last or any(self.calls.slots.values()):
            due.append(now)
        elif not due:
            self._sweeps = False
            return
        minutes = max(1, -((now - min(due)) // _MINUTE))
        took = (self.clock.now() - began).total_seconds()
        self.clock.call_later(max(0.0, 60.0 * minutes - took), self._sweep)

    # -- what the SP does

    def _request(self, item: Callback, attempt: int) -> None:
        invocation = self._invocation(plan.PLACE, item.number)
        of_all = invocation.at(0)
        if of_all is not None and (item.key or of_all.how is How.ANSWER_LOST):
            self._strike(invocation, of_all)
            if of_all.how is How.AGAIN:
                self.clock.call_later(of_all.seconds, lambda: self._request(item, len(_SP_AGAIN)))
        app, shown = self.accounts.apps[app_key(item.app)], DISPLAYS[item.app]
        request = CallbackRequest(
            caller=PhoneNumber(item.caller),
            callee=PhoneNumber(item.callee),
            caller_sees=PhoneNumber(shown[0]),
            callee_sees=PhoneNumber(shown[1]),
            bind_number=PhoneNumber(shown[0]),
            longest_talk=None if item.longest_talk is None else timedelta(minutes=item.longest_talk),
            wants_record=item.records,
            wants_prompt_before_callee=item.plays_before,
            wants_memory=True,
        )
        key = IdempotencyKey.of(f"order-{item.number}", b"request") if item.key else None
        try:
            placed = self._run(invocation, lambda: self._place_callback(lambda: request, app, key, is_test=False))
        except RequestRefused as refusal:
            self.tell(item.number, f"the SP's request is refused: {type(refusal).__name__}")
            return
        except (OutsideUnavailable, FunctionDied) as error:
            answer = f"the SP's request fails: {type(error).__name__}"
        else:
            answer = f"the SP's request is accepted: {placed.id}{' (repeated)' if placed.repeated else ''}"
            if of_all is None or of_all.how is not How.ANSWER_LOST:
                self.given.setdefault(item.number, set()).add(placed.id)
                self.tell(item.number, answer)
                return
        self.tell(item.number, answer)
        self.failed_requests[item.number] = self.failed_requests.get(item.number, 0) + 1
        if item.key and attempt < len(_SP_AGAIN):
            self.clock.call_later(_SP_AGAIN[attempt], lambda: self._request(item, attempt + 1))

    def _new_id(self, now: datetime) -> str:
        item = fibers.current().of
        self._numbers[item] += 1
        call_id = f"1_{item}_{self._numbers[item]}_{now:%Y%m%d%H%M%S}"
        self._accepted(call_id, item)
        return call_id

    def _stop(self, item: Callback, attempt: int) -> None:
        for call_id in sorted(self.given.get(item.number, ())):
            invocation = self._invocation(plan.STOP, item.number)
            of_all = invocation.at(0)
            if of_all is not None:
                self._strike(invocation, of_all)
                self.clock.call_later(of_all.seconds, lambda: self._stop(item, len(_SP_AGAIN)))
            self.tell(item.number, "the SP stops the call")
            try:
                self._run(invocation, partial(self._stop_callback, call_id, app_key(item.app)))
            except RequestRefused:
                continue
            except (OutsideUnavailable, FunctionDied):
                if attempt < len(_SP_AGAIN):
                    self.clock.call_later(_SP_AGAIN[attempt], lambda: self._stop(item, attempt + 1))

    def _call_in(self, item: Return) -> None:
        self._arriving = item.number
        self.exchange.switches = Switches(**dict(item.switches))
        number, display = item.dialler, DISPLAYS[item.app][1]
        if number not in self.exchange.phones or self.exchange.phones[number].current is not None:
            return  # a person in a call does not dial
        self.rang_in.append((self.clock.now(), item, display))
        self.exchange.call_in(number, display, caller_id="anonymous" if item.withheld else None)
        if item.patience is not None:
            mine = self.exchange.phones[number].last

            def leave() -> None:
                if mine is not None and not mine.joined and mine.ended_at is None:
                    self.exchange.line.hang_up_by_hand(number)

            self.clock.call_later(item.patience, leave)

    def _repoint(self, item: Repoint, attempt: int, version: int | None) -> None:
        """An SP looks the memory up, then changes it; after an error it repeats the change as it was."""
        app = self.accounts.apps[app_key(item.app)]
        pair = Pair(PhoneNumber(DISPLAYS[item.app][1]), PhoneNumber(item.dialler))
        asked, done = self.clock.now(), None

        def change() -> None:
            nonlocal version
            if version is None:
                version = self._find(pair, app).memory.version
            if item.target is None:
                self._forget_memory(pair, version, app, "the SP")
            else:
                self._repoint_memory(Repointing(pair, PhoneNumber(item.target), version), app, "the SP")

        try:
            self._run(self._invocation(plan.REPOINT, item.number), change)
            done = True
        except (MemoryChanged, UnknownMemory):
            done = None if attempt else False
        except RequestRefused:
            done = False
        except (OutsideUnavailable, FunctionDied):
            if version is not None:
                self.repointed.append((asked, self.clock.now(), item, None))
            if attempt < len(_SP_AGAIN):
                self.clock.call_later(_SP_AGAIN[attempt], lambda: self._repoint(item, attempt + 1, version))
            return
        self.tell(item.number, f"the SP changes who is rung for {item.dialler}: {done}")
        self.repointed.append((asked, self.clock.now(), item, done))

    def _switch_on(self, app: int) -> None:
        """The operator, after a 410."""
        key = app_key(app)
        if key in self.calls.health:
            self.calls.health[key] = EndpointHealth(version=self.calls.health[key].version)

    # -- recordings

    def _recorded(self, place: str) -> None:
        self.clock.call_later(0.5, lambda: self._publish(place.partition("/")[2], 0))

    def _publish(self, key: str, attempt: int) -> None:
        call_id = key.split("/")[2]
        invocation = self._invocation(plan.PUBLISH, self.item_of[call_id])
        of_all = invocation.at(0)
        if of_all is not None:
            self._strike(invocation, of_all)
            self.clock.call_later(of_all.seconds, lambda: self._publish(key, len(_ASYNC_AGAIN)))
            if of_all.how is How.LATE:
                return
        try:
            self._run(invocation, lambda: publish_recording(key, calls=self._ports, publisher=self._publisher))
        except (OutsideUnavailable, FunctionDied):
            if attempt < len(_ASYNC_AGAIN):
                self.clock.call_later(_ASYNC_AGAIN[attempt], lambda: self._publish(key, attempt + 1))

    # -- the story

    def tell(self, item: int | None, text: str) -> None:
        if self._say is not None:
            self._say(self.clock.now(), item, text)

    def _requested(self, invocation: Invocation, name: str, args: tuple[Any, ...], result: Any) -> None:
        came = f" → {type(result).__name__}" if isinstance(result, Exception) else ""
        self.tell(invocation.of, f"{invocation.function} #{invocation.nth}: {invocation.point} {name}{came}")

    def _narrate(self, event: Any) -> None:
        call = self.watch.calls.get(str(event.transaction))
        detail = event.detail
        if event.kind in ("event", "repeat"):
            sent = detail["event"]
            action = sent.get("ActionData", {}).get("Type", "")
            text = f"{event.kind} {sent['Sequence']} {sent['InvocationEventType']} {action}".rstrip()
        elif event.kind == "answer":
            text = f"answer to {detail['sequence']}: {[each['Type'] for each in detail['payload'].get('Actions', [])]}"
        else:
            shown = {
                name: value for name, value in detail.items() if name in ("reason", "text", "what", "by", "sip_code")
            }
            text = f"{event.kind} {event.number or ''} {shown or ''}".rstrip()
        self.tell(call.of if call else None, text)


class _Calls(FakeCalls):
    """The store by the clock of the world."""

    def __init__(self, clock: FiberClock) -> None:
        self._clock = clock
        super().__init__()

    @property
    def now(self) -> datetime:
        return self._clock.now()

    @now.setter
    def now(self, at: datetime) -> None: ...


class _Recordings:
    """Plays `Recordings` as far as its sizes go."""

    def __init__(self, exchange: Exchange, published: set[str]) -> None:
        self._exchange, self._published = exchange, published

    def size(self, key: str) -> int | None:
        objects: Any = self._exchange.recordings
        return 4 if key in self._published or ("recordings-bucket", key) in objects.objects else None


class _Keeping:
    """The reconciliation, which keeps what it found."""

    def __init__(self, reconcile: ReconcileCalls, found: Counter[str]) -> None:
        self._reconcile, self._found = reconcile, found

    def __call__(self, end: datetime | None = None) -> Any:
        reconciled = self._reconcile(end=end)
        self._found.update({str(what): number for what, number in reconciled.found.items()})
        return reconciled


class _Publisher:
    """Plays `Publisher`."""

    def __init__(self, made: set[str]) -> None:
        self._made = made

    def publish(self, key: str, published_key: str, keep_days: int) -> None:
        self._made.add(published_key)

    def remove(self, key: str) -> None:
        self._made.discard(key)


class _Endpoints:
    """Plays `SpEndpoints`, of which a failure is a reply without a status."""

    def __init__(self, servers: Servers, reached: Any) -> None:
        self._servers, self._reached = servers, reached

    def post(self, request: WebhookRequest) -> Reply:
        self._servers.note_attempt(request)
        try:
            reply: Reply = self._reached.post(request)
        except OutsideUnavailable as error:
            return Reply(None, note=str(error))
        return reply


class _Client(ExchangeClient):
    """The network of each call has the switches of its plan, from its dial on."""

    def __init__(self, exchange: Exchange, switches_of: Callable[[str], Switches]) -> None:
        super().__init__(exchange)
        self._of, self._switches_of = exchange, switches_of

    def create_sip_media_application_call(self, **asked: Any) -> dict[str, Any]:
        self._of.switches = self._switches_of(asked["ArgumentsMap"]["callId"])
        return super().create_sip_media_application_call(**asked)


class _ToNode(ExchangeRequests):
    """The same for the operator's own node."""

    def __init__(self, exchange: Exchange, nodes: Nodes, switches_of: Callable[[str], Switches]) -> None:
        super().__init__(exchange, nodes)
        self._of, self._switches_of = exchange, switches_of

    def post(self, address: str, path: str, body: Mapping[str, Any]) -> None:
        if "ArgumentsMap" in body:
            self._of.switches = self._switches_of(body["ArgumentsMap"]["callId"])
        super().post(address, path, body)

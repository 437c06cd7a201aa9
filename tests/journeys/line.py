"""A whole callback in memory: the local telephone network and the product joined through both wire codecs.

The flow is the deployed ASL, each of its states the product's own function; the clock jumps; no socket is opened. The
store is the one in memory that keeps the contract of the real one (tests/contract/test_calls.py), or the real adapters
on moto's DynamoDB.
"""

import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from duologue.adapters.carriers.chime_network import ChimeNetwork, ChimePromptStopper
from duologue.adapters.carriers.sip_network import SipNetwork, SipPromptStopper
from duologue.adapters.memory.dynamo_inbound_calls import DynamoInboundCalls
from duologue.adapters.notifying.sqs_notices import written
from duologue.call_control.prompt_keys import key_of
from duologue.call_control.prompts import AppPrompt, Prompt, PromptAudio
from duologue.domain.access.accounts import App, Sp
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call, NotifyTo
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.calls.node import node_of
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.runtime.wiring.flow import Dependencies
from duologue.usecases.accounting.bury_nodes import BuryNodes, Lost
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.accounting.sweep_calls import SweepCalls, Swept
from duologue.usecases.calls.place_callback import RingTimeouts
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent
from duologue.usecases.calls.run_flow import RunFlow
from duologue.usecases.calls.stop_callback import StopCallback
from duologue.usecases.notifying.forward_facts import Committed, ForwardFacts
from duologue.usecases.notifying.notify_sp import NotifySp
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.flows import FlowOrder
from duologue.usecases.ports.memories import InboundAnswer, TurnedAway
from duologue.usecases.ports.network import Network, PromptStopper
from duologue.usecases.ports.notifying import NO_WAIT, Notice
from duologue.usecases.until_written import no_pause
from duologue.wire.chime.answer import Buckets
from duologue.wire.chime.network_format import ChimeFormat
from duologue.wire.huawei.notifications import HuaweiWebhooks
from functions.flow.handler import answer
from lab.aws.switches import CloudSwitches
from pstn.clocks import JumpingClock
from pstn.exchange import Exchange
from pstn.feed import NetworkEvent
from pstn.lines.behaviours import Behaviour
from pstn.lines.virtual import Phone
from pstn.refusals import ServiceRefusal
from pstn.switches import Switches
from tests.fakes.accounts import FakeAccounts
from tests.fakes.answering import answering
from tests.fakes.calls import FakeCalls
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.placing import placing
from tests.fakes.recordings import RECORDS
from tests.journeys.asl import load
from tests.journeys.flow_player import FlowPlayer
from tests.journeys.nodes import ExchangeRequests, Nodes
from tests.journeys.tables import make_tables
from tests.store import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from duologue.adapters.carriers.dynamo_nodes import DynamoNodes

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
OWN = ("+12025550100", "+12025550101")
CALLER, CALLEE = "+12025550111", "+12025550122"
WRITTEN: list[str] = []
"""What the lines of a test wrote where more people look than in the store: executions, queues, object keys."""
_PROMPTS = {key_of(prompt): prompt for prompt in Prompt}
_STREAM_DELAY = 0.05
_STREAM_AGAIN = 60.0
_FLOW = "flow"


class StoreOnMoto(Store):
    """The real adapters, and the stream behind them."""

    def __init__(self, client: "DynamoDBClient | None" = None) -> None:
        """`client`: of another DynamoDB than moto's."""
        client, calls, accounts = make_tables(client)
        super().__init__(client, calls, accounts)
        self.on_commit: Callable[[Committed], None] = lambda committed: None
        self.accounts.change_app("app-1", lambda app: replace(app, display_numbers=OWN))
        self.inbound = DynamoInboundCalls(client, accounts, calls, self.core)

    def save(self, change: Change) -> None:
        self.core.save(change)
        numbers = range(change.after.facts - len(change.facts) + 1, change.after.facts + 1)
        self._told(change.after, numbers, resumes=change.resumes)

    def accept_inbound(self, answer: InboundAnswer) -> None:
        self.inbound.accept(answer)
        self._told(answer.call, range(1, len(answer.facts) + 1), starts_flow=answer.slots is not None)

    def _told(self, call: Call, numbers: range, **more: Any) -> None:
        sources = self.sources(call.id) if numbers else {}
        notices = tuple(Notice(call.id, number, sources[number], call.app) for number in numbers)
        self.on_commit(Committed(call.id, notices, **more))


class InboundOnMoto:
    """Plays `InboundCalls` with the real adapter."""

    def __init__(self, store: StoreOnMoto) -> None:
        self.find, self.count_unconnected = store.inbound.find, store.inbound.count_unconnected
        self.accept = store.accept_inbound


class Line:
    """One platform, one network, and as many callbacks as are placed on it."""

    carrier = "chime"
    """Of the lines that are made; `both_carriers` in conftest.py changes it."""

    def __init__(
        self,
        caller: Behaviour | None = None,
        callee: Behaviour | None = None,
        *,
        switches: Switches | None = None,
        cloud: CloudSwitches | None = None,
        fast_path: bool = True,
        timeouts: RingTimeouts | None = None,
        concurrent_calls: int = 10,
        on_moto: bool | StoreOnMoto = False,
        transition: float = 0.02,
    ) -> None:
        """`transition`: seconds from a completed wait to the next state.

        With 0, what that state asks of the network comes before the answer to the event that completed the wait.
        """
        self.clock = JumpingClock(START)
        self.timeouts = timeouts or RingTimeouts(caller_ring=timedelta(seconds=60))
        self.fast_path = fast_path
        self.calls: Any = StoreOnMoto() if on_moto is True else on_moto or FakeCalls()
        self.calls.on_commit = self._committed
        self.nodes = Nodes(self.clock)
        new_transaction = self.nodes.new_transaction if self.carrier == "sip" else None
        self.exchange = Exchange(self.clock, self._invoke, switches or Switches(), new_transaction=new_transaction)
        self.network_events: list[NetworkEvent] = []
        self.exchange.observers.append(self.network_events.append)
        self.accounts = FakeAccounts()
        self.accounts.add_sp(Sp("sp-1", "one", "hash"))
        for number in OWN:
            self.exchange.own(number)
        if caller:
            self.exchange.phones[CALLER] = Phone(caller)
        if callee:
            self.exchange.phones[CALLEE] = Phone(callee)
        self.application = self.exchange.create_sma("journey", "arn:aws:lambda:us-east-1:111122223333:function:cc")
        self._app = App(
            key="app-1",
            sp="sp-1",
            secret="ExampleSecret0123456789abcd",
            display_numbers=OWN,
            concurrent_calls=concurrent_calls,
        )
        self.app = self._app
        self.flows_away = False
        """The state machine's service is out of reach for whoever starts a flow."""
        for number in OWN:
            target = {"SipMediaApplicationId": self.application, "Priority": 1, "AwsRegion": "us-east-1"}
            rule = {"Name": number, "TriggerType": "ToPhoneNumber", "TriggerValue": number}
            self.exchange.account.create_rule(rule | {"TargetApplications": [target]})
        self.player = FlowPlayer(document(), self.clock, {_FLOW: self._flow}, behaviour=cloud)
        self.player.transition_seconds = transition
        client: Any = ExchangeClient(self.exchange)
        self.network: Network
        stopper: PromptStopper
        if self.carrier == "sip":
            requests, nodes = ExchangeRequests(self.exchange, self.nodes), cast("DynamoNodes", self.nodes)
            sip = SipNetwork(nodes, requests, self.application, self.clock, lambda: 0.5)
            self.network, stopper = sip, SipPromptStopper(lambda _: sip)
        else:
            self.network, stopper = ChimeNetwork(client, self.application), ChimePromptStopper(client)
        marks = count(1)
        finalize = FinalizeCall(self.calls, self.network, self, self.clock, no_pause)
        self.finalize = finalize
        self._verbs = Dependencies(
            RunFlow(
                self.calls, self.network, self.clock, no_pause, lambda: f"00000000-0000-4000-8000-{next(marks):012}"
            ),
            finalize,
        )
        self._format = ChimeFormat(Buckets("prompts-bucket", "recordings-bucket"))
        inbound = (
            InboundOnMoto(self.calls)
            if isinstance(self.calls, StoreOnMoto)
            else FakeInboundCalls(self.calls, self.accounts)
        )
        self.seal = FakeMemorySeal()
        self.turned_away: list[TurnedAway] = []
        answer_inbound = answering(self.calls, self._format, inbound=inbound, seal=self.seal, counted=self.turned_away)
        self._process = ProcessNetworkEvent(self.calls, self, self._format, stopper, no_pause, answer_inbound)
        api_network = None if self.carrier == "sip" else self.network
        self.stop_callback = StopCallback(self.calls, api_network, self, self.clock, no_pause)
        self.place_callback = placing(
            self.calls, self, self.clock, self.new_id, endpoints=self, seal=self.seal, timeouts=self.timeouts
        )
        self.notify = NotifyTo("http://127.0.0.1:9/status", "http://127.0.0.1:9/fee")
        self.requests: list[dict[str, Any]] = []
        self.told_at: dict[str, timedelta] = {}
        """When the SP was last told each kind of event, from the start of the journey."""
        self.isolate = FakeFailureIsolation()
        self.outage: tuple[float, float] | None = None
        """Seconds from and until which the flow finds the store out of reach."""
        self._numbers = 0
        self._queued: set[Notice] = set()

    @property
    def app(self) -> App:
        return self._app

    @app.setter
    def app(self, app: App) -> None:
        self._app = app
        if isinstance(self.calls, FakeCalls):
            self.calls.apps[app.key] = self.accounts.apps[app.key] = app
            for number in app.display_numbers:
                self.accounts.claim_number(number, app.key, app.sp)

    # -- what an SP does
    def place(self, **wanted: Any) -> str:
        """Ask for a callback; its id."""
        request = CallbackRequest(
            caller=PhoneNumber(wanted.pop("caller", CALLER)),
            callee=PhoneNumber(wanted.pop("callee", CALLEE)),
            caller_sees=PhoneNumber(OWN[0]),
            callee_sees=PhoneNumber(OWN[1]),
            bind_number=PhoneNumber(OWN[0]),
            notify=self.notify,
            **wanted,
        )
        return self.place_callback(lambda: request, self.app, is_test=False).id

    def call_in(self, number: str, display: str = OWN[1], *, caller_id: str | None = None, after: float = 0) -> None:
        """A phone dials a display number; `caller_id`: what it shows of itself."""

        def dial() -> None:
            assert self.exchange.call_in(number, display, caller_id=caller_id) is not None

        self.clock.call_later(after, dial)

    def stop(self, call_id: str) -> None:
        self.stop_callback(call_id, self.app.key)

    def stop_after(self, call_id: str, seconds: float) -> None:
        self.clock.call_later(seconds, lambda: self.stop(call_id))

    def store_fails(self, when: Callable[[dict[str, Any], int], bool]) -> None:
        """The store is out of reach of call_control for each event, and attempt to tell it, that `when` picks."""
        invoke, attempts, load_for = self.exchange.lambdas.invoke, Counter[int](), self.calls.load_for

        def out_of_reach(call_id: str, network_call: str, event: str) -> Any:
            raise OutsideUnavailable("calls table")

        def invoke_without(lambda_arn: str, event: dict[str, Any]) -> Any:
            attempts[event["Sequence"]] += 1
            self.calls.load_for = out_of_reach if when(event, attempts[event["Sequence"]]) else load_for
            try:
                return invoke(lambda_arn, event)
            finally:
                self.calls.load_for = load_for

        self.exchange.lambdas.invoke = invoke_without

    def sweep(self) -> Swept:
        return SweepCalls(self.calls, self.finalize, self.clock, self.isolate)()

    def kill_node(self) -> None:
        """Nothing is heard of its calls any more, and nothing reaches it; another one takes the next dials.

        Its legs end by themselves: at the far end, somebody notices.
        """
        self.nodes.start()
        self.exchange.end_calls("the node is dead")

    def bury(self) -> Lost:
        def wait(time: timedelta) -> None:
            self.clock.run_for(time.total_seconds())

        return BuryNodes(self.nodes, self.calls, self.finalize, self.clock, self.isolate, wait)()

    def run(self) -> "Line":
        """Until nothing is left to happen; at most two days of the clock."""
        self.exchange.run()
        recordings: Any = self.exchange.recordings
        WRITTEN.extend(key for _, key in recordings.objects)
        return self

    # -- what came of it
    @property
    def told_to_sp(self) -> list[str]:
        return [request["eventType"] for request in self.requests]

    @property
    def disconnect(self) -> dict[str, Any]:
        [told] = [request["statusInfo"] for request in self.requests if request["eventType"] == "disconnect"]
        return dict(told)

    @property
    def fee(self) -> dict[str, Any]:
        [told] = [request["feeLst"] for request in self.requests if request["eventType"] == "fee"]
        [record] = told
        return dict(record)

    def cdr(self, call_id: str) -> Cdr:
        cdr = self.calls.history(call_id).cdr
        assert isinstance(cdr, Cdr), "the call is not over"
        return cdr

    def states(self, call_id: str) -> list[str]:
        """The states that the flow of a call entered."""
        return self.player.executions[call_id].entered

    def heard_by(self, number: str) -> list[PromptAudio]:
        """Prompts in the order that they began; a repeated one counts once."""
        keys = [key for _, key in self.exchange.phones[number].heard]
        prompts = [_PROMPTS.get(key) or AppPrompt(*key.removeprefix("apps/").split("/")) for key in keys]
        return [prompt for index, prompt in enumerate(prompts) if index == 0 or prompts[index - 1] is not prompt]

    def check_all_over(self, *call_ids: str) -> None:
        """Nothing half-done remains: no leg, no execution, no slot, exactly one disconnect and one fee each."""
        assert self.isolate.told == []
        assert self.exchange.legs_up() == []
        assert {execution.status for execution in self.player.executions.values()} <= {"SUCCEEDED"}
        assert self.calls.in_use(self.app.key) == 0
        assert self.calls.overdue(self.clock.now() + timedelta(days=9), 10) == []
        for kind in ("disconnect", "fee"):
            assert self.told_to_sp.count(kind) == len(call_ids)
        assert len(set(map(json.dumps, self.requests))) == len(self.requests)

    # -- plays Flows
    def start(self, order: FlowOrder) -> None:
        if self.flows_away:
            raise OutsideUnavailable("state machine")
        waits = {
            "callerWaitSeconds": order.caller_wait,
            "calleeWaitSeconds": order.callee_wait,
            "talkSeconds": order.talk,
            "lastMinuteSeconds": order.last_minute,
        }
        seconds = {name: max(1, int(wait.total_seconds())) for name, wait in waits.items()}
        given = {"callId": order.call_id, **seconds}
        WRITTEN.append(json.dumps(given))
        self.player.start(order.call_id, given)

    def resume(self, token: str) -> bool:
        return self.fast_path and self.player.succeed(token)

    def interrupt(self, token: str) -> None:
        self.player.fail(token, "CallStopping")

    # -- plays Notices and SpEndpoints
    def queue(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            WRITTEN.append(written(notice))
            if notice not in self._queued:  # a FIFO queue takes a message once
                self._queued.add(notice)
                self._tell(notice)

    def queue_again(self, notices: Iterable[Notice], wait: timedelta = NO_WAIT) -> None:
        raise AssertionError("the SP takes everything")

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        return None

    def post(self, request: WebhookRequest) -> Reply:
        self.requests.append(json.loads(request.body))
        self.told_at[self.requests[-1]["eventType"]] = self.clock.now() - START
        return Reply(200)

    # -- inside
    def _committed(self, committed: Committed) -> None:
        self.clock.call_later(_STREAM_DELAY, lambda: self._forward(committed))

    def _forward(self, committed: Committed) -> None:
        """The stream repeats a batch that failed."""
        try:
            ForwardFacts(self.calls, _OutboxFlows(self), self, self.isolate)([committed])
        except OutsideUnavailable:
            self.clock.call_later(_STREAM_AGAIN, lambda: self._forward(committed))

    def _tell(self, notice: Notice) -> None:
        webhooks = HuaweiWebhooks("ce1.example.com", lambda: "66C92B11FF8A425FB8D4CCFE0ED9ED1F", RECORDS)
        NotifySp(self.calls, webhooks, self, self, self.clock, lambda: 0.5)(notice)

    def _invoke(self, lambda_arn: str, event: dict[str, Any]) -> Any:
        said = self._format.read(event, self.clock.now())
        if self.carrier == "sip" and node_of(said.network_call) != self.nodes.alive:
            return None  # a dead node invokes nothing
        return json.loads(self._process(said))

    def _flow(self, payload: dict[str, Any]) -> dict[str, Any]:
        """One invocation of the function. Step Functions keeps its payload, its result, or its error with its trace."""
        WRITTEN.append(json.dumps(payload))
        elapsed = (self.clock.now() - START).total_seconds()
        try:
            if self.outage and self.outage[0] <= elapsed < self.outage[1]:
                raise OutsideUnavailable("calls table")
            result = answer(payload, self._verbs)
        except Exception as error:  # it is raised again: Step Functions keeps the trace of any error
            WRITTEN.append("".join(traceback.format_exception(error)))
            raise
        WRITTEN.append(json.dumps(result))
        return result

    def new_id(self, now: datetime) -> str:
        self._numbers += 1
        return f"1_2_{self._numbers}_{now:%Y%m%d%H%M%S}"


class _OutboxFlows:
    """The second way that a wait is completed: from the stream, whatever became of the first."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def start(self, order: FlowOrder) -> None:
        self._line.start(order)

    def interrupt(self, token: str) -> None:
        raise AssertionError("the outbox breaks off nothing")

    def resume(self, token: str) -> bool:
        return self._line.player.succeed(token)


class ExchangeClient:
    """The telephone network as the SDK's client of it, without HTTP."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def create_sip_media_application_call(self, **asked: Any) -> dict[str, Any]:
        transaction = self._told(
            lambda: self._exchange.create_call(
                asked["SipMediaApplicationId"],
                from_number=asked["FromPhoneNumber"],
                to_number=asked["ToPhoneNumber"],
                arguments=asked["ArgumentsMap"],
            )
        )
        return {"SipMediaApplicationCall": {"TransactionId": transaction}}

    def update_sip_media_application_call(self, **asked: Any) -> dict[str, Any]:
        self._told(
            lambda: self._exchange.update_call(
                asked["SipMediaApplicationId"], asked["TransactionId"], asked["Arguments"]
            )
        )
        return {}

    def _told(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except ServiceRefusal as refusal:
            said = {
                "Error": {"Code": refusal.exception, "Message": refusal.message},
                "ResponseMetadata": {"HTTPStatusCode": refusal.status},
            }
            raise ClientError(said, "a request") from refusal  # type: ignore[arg-type]


@cache
def document() -> dict[str, Any]:
    return load({"Partition": "aws", "Flow": _FLOW})

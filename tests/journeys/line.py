"""A whole callback in memory: the local telephone network and the product joined through both wire codecs.

The store is the real adapter on moto's DynamoDB, the flow is the deployed ASL, the clock jumps. No socket is opened.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from duologue.adapters.dynamo_calls import DynamoCalls
from duologue.call_control.prompts import PromptAudio
from duologue.domain.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.accounts import App
from duologue.domain.call import Call, NotifyTo
from duologue.domain.callback_request import CallbackRequest
from duologue.domain.cdr import Cdr, cdr_of
from duologue.domain.errors import DuologueError, OutsideUnavailable
from duologue.domain.phone_number import PhoneNumber
from duologue.domain.webhook_request import Reply, WebhookRequest
from duologue.usecases.finalize_call import finalize_call
from duologue.usecases.forward_facts import Committed, forward_facts
from duologue.usecases.notify_sp import notify_sp
from duologue.usecases.place_callback import RingTimeouts, place_callback
from duologue.usecases.ports import Change, Notice
from duologue.usecases.process_network_event import process_network_event
from duologue.usecases.stop_callback import stop_callback
from duologue.usecases.sweep_calls import Swept, sweep_calls
from duologue.wire.chime.answer import Buckets, write_answer
from duologue.wire.chime.commands import END_COMMAND
from duologue.wire.chime.invocation import read_invocation
from duologue.wire.chime.prompt_keys import prompt_at
from duologue.wire.huawei.notifications import HuaweiWebhooks
from pstn.clocks import JumpingClock
from pstn.exchange import Exchange
from pstn.lines.behaviours import Behaviour
from pstn.lines.virtual import Phone
from pstn.refusals import ServiceRefusal
from pstn.switches import Switches
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.fakes.recordings import RECORDS
from tests.journeys.asl import TaskFailed, load
from tests.journeys.flow_player import FlowPlayer
from tests.journeys.tables import make_tables

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
OWN = ("+12025550100", "+12025550101")
CALLER, CALLEE = "+12025550111", "+12025550122"
_STREAM_DELAY = 0.05
_UPDATE_ITEM = "arn:aws:states:::aws-sdk:dynamodb:updateItem"
_CREATE, _UPDATE, _LAST, _END = "ring-caller", "ring-callee", "say-last-minute", "end-call"
_SETTLE = "arn:aws:states:::lambda:invoke"


class StreamedCalls(DynamoCalls):
    """The real store, and the stream behind it: what was inserted comes out a moment later."""

    line: "Line"

    def accept(
        self, call: Call, fact: Any, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS
    ) -> None:
        super().accept(call, fact, slots=slots, close_by=close_by, limits=limits)
        self.line.committed([Committed(call.id, 1)])

    def save(self, change: Change) -> None:
        super().save(change)
        self.line.writes += 1
        first = change.after.facts - len(change.facts) + 1
        items = [Committed(change.after.id, sequence) for sequence, _ in enumerate(change.facts, first)]
        resumes = [Committed(change.after.id, resumes=change.resumes)] if change.resumes else []
        self.line.committed([*resumes, *items])


class Line:
    """One platform, one network, and as many callbacks as are placed on it."""

    def __init__(
        self,
        caller: Behaviour | None = None,
        callee: Behaviour | None = None,
        *,
        switches: Switches | None = None,
        fast_path: bool = True,
        timeouts: RingTimeouts | None = None,
        concurrent_calls: int = 10,
    ) -> None:
        self.clock = JumpingClock(START)
        self.timeouts = timeouts or RingTimeouts(caller_ring=timedelta(seconds=60))
        self.fast_path = fast_path
        client, calls, accounts = make_tables()
        self._dynamo = client
        self.calls = StreamedCalls(client, calls, accounts, timedelta(days=90))
        self.calls.line = self
        self.exchange = Exchange(self.clock, self._invoke, switches or Switches())
        for number in OWN:
            self.exchange.own(number)
        if caller:
            self.exchange.phones[CALLER] = Phone(caller)
        if callee:
            self.exchange.phones[CALLEE] = Phone(callee)
        self.application = self.exchange.create_sma("journey", "arn:aws:lambda:us-east-1:111122223333:function:cc")
        self.app = App(
            key="app-1",
            sp="sp-1",
            secret="ExampleSecret0123456789abcd",
            display_numbers=OWN,
            concurrent_calls=concurrent_calls,
        )
        self.player = FlowPlayer(_asl(calls, self.application), self.clock, self._resources())
        self.notify = NotifyTo("http://127.0.0.1:9/status", "http://127.0.0.1:9/fee")
        self.requests: list[dict[str, Any]] = []
        self.told_at: dict[str, timedelta] = {}
        """When the SP was last told each kind of event, from the start of the journey."""
        self.writes = 0
        self.isolate = FakeFailureIsolation()
        self.outage: tuple[float, float] | None = None
        """Seconds from and until which the flow finds the store out of reach."""
        self._numbers = 0

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
        call = place_callback(
            request,
            self.app,
            calls=self.calls,
            flows=self,
            clock=self.clock,
            new_call_id=self.new_id,
            timeouts=self.timeouts,
            pause=lambda lost: None,
        )
        return call.id

    def stop(self, call_id: str) -> None:
        stop_callback(call_id, self.app.key, calls=self.calls, network=self, flows=self, clock=self.clock)

    def stop_after(self, call_id: str, seconds: float) -> None:
        self.clock.call_later(seconds, lambda: self.stop(call_id))

    def store_fails(self, when: Callable[[dict[str, Any], int], bool]) -> None:
        """The store is out of reach of call_control for each event, and attempt to tell it, that `when` picks."""
        invoke, attempts, load = self.exchange.lambdas.invoke, Counter[int](), self.calls.load_for

        def out_of_reach(call_id: str, network_call: str, sequence: int) -> Any:
            raise OutsideUnavailable("calls table")

        def invoke_without(lambda_arn: str, event: dict[str, Any]) -> Any:
            attempts[event["Sequence"]] += 1
            self.calls.load_for = out_of_reach if when(event, attempts[event["Sequence"]]) else load  # type: ignore[method-assign]
            try:
                return invoke(lambda_arn, event)
            finally:
                self.calls.load_for = load  # type: ignore[method-assign]

        self.exchange.lambdas.invoke = invoke_without

    def sweep(self) -> Swept:
        return sweep_calls(calls=self.calls, network=self, flows=self, clock=self.clock, isolate=self.isolate)

    def run(self) -> "Line":
        """Until nothing is left to happen; at most two days of the clock."""
        self.exchange.run()
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
        return cdr_of(self.calls.load(call_id).call)

    def heard_by(self, number: str) -> list[PromptAudio | None]:
        """Prompts in the order that they began; a repeated one counts once."""
        keys = [key for _, key in self.exchange.phones[number].heard]
        prompts = [prompt_at(key) for key in keys]
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
    def start(self, call_id: str, request: dict[str, Any]) -> None:
        self.player.start(call_id, request)

    def resume(self, token: str) -> None:
        if self.fast_path:
            self.player.succeed(token)

    def interrupt(self, token: str) -> None:
        self.player.fail(token, "CallStopping")

    # -- plays Network
    def end(self, network_call: str) -> bool:
        try:
            self.exchange.update_call(self.application, network_call, END_COMMAND)
        except ServiceRefusal as refusal:
            if refusal.code == "NotFound":
                return False
            raise OutsideUnavailable(refusal.code) from refusal
        return True

    # -- plays Notices, Apps and SpEndpoints
    def queue(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._tell(notice)

    def queue_again(self, notice: Notice, now: datetime) -> None:
        raise AssertionError("the SP takes everything")

    def keep_undelivered(self, notice: Notice, why: str) -> None:
        raise AssertionError(why)

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        return None

    def post(self, request: WebhookRequest) -> Reply:
        self.requests.append(json.loads(request.body))
        self.told_at[self.requests[-1]["eventType"]] = self.clock.now() - START
        return Reply(200)

    # -- inside
    def committed(self, items: list[Committed]) -> None:
        self.clock.call_later(_STREAM_DELAY, lambda: self._forward(items))

    def _forward(self, items: list[Committed]) -> None:
        forward_facts(items, flows=_OutboxFlows(self), notices=self, isolate=self.isolate)

    def _tell(self, notice: Notice) -> None:
        notify_sp(
            notice,
            calls=self.calls,
            apps=_OneApp(self.app),
            webhooks=HuaweiWebhooks("ce1.example.com", lambda: "66C92B11FF8A425FB8D4CCFE0ED9ED1F", RECORDS),
            endpoints=self,
            notices=self,
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def _invoke(self, lambda_arn: str, event: dict[str, Any]) -> dict[str, Any]:
        prompts = Buckets("prompts-bucket", "recordings-bucket")
        said = read_invocation(event, self.clock.now())
        return process_network_event(
            said,
            self.calls,
            self,
            lambda actions, call_id: write_answer(actions, prompts, introduces=call_id),
            pause=lambda lost: None,
        )

    def _resources(self) -> dict[str, Any]:
        return {
            _UPDATE_ITEM: self._update_item,
            _CREATE: self._create_call,
            _UPDATE: self._update_call,
            _LAST: self._update_call,
            _END: self._update_call,
            _SETTLE: self._settle,
        }

    def _update_item(self, parameters: dict[str, Any]) -> dict[str, Any]:
        elapsed = (self.clock.now() - START).total_seconds()
        if self.outage and self.outage[0] <= elapsed < self.outage[1]:
            raise TaskFailed("DynamoDb.InternalServerErrorException")
        try:
            return dict(self._dynamo.update_item(**parameters))
        except ClientError as error:
            raise TaskFailed("DynamoDb." + error.response["Error"]["Code"]) from error

    def _create_call(self, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            transaction = self.exchange.create_call(
                parameters["SipMediaApplicationId"],
                from_number=parameters["FromPhoneNumber"],
                to_number=parameters["ToPhoneNumber"],
                arguments=parameters["ArgumentsMap"],
            )
        except ServiceRefusal as refusal:
            raise TaskFailed(f"ChimeSdkVoice.{refusal.exception}") from refusal
        return {"SipMediaApplicationCall": {"TransactionId": transaction}}

    def _update_call(self, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            self.exchange.update_call(
                parameters["SipMediaApplicationId"], parameters["TransactionId"], parameters["Arguments"]
            )
        except ServiceRefusal as refusal:
            raise TaskFailed(f"ChimeSdkVoice.{refusal.exception}") from refusal
        return {}

    def _settle(self, parameters: dict[str, Any]) -> dict[str, Any]:
        call_id = parameters["Payload"]["callId"]
        try:
            closed = finalize_call(call_id, calls=self.calls, network=self, flows=self, clock=self.clock, final=False)
        except DuologueError as error:
            raise TaskFailed(type(error).__name__) from error
        return {"Payload": {"closed": closed is not None}}

    def new_id(self, now: datetime) -> str:
        self._numbers += 1
        return f"1_2_{self._numbers}_{now:%Y%m%d%H%M%S}"


class _OutboxFlows:
    """The second way that a wait is completed: from the stream, whatever became of the first."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def start(self, call_id: str, request: dict[str, Any]) -> None:
        raise AssertionError("the outbox starts nothing")

    def interrupt(self, token: str) -> None:
        raise AssertionError("the outbox breaks off nothing")

    def resume(self, token: str) -> None:
        self._line.player.succeed(token)


class _OneApp:
    def __init__(self, app: App) -> None:
        self._app = app

    def app(self, key: str) -> App:
        return replace(self._app, key=key)


@cache
def _document() -> dict[str, Any]:
    return load(
        {
            "Partition": "aws",
            "CallsTable": "CALLS",
            "SipMediaApplicationId": "SMA",
            "RingCallingParty": _CREATE,
            "RingCalledParty": _UPDATE,
            "SayLastMinute": _LAST,
            "EndCall": _END,
            "Settle": "settle",
        }
    )


def _asl(calls: str, application: str) -> dict[str, Any]:
    text = json.dumps(_document()).replace('"CALLS"', json.dumps(calls)).replace('"SMA"', json.dumps(application))
    document: dict[str, Any] = json.loads(text)
    return document

"""One small world for each function: what its handler's `answer` needs, played by fakes that record.

What the samples take for granted is true in it: the SP, its app and token, the call that they speak of.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from duologue.adapters.accounting.sealed_cursors import SealedCursors
from duologue.adapters.basics.kms_data_keys import Seal
from duologue.adapters.carriers.chime_line import ChimeLine
from duologue.adapters.carriers.chime_message_log import MessageLog
from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.adapters.operating.cloudformation import ResourceResult
from duologue.call_control.events import NeverTakenUp
from duologue.call_control.inbound import DEFAULT_TERMS
from duologue.call_control.machine import decide
from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.tokens import Register, TokenPair, hash_token
from duologue.domain.calls.call import Call
from duologue.domain.calls.due import due_by
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.media.recording import Recording, published_key
from duologue.domain.media.recording_link import Link
from duologue.domain.memory.call_memory import (
    CallMemory,
    MemoryTerms,
    RememberedParty,
    SetBy,
    memory_of_call,
    order_of,
)
from duologue.domain.numbers.dialling_policy import ORDINARY
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.runtime.last_resort import isolate_failures
from duologue.runtime.wiring import call_control, callback_api, flow, outbox, recordings_api, sweep
from duologue.runtime.wiring.other_requests import OtherRequests
from duologue.usecases.access.authenticate import Authenticate
from duologue.usecases.access.change_app import SetNotificationUrls
from duologue.usecases.access.limit_requests import LimitRequests
from duologue.usecases.accounting.bury_nodes import BuryNodes
from duologue.usecases.accounting.finalize_call import FinalizeCall
from duologue.usecases.accounting.list_calls import ListCalls
from duologue.usecases.accounting.list_own_calls import ListOwnCalls
from duologue.usecases.accounting.reconcile_calls import ReconcileCalls
from duologue.usecases.accounting.sweep_calls import SweepCalls
from duologue.usecases.calls.look_up_callback import LookUpCallback
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent, change_of
from duologue.usecases.calls.run_flow import RunFlow
from duologue.usecases.calls.stop_callback import StopCallback
from duologue.usecases.media.delete_recording import DeleteRecording
from duologue.usecases.media.find_audio import FindAudio, Retention
from duologue.usecases.media.follow_link import FollowCdrLink, FollowLink
from duologue.usecases.media.link_recording import LinkRecording
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.memory.forget_memory import ForgetMemory
from duologue.usecases.memory.list_memories import ListMemories
from duologue.usecases.memory.look_up_memory import LookUpMemory
from duologue.usecases.memory.repoint_memory import RepointMemory
from duologue.usecases.notifying.fetch_events import FetchEvents
from duologue.usecases.notifying.forward_facts import ForwardFacts
from duologue.usecases.notifying.ping_sp import PingSp
from duologue.usecases.notifying.queue_due import QueueDue
from duologue.usecases.notifying.replay_notifications import ReplayNotifications
from duologue.usecases.numbers.check_numbers import DiallingRules
from duologue.usecases.ports.call_changes import SavedCall
from duologue.usecases.ports.memories import TurnedAway
from duologue.usecases.ports.network import Network
from duologue.usecases.until_written import no_pause
from duologue.wire.chime.answer import Buckets
from duologue.wire.chime.network_format import ChimeFormat
from duologue.wire.huawei.cdrs import HuaweiCdrs
from duologue.wire.huawei.field_names import FIELDS
from duologue.wire.huawei.notifications import HuaweiWebhooks
from duologue.wire.huawei.routes import CALL_MEMORIES, CDR_LINK, LINK, RECORD
from functions.call_control.handler import answer as answer_network
from functions.callback_api.handler import answer as answer_sp
from functions.flow.handler import answer as answer_flow
from functions.outbox.handler import answer as answer_stream
from functions.provision_pstn.handler import answer as answer_cloudformation
from functions.recordings_api.handler import answer as answer_link
from functions.sweep.handler import answer as answer_schedule
from pstn.clocks import JumpingClock
from pstn.exchange import Exchange
from pstn.serve import LoopbackServer
from pstn.service import PstnService
from tests.fakes.accounts import FakeAccounts
from tests.fakes.answering import answering
from tests.fakes.audit import FakeAudit
from tests.fakes.auth_attempts import FakeAuthAttempts
from tests.fakes.call_lists import FakeCallLists
from tests.fakes.calls import FakeCalls
from tests.fakes.cdr_archive import FakeCdrArchive
from tests.fakes.clock import FakeClock
from tests.fakes.deny_lists import FakeDenyLists
from tests.fakes.flows import FakeFlows
from tests.fakes.inbound_calls import FakeInboundCalls
from tests.fakes.memories import FakeMemorySeal
from tests.fakes.network import FakeNetwork
from tests.fakes.notices import FakeNotices
from tests.fakes.placing import placing as placing_a_callback
from tests.fakes.rates import FakeRates
from tests.fakes.recordings import RECORDS, FakeLinks, FakeLinkTokens, FakeRecordings
from tests.fakes.seals import FakeDataKeys
from tests.fakes.sp_endpoints import FakeSpEndpoints
from tests.nodes import FakeNodeTable
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, NOW, at, callback, return_call

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
CALL_ID = "3263827911_1044187234_2889035102_20261123090000"
PING_ID = "7_7_7_20261123090000"
HOST = "duologue.example.com"
OWN = ("+12025550100", "+12025550101")
CALLED = ("+12025550111", "+12025550122")
RECORDING = Recording(f"calls/app-1/{CALL_ID}/stereo.wav", NOW)
AUDIO = bytes(range(256)) * 8
"""Of the recording: 2,048 bytes."""
ABSENT = object()

ACCEPTED = callback(CALL_ID)
RINGING = replace(
    ACCEPTED,
    taken_up_at=at(0.5),
    network_call=NETWORK_CALL,
    caller=replace(ACCEPTED.caller, dialled_at=at(1), network_id=LEG_A),
)
CALLER_UP = replace(RINGING, caller=replace(RINGING.caller, answered_at=at(5)))
CALLEE_RINGS = replace(CALLER_UP, callee=replace(CALLER_UP.callee, dialled_at=at(6), network_id=LEG_B))
TALKING = replace(CALLEE_RINGS, callee=replace(CALLEE_RINGS.callee, answered_at=at(14)))
FOUND_BY = {
    "ring_caller": ACCEPTED,
    "ring_callee": CALLER_UP,
    "talk": TALKING,
    "last_minute": TALKING,
    "give_up": CALLEE_RINGS,
    "settle": ACCEPTED,
}
"""The call as each verb of the flow finds it, when all goes well until then."""


def samples(function: str) -> list[str]:
    """The names of a function's samples."""
    return sorted(path.stem for path in (EVENTS / function).glob("*.json"))


def received(function: str, name: str) -> dict[str, Any]:
    """A sample as Lambda receives it, anew each time."""
    event: dict[str, Any] = json.loads((EVENTS / function / f"{name}.json").read_text(encoding="utf-8"))
    return event


def sample(function: str, name: str) -> dict[str, Any]:
    """A sample, with a request's body as text. (The gateway gives all bodies to the functions in Base64.)"""
    event = received(function, name)
    if event.get("isBase64Encoded"):
        event |= {"body": base64.b64decode(event["body"]).decode(), "isBase64Encoded": False}
    return event


@cache
def _placed() -> dict[str, Any]:
    return sample("callback_api", "callback_placed")


def placing(event: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A request for a callback, the sample if no other, with other fields; ABSENT leaves one out."""
    event = event or _placed()
    return event | {"body": json.dumps(_present(json.loads(event["body"]) | fields))}


def with_query(event: dict[str, Any], **query: Any) -> dict[str, Any]:
    """An API event with other query parameters; ABSENT leaves one out."""
    return event | {"queryStringParameters": _present((event["queryStringParameters"] or {}) | query)}


def keyed(key: str, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """A request for a callback with an idempotency key, in a spelling of the header that is as good as any."""
    event = event or _placed()
    return event | {"headers": event["headers"] | {"idempotency-KEY": key}}


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not ABSENT}


def loaded_by(program: str, variables: Mapping[str, str] | None = None) -> set[str]:
    """The packages that a new process has loaded after a program: what a cold start pays for."""
    said = f"{program}\nimport json, sys; print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", said],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(variables or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


class Api:
    """The SP-facing API: one SP, one app with two numbers, and the token that the samples carry."""

    def __init__(self, **settings: Any) -> None:
        """`settings`: of the app, where they are not those by default. Its test numbers are those of the samples."""
        query = _placed()["queryStringParameters"]
        self.key: str = query["app_key"]
        self.accounts, self.calls, self.flows = FakeAccounts(), FakeCalls(), FakeFlows()
        self.auth_attempts, self.seal, self.audit = FakeAuthAttempts(), FakeMemorySeal(), FakeAudit()
        self.network, self.endpoints, self.clock = FakeNetwork(NETWORK_CALL), FakeSpEndpoints(), FakeClock(NOW)
        self.recordings, self.links, self.link_tokens = FakeRecordings(), FakeLinks(), FakeLinkTokens()
        self.memories, self.archive = self.calls.memories, FakeCdrArchive(2)
        self.call_lists = FakeCallLists(self.calls)
        self.lists = FakeDenyLists(lambda number: number.e164 in self.accounts.numbers)
        self.accounts.add_sp(Sp("sp-1", "training-institute", "no log-in here"))
        prompts = dict.fromkeys(("last-minute.wav", "welcome.wav", "music.wav", "recorded.wav"), 3.0)
        app = App(self.key, "sp-1", "secret-1", display_numbers=OWN, prompts=prompts, test_numbers=CALLED)
        app = replace(app, recording_notices=("recorded.wav",))
        app = replace(app, **settings)
        self.accounts.add_app(app)
        self.accounts.save(self.key, Register().grant(TokenPair(query["access_token"], "a refresh token"), NOW))
        ids = iter([CALL_ID, *(f"1_2_{number}_20261123090000" for number in range(1, 50))])
        self.random_bytes: Callable[[int], bytes] = lambda length: bytes(range(length))
        find = FindMemory(
            FakeInboundCalls(self.calls, self.accounts), self.memories, self.seal, self.clock, FIELDS.display
        )
        find_audio = FindAudio(self.recordings, Retention(audio=timedelta(days=7), link=timedelta(days=7)))
        others = OtherRequests(
            limit=LimitRequests(self.calls, self.clock),
            stop=StopCallback(self.calls, self.network, self.flows, self.clock, no_pause),
            look_up=LookUpCallback(self.calls),
            fetch_events=FetchEvents(self.calls, self.clock),
            app_events=self.calls,
            replay=ReplayNotifications(self.calls, self.calls, self.calls, self.clock),
            ping=PingSp(
                self.calls,
                self.calls,
                HuaweiWebhooks(HOST, lambda: "n1", RECORDS),
                self.endpoints,
                self.clock,
                lambda tries: [each() for each in tries],
                lambda now: PING_ID,
                FIELDS,
            ),
            records=RECORDS,
            link_recording=LinkRecording(
                self.calls, find_audio, self.links, self.clock, lambda length: self.random_bytes(length)
            ),
            delete_recording=DeleteRecording(self.calls, self.recordings, self.clock, no_pause),
            set_notification_urls=SetNotificationUrls(self.accounts, self.endpoints, FIELDS),
            look_up_memory=LookUpMemory(find),
            list_memories=ListMemories(self.memories, self.seal, self.clock, FIELDS.display),
            repoint_memory=RepointMemory(
                find, DiallingRules(LibphonenumberPlan(), ORDINARY, self.lists, FakeRates(), FIELDS), no_pause
            ),
            forget_memory=ForgetMemory(find, no_pause),
            archive=self.archive,
            list_calls=ListOwnCalls(self.call_lists, SealedCursors(Seal(FakeDataKeys()))),
            usages=self.call_lists,
            audit=self.audit,
        )
        self.dependencies = callback_api.Dependencies(
            authenticate=Authenticate(self.accounts, self.accounts, self.auth_attempts, self.clock),
            place=placing_a_callback(
                self.calls,
                self.flows,
                self.clock,
                lambda now: next(ids),
                endpoints=self.endpoints,
                seal=self.seal,
                lists=self.lists,
            ),
            others=lambda: others,
            host=HOST,
        )
        self.of_links = recordings_api.Dependencies(
            FollowLink(self.links, self.accounts, self.recordings, self.clock, self.audit),
            FollowCdrLink(
                self.calls, self.link_tokens, self.accounts, find_audio, self.recordings, self.clock, self.audit
            ),
            HOST,
        )

    @property
    def is_untouched(self) -> bool:
        """Nothing was stored, counted, started, or asked of anybody outside."""
        calls = self.calls
        kept = (calls.rows, calls.slots.get(self.key), calls.keys, +calls.counts, self.flows.started)
        return not any((*kept, self.endpoints.requests, self.network.asked))

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """By the function that has the route."""
        if event["resource"] in (LINK, CDR_LINK):
            return answer_link(event, self.of_links)
        return answer_sp(event, self.dependencies)

    def say(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body. Every answer is a proxy response in the SP's format, whatever it says."""
        said = self.answer(event)
        assert set(said) == {"statusCode", "headers", "body", "isBase64Encoded"}
        assert said["headers"]["Content-Type"] == "application/json;charset=UTF-8"
        assert said["headers"]["Cache-Control"] == "no-store"
        assert said["isBase64Encoded"] is False
        body: dict[str, Any] = json.loads(said["body"])
        assert isinstance(body["resultcode"], str)
        assert 1 <= len(body["resultdesc"]) <= 128
        assert (said["statusCode"] == 200) == (body["resultcode"] == "0")
        return said["statusCode"], body

    def play(self, event: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of an answer that is not in the SP's format."""
        said = self.answer(event)
        assert set(said) == {"statusCode", "headers", "body", "isBase64Encoded"}
        assert len(json.dumps(said)) < 6_291_556, "more than Lambda takes as a response"
        assert said["headers"]["Cache-Control"] == "no-store"
        assert said["isBase64Encoded"] is (said["body"] != "")
        return said["statusCode"], said["headers"], base64.b64decode(said["body"])

    def lead(self, event: dict[str, Any]) -> tuple[int, str]:
        """Status and target of an answer that leads elsewhere: it has no body."""
        said = self.answer(event)
        assert (said["body"], said["isBase64Encoded"]) == ("", False)
        assert "Content-Type" not in said["headers"]
        assert said["headers"]["Cache-Control"] == "no-store"
        return said["statusCode"], said["headers"]["Location"]

    def record(self) -> None:
        """The call of the samples, with a recording whose sound has come, and the link that the samples follow."""
        self.say(_placed())
        answered = replace(self.calls.load(CALL_ID).call.callee, answered_at=NOW - timedelta(seconds=9))
        self.calls.change(CALL_ID, recording=RECORDING, callee=answered)
        for key in (RECORDING.key, published_key(self.key, CALL_ID)):
            self.recordings.sounds[key] = AUDIO
        token = sample("recordings_api", "recording_link_followed")["pathParameters"]["token"]
        self.links.keep(hash_token(token), Link(self.key, published_key(self.key, CALL_ID), NOW + timedelta(days=7)))

    def remember(self, second: float = 0, **more: Any) -> CallMemory:
        """What the callback of the samples left, dialled at that second; other numbers and attributes by name."""
        numbers = {"display": OWN[1], "dialler": CALLED[1], "target": CALLED[0]}
        numbers |= {name: more.pop(name) for name in numbers if name in more}
        display, dialler, target = map(PhoneNumber, numbers.values())
        terms = MemoryTerms(timedelta(seconds=30), timedelta(minutes=30), user_data="order-17")
        draft = self.seal.draft(display, RememberedParty(dialler, "US"), RememberedParty(target, "US"), terms)
        memory = CallMemory(
            key=draft.key,
            sp="sp-1",
            app=self.key,
            session=CALL_ID,
            order=order_of(at(second), CALL_ID),
            version=1,
            set_by=SetBy.CALL,
            remembered_at=at(second),
            expires_at=at(second).replace(microsecond=0) + draft.period,
            target=draft.target,
            sealed=draft.sealed,
        )
        assert self.memories.remember(replace(memory, **more))
        found = self.memories.memory(draft.key)
        assert found is not None
        return found

    def take(self, event: dict[str, Any]) -> None:
        if event["resource"] == CALL_MEMORIES:
            self.remember()
        elif "click2Call" not in event["resource"]:
            self.record()
        if event["resource"] == RECORD:
            assert self.lead(event)[0] == 301
        elif event["resource"] in (LINK, CDR_LINK):
            assert self.play(event)[0] in (200, 206)
        else:
            assert self.say(event)[0] == 200


class CallControl:
    """The telephone network's side: the call of the samples was accepted, and a state may be waiting for it."""

    def __init__(self, call: Call | None = None, *, waits_for: Wait | None = None) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(30))
        self.calls.accept(call or callback(CALL_ID), slots=10, close_by=at(120))
        if waits_for is not None:
            self.calls.store_token(CALL_ID, TaskToken("token-1", waits_for, 1))
        network = ChimeFormat(Buckets("duologue-promptsbucket-example", "recordings-bucket"))
        self.accounts, self.seal, self.turned_away = FakeAccounts(), FakeMemorySeal(), list[TurnedAway]()
        inbound = answering(self.calls, network, accounts=self.accounts, seal=self.seal, counted=self.turned_away)
        process = ProcessNetworkEvent(self.calls, self.flows, network, FakeNetwork(NETWORK_CALL), no_pause, inbound)
        self.dependencies = call_control.Dependencies(process, network, self.clock)

    @property
    def call(self) -> Call:
        return self.calls.load(CALL_ID).call

    def remember(self) -> None:
        """The callee of the samples, to whom the app showed its display number, may call back."""
        self.accounts.add_sp(Sp("sp-1", "training-institute", "no log-in here"))
        self.accounts.add_app(App("app-1", "sp-1", "secret-1", display_numbers=OWN))
        call = callback(CALL_ID)
        dialler, target = (RememberedParty(leg.number, "US") for leg in (call.callee, call.caller))
        draft = self.seal.draft(call.callee.display_number, dialler, target, DEFAULT_TERMS)
        dialled = replace(call, memory=draft, callee=replace(call.callee, dialled_at=at(6)))
        memory = memory_of_call(dialled)
        assert memory is not None
        self.calls.memories.remember(memory)

    def hear(self, name: str, sequence: int | None = None) -> list[dict[str, Any]]:
        """The actions that a sample is answered with; `sequence` gives it another place in the call."""
        event = sample("call_control", name)
        return self.take(event | ({"Sequence": sequence} if sequence else {}))

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = answer_network(event, self.dependencies)
        assert said["SchemaVersion"] == "1.0"
        assert set(said) <= {"SchemaVersion", "Actions", "TransactionAttributes"}
        assert all(set(action) == {"Type", "Parameters"} for action in said["Actions"])
        return said

    def take(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        actions: list[dict[str, Any]] = self.answer(event)["Actions"]
        return actions

    def play(self, *names: str) -> "CallControl":
        """One sample after another, numbered as they come."""
        for number, name in enumerate(names, 1):
            self.hear(name, number)
        return self


class Flow:
    """The states of the state machine, about one call. `known`: the network still knows it."""

    def __init__(self, call: Call | None = None, *, known: bool = True, network: Network | None = None) -> None:
        """`network`: another one than the fake."""
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(60))
        self.network = FakeNetwork(*([NETWORK_CALL] if known else []))
        self.calls.accept(call or callback(CALL_ID), slots=10, close_by=at(120))
        carrier = network or self.network
        marks = (f"mark-{number}" for number in range(1, 50))
        self.dependencies = flow.Dependencies(
            RunFlow(self.calls, carrier, self.clock, no_pause, lambda: next(marks)),
            FinalizeCall(self.calls, carrier, self.flows, self.clock, no_pause),
        )

    @property
    def call(self) -> Call:
        return self.calls.load(CALL_ID).call

    def take(self, event: dict[str, Any]) -> None:
        """What the state machine gets is nothing: what happened is on the call."""
        assert answer_flow(event, self.dependencies) == {}


class Sweep:
    """Many calls, some of them overdue."""

    def __init__(self, *known: str, nodes: FakeNodeTable | None = None) -> None:
        """`nodes`: the operator's own, of a carrier that has them."""
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(0))
        self.network, isolate = FakeNetwork(*known), isolate_failures("sweep")
        finalize = FinalizeCall(self.calls, self.network, self.flows, self.clock, no_pause)
        sweep_calls = SweepCalls(self.calls, finalize, self.clock, isolate)
        self.notices = FakeNotices()
        queue_due = QueueDue(self.calls, self.notices, self.clock)
        self.recordings, self.archive = FakeRecordings(), FakeCdrArchive()
        reconcile = ReconcileCalls(
            self.calls,
            self.calls,
            self.calls,
            self.flows,
            self.notices,
            self.recordings,
            FakeCallLists(self.calls),
            self.archive,
            HuaweiCdrs(HOST),
            self.clock,
            isolate,
            no_pause,
        )
        bury = None
        if nodes is not None:
            bury = BuryNodes(nodes, self.calls, finalize, self.clock, isolate, self._wait)
        self.dependencies = sweep.Dependencies(self.calls, sweep_calls, queue_due, reconcile, self.clock, bury)
        self._said = {"finalized", "remaining", "freed", "queued", "reconciled", "found"} | (
            {"lost"} if nodes else set()
        )

    def _wait(self, time: timedelta) -> None:
        self.clock.at += time

    def accept(self, number: int, network_call: str | None = None, *, after_s: float = 0) -> str:
        """Accept call `number`, so long after the first; its id. It is due two minutes later, if nothing begins it."""
        call_id = f"1_1_{number}_20261123090000"
        call = replace(callback(call_id), accepted_at=at(after_s), network_call=network_call)
        self.calls.accept(call, slots=400, close_by=due_by(call))
        return call_id

    def end(self, call_id: str) -> None:
        """As the last hang-up does."""
        saved = self.calls.load(call_id)
        self.calls.save(change_of(saved, decide(saved.call, NeverTakenUp(at(0)))))

    def take(self, event: dict[str, Any]) -> dict[str, Any]:
        """The schedule's event says nothing that the function would read."""
        return self.sweep()

    def sweep(self) -> dict[str, int]:
        said = answer_schedule(self.dependencies)
        assert set(said) == self._said
        return said


class Outbox:
    """The stream's reader, with the queue and the state machine behind it. `waits_for`: what the call's flow does."""

    def __init__(self, call: Call | None = None, *, failures: int = 0, waits_for: Wait | None = None) -> None:
        self.calls, self.flows, self.notices = FakeCalls(), FakeFlows(failures), FakeNotices()
        self.calls.rows[CALL_ID] = SavedCall(replace(call or return_call(), id=CALL_ID), 1)
        if waits_for is not None:
            self.calls.store_token(CALL_ID, TaskToken("token-1", waits_for, 1))
        self.lists = FakeCallLists(self.calls)

    def take(self, event: dict[str, Any]) -> None:
        isolate = isolate_failures("outbox")
        forward = ForwardFacts(self.calls, self.flows, self.notices, isolate)
        dependencies = outbox.Dependencies(forward, ListCalls(self.lists, FakeClock(at(0)), isolate))
        assert answer_stream(event, dependencies) == {"batchItemFailures": []}


class Provision:
    """The line's maker, asking the local telephone network over HTTP with a real client. `logs`: a client too."""

    def __init__(self, client: Any, exchange: Exchange, logs: Any) -> None:
        self.client, self.exchange, self.logs = client, exchange, logs
        self.slept: list[float] = []

    def take(self, event: dict[str, Any]) -> ResourceResult:
        return answer_cloudformation(event, ChimeLine(self.client, MessageLog(self.logs), self._sleep))

    def _sleep(self, seconds: float) -> None:
        """Patience, on the network's own clock."""
        self.slept.append(seconds)
        assert isinstance(self.exchange.clock, JumpingClock)
        self.exchange.clock.run_for(seconds)


@cache
def _session() -> boto3.Session:
    """One that has read the services' models; it was made where moto answers, which it must be."""
    return boto3.Session("test", "test")


@contextmanager
def provision() -> Iterator[Provision]:
    service = PstnService(lambda arn, event: {}, clock=JumpingClock(NOW))
    with LoopbackServer(service) as url, mock_aws():
        client = _session().client("chime-sdk-voice", endpoint_url=url, region_name="us-east-1")
        yield Provision(client, service.exchange, _session().client("logs", region_name="us-east-1"))
    service.close()

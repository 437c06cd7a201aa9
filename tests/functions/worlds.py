"""One small world for each function: what its handler's `answer` needs, played by fakes that record.

What the samples take for granted is true in it: the SP, its app and token, the call that they speak of.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from duologue.adapters.chime_line import ChimeLine
from duologue.adapters.cloudformation import ResourceResult
from duologue.adapters.libphonenumber_plan import LibphonenumberPlan
from duologue.call_control.facts import CallAccepted
from duologue.domain.accounts import App, Sp
from duologue.domain.call import Call
from duologue.domain.dialling_policy import ORDINARY
from duologue.domain.recording import Link, Recording, published_key
from duologue.domain.tokens import Register, TokenPair, hash_token
from duologue.runtime.wiring import callback_api, calls, outbox
from duologue.usecases.find_audio import Retention
from duologue.usecases.place_callback import RingTimeouts
from duologue.wire.chime.answer import Buckets
from duologue.wire.huawei.routes import CDR_LINK, LINK, RECORD
from functions.call_control.handler import answer as answer_network
from functions.callback_api.handler import answer as answer_sp
from functions.outbox.handler import answer as answer_stream
from functions.provision_pstn.handler import answer as answer_cloudformation
from functions.settle.handler import answer as answer_flow
from functions.sweep.handler import answer as answer_schedule
from pstn.clocks import JumpingClock
from pstn.exchange import Exchange
from pstn.serve import LoopbackServer
from pstn.service import PstnService
from tests.fakes.accounts import FakeAccounts
from tests.fakes.auth_attempts import FakeAuthAttempts
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.network import FakeNetwork
from tests.fakes.notices import FakeNotices
from tests.fakes.recordings import FakeLinks, FakeLinkTokens, FakeRecordings
from tests.fakes.sp_endpoints import FakeSpEndpoints
from tests.samples import NETWORK_CALL, NOW, at, callback

EVENTS = Path(__file__).parents[2] / "events"
CALL_ID = "3263827911_1044187234_2889035102_20261123090000"
HOST = "duologue.example.com"
OWN = ("+12025550100", "+12025550101")
CALLED = ("+12025550111", "+12025550122")
RECORDING = Recording(f"calls/app-1/{CALL_ID}/stereo.wav", NOW)


def samples(function: str) -> list[str]:
    """The names of a function's samples."""
    return sorted(path.stem for path in (EVENTS / function).glob("*.json"))


def sample(function: str, name: str) -> dict[str, Any]:
    """A sample, anew each time."""
    event: dict[str, Any] = json.loads((EVENTS / function / f"{name}.json").read_text(encoding="utf-8"))
    return event


@cache
def _placed() -> dict[str, Any]:
    return sample("callback_api", "callback_placed")


class Api:
    """The SP-facing API: one SP, one app with two numbers, and the token that the samples carry."""

    def __init__(self, **settings: Any) -> None:
        """`settings`: of the app, where they are not those by default. Its test numbers are those of the samples."""
        query = _placed()["queryStringParameters"]
        self.key: str = query["app_key"]
        self.accounts, self.calls, self.flows = FakeAccounts(), FakeCalls(), FakeFlows()
        self.auth_attempts = FakeAuthAttempts()
        self.network, self.endpoints, self.clock = FakeNetwork(NETWORK_CALL), FakeSpEndpoints(), FakeClock(NOW)
        self.recordings, self.links, self.link_tokens = FakeRecordings(), FakeLinks(), FakeLinkTokens()
        self.accounts.add_sp(Sp("sp-1", "training-institute", "no log-in here"))
        prompts = dict.fromkeys(("last-minute.wav", "welcome.wav", "music.wav", "recorded.wav"), 3.0)
        app = App(self.key, "sp-1", "secret-1", display_numbers=OWN, prompts=prompts, test_numbers=CALLED)
        app = replace(app, **settings)
        self.accounts.add_app(app)
        self.accounts.save(self.key, Register().grant(TokenPair(query["access_token"], "a refresh token"), NOW))
        ids = iter([CALL_ID, *(f"1_2_{number}_20261123090000" for number in range(1, 50))])
        self.dependencies = callback_api.Dependencies(
            accounts=self.accounts,
            apps=self.accounts,
            tokens=self.accounts,
            auth_attempts=self.auth_attempts,
            calls=self.calls,
            flows=self.flows,
            network=self.network,
            endpoints=self.endpoints,
            plan=LibphonenumberPlan(),
            kinds=ORDINARY,
            pause=lambda lost: None,
            clock=self.clock,
            new_call_id=lambda now: next(ids),
            timeouts=RingTimeouts(),
            host=HOST,
            recordings=self.recordings,
            links=self.links,
            link_tokens=self.link_tokens,
            retention=Retention(audio=timedelta(days=7), link=timedelta(days=7)),
            random_bytes=lambda length: bytes(range(length)),
        )

    def say(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body. Every answer is a proxy response in the SP's format, whatever it says."""
        said = answer_sp(event, self.dependencies)
        assert set(said) == {"statusCode", "headers", "body", "isBase64Encoded"}
        assert said["headers"]["Content-Type"] == "application/json;charset=UTF-8"
        assert said["headers"]["Cache-Control"] == "no-store"
        assert said["isBase64Encoded"] is False
        body: dict[str, Any] = json.loads(said["body"])
        assert isinstance(body["resultcode"], str)
        assert 1 <= len(body["resultdesc"]) <= 128
        assert (said["statusCode"] == 200) == (body["resultcode"] == "0")
        return said["statusCode"], body

    def lead(self, event: dict[str, Any]) -> tuple[int, str]:
        """Status and target of an answer that leads elsewhere: it has no body."""
        said = answer_sp(event, self.dependencies)
        assert (said["body"], said["isBase64Encoded"]) == ("", False)
        assert "Content-Type" not in said["headers"]
        assert said["headers"]["Cache-Control"] == "no-store"
        return said["statusCode"], said["headers"]["Location"]

    def record(self) -> None:
        """The call of the samples, with a recording whose sound has come, and the link that the samples follow."""
        self.say(_placed())
        self.calls.change(CALL_ID, recording=RECORDING)
        self.recordings.sounds |= {RECORDING.key, published_key(self.key, CALL_ID)}
        token = sample("callback_api", "recording_link_followed")["pathParameters"]["token"]
        self.links.keep(hash_token(token), Link(self.key, published_key(self.key, CALL_ID), NOW + timedelta(days=7)))

    def take(self, event: dict[str, Any]) -> None:
        if "click2Call" not in event["resource"]:
            self.record()
        if event["resource"] in (RECORD, LINK, CDR_LINK):
            assert self.lead(event)[0] in (301, 302)
        else:
            assert self.say(event)[0] == 200


class CallControl:
    """The telephone network's side: the call of the samples was accepted, and a state may be waiting for it."""

    def __init__(self, call: Call | None = None, task_token: str | None = None) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(30))
        self.prompts = Buckets("duologue-promptsbucket-example", "recordings-bucket")
        accepted = call or callback(CALL_ID)
        self.calls.accept(accepted, CallAccepted(NOW), slots=10, close_by=at(120))
        if task_token:
            self.calls.change(accepted.id, task_token=task_token)
        self.dependencies = calls.Dependencies(self.calls, self.flows, self.clock, pause=lambda lost: None)

    @property
    def call(self) -> Call:
        return self.calls.load(CALL_ID).call

    def hear(self, name: str, sequence: int | None = None) -> list[dict[str, Any]]:
        """The actions that a sample is answered with; `sequence` gives it another place in the call."""
        event = sample("call_control", name)
        return self.take(event | ({"Sequence": sequence} if sequence else {}))

    def take(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        said = answer_network(event, self.dependencies, self.prompts)
        assert said["SchemaVersion"] == "1.0"
        assert set(said) <= {"SchemaVersion", "Actions", "TransactionAttributes"}
        actions: list[dict[str, Any]] = said["Actions"]
        assert all(set(action) == {"Type", "Parameters"} for action in actions)
        return actions

    def play(self, *names: str) -> "CallControl":
        """One sample after another, numbered as they come."""
        for number, name in enumerate(names, 1):
            self.hear(name, number)
        return self


class Settle:
    """A flow that ended. `known`: the network still knows the call."""

    def __init__(self, call: Call | None = None, *, known: bool = False, task_token: str | None = None) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(60))
        self.network = FakeNetwork(*([NETWORK_CALL] if known else []))
        accepted = call or callback(CALL_ID)
        self.calls.accept(accepted, CallAccepted(NOW), slots=10, close_by=at(120))
        if task_token:
            self.calls.change(accepted.id, task_token=task_token)
        self.dependencies = calls.Dependencies(self.calls, self.flows, self.clock, pause=lambda lost: None)

    def take(self, event: dict[str, Any]) -> dict[str, Any]:
        said = answer_flow(event, self.dependencies, self.network)
        assert set(said) == {"closed"}
        return said


class Sweep:
    """Many calls, some of them overdue."""

    def __init__(self, *known: str) -> None:
        self.calls, self.flows, self.clock = FakeCalls(), FakeFlows(), FakeClock(at(0))
        self.network = FakeNetwork(*known)
        self.dependencies = calls.Dependencies(self.calls, self.flows, self.clock, pause=lambda lost: None)

    def accept(self, call_id: str, close_by_s: float, network_call: str | None = None) -> None:
        call = replace(callback(call_id), network_call=network_call)
        self.calls.accept(call, CallAccepted(NOW), slots=10, close_by=at(close_by_s))

    def take(self, event: dict[str, Any]) -> dict[str, Any]:
        """The schedule's event says nothing that the function would read."""
        return self.sweep()

    def sweep(self) -> dict[str, int]:
        said = answer_schedule(self.dependencies, self.network)
        assert set(said) == {"closed", "left", "freed"}
        return said


class Outbox:
    """The stream's reader, with the queue and the state machine behind it."""

    def __init__(self, failures: int = 0) -> None:
        self.flows, self.notices = FakeFlows(failures), FakeNotices()

    def take(self, event: dict[str, Any]) -> None:
        assert answer_stream(event, outbox.Dependencies(self.flows, self.notices)) == {"batchItemFailures": []}


class Provision:
    """The line's maker, asking the local telephone network over HTTP with a real client."""

    def __init__(self, client: Any, exchange: Exchange) -> None:
        self.client, self.exchange = client, exchange
        self.slept: list[float] = []

    def take(self, event: dict[str, Any]) -> ResourceResult:
        return answer_cloudformation(event, ChimeLine(self.client, self._sleep))

    def _sleep(self, seconds: float) -> None:
        """Patience, on the network's own clock."""
        self.slept.append(seconds)
        assert isinstance(self.exchange.clock, JumpingClock)
        self.exchange.clock.run_for(seconds)


@contextmanager
def provision() -> Iterator[Provision]:
    service = PstnService(lambda arn, event: {}, clock=JumpingClock(NOW))
    with LoopbackServer(service) as url:
        client = boto3.client(
            "chime-sdk-voice",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="lab",
            aws_secret_access_key="lab",
        )
        yield Provision(client, service.exchange)
    service.close()

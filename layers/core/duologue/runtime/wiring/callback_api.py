"""What placing, stopping and looking up a callback, and fetching its recording, are made of."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial

from duologue.adapters.aws import NORMAL
from duologue.adapters.aws_clients import SIGNING, client, lazy_client
from duologue.adapters.dynamo_acceptance import DynamoAcceptance
from duologue.adapters.dynamo_histories import DynamoHistories
from duologue.adapters.dynamo_links import DynamoLinks
from duologue.adapters.jittered_pause import pause
from duologue.adapters.libphonenumber_plan import LibphonenumberPlan
from duologue.adapters.s3_recordings import S3Recordings
from duologue.adapters.system_clock import SystemClock
from duologue.domain.dialling_policy import ORDINARY, NumberKind
from duologue.runtime.carriers import network
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, dynamo_auth_attempts, link_tokens
from duologue.runtime.wiring.calls import dynamo_calls, flows
from duologue.runtime.wiring.sp_endpoints import sp_endpoints
from duologue.usecases.find_audio import Retention
from duologue.usecases.place_callback import RingTimeouts
from duologue.usecases.ports.accounts import Accounts, AppBook, AuthAttempts, Tokens
from duologue.usecases.ports.calls import Acceptance, Calls, Histories
from duologue.usecases.ports.flows import Flows
from duologue.usecases.ports.notifying import SpEndpoints
from duologue.usecases.ports.outside import Clock, NumberPlan
from duologue.usecases.ports.recordings import Links, LinkTokens, Recordings
from duologue.usecases.stop_callback import StopCallback
from duologue.wire.huawei.session_id import new_call_id


@dataclass(frozen=True, slots=True)
class Dependencies:
    accounts: Accounts
    apps: AppBook
    tokens: Tokens
    auth_attempts: AuthAttempts
    calls: Calls
    acceptance: Acceptance
    histories: Histories
    flows: Flows
    stop: StopCallback
    endpoints: SpEndpoints
    plan: NumberPlan
    kinds: frozenset[NumberKind]
    pause: Callable[[int], None]
    clock: Clock
    new_call_id: Callable[[datetime], str]
    timeouts: RingTimeouts
    host: str
    recordings: Recordings
    links: Links
    link_tokens: LinkTokens
    retention: Retention
    random_bytes: Callable[[int], bytes]


@cache
def dependencies() -> Dependencies:
    accounts, calls, flow = dynamo_accounts(), dynamo_calls(), flows()
    dynamodb = client("dynamodb", NORMAL)
    ring = RingTimeouts(
        callee_ring=timedelta(seconds=int(setting("CALLEE_RING_SECONDS"))),
        caller_ring=timedelta(seconds=int(setting("CALLER_RING_SECONDS"))),
    )
    return Dependencies(
        accounts=accounts,
        apps=accounts,
        tokens=accounts,
        auth_attempts=dynamo_auth_attempts(),
        calls=calls,
        acceptance=DynamoAcceptance(dynamodb, setting("ACCOUNTS_TABLE"), calls),
        histories=DynamoHistories(dynamodb, setting("CALLS_TABLE")),
        flows=flow,
        stop=StopCallback(calls, network(), flow, SystemClock(), pause),
        endpoints=sp_endpoints(),
        plan=LibphonenumberPlan(),
        kinds=ORDINARY | {NumberKind(kind) for kind in setting("ALSO_DIAL").split(",") if kind},
        pause=pause,
        clock=SystemClock(),
        new_call_id=partial(new_call_id, random_bits=secrets.randbits),
        timeouts=ring,
        host=setting("HOST_NAME"),
        recordings=S3Recordings(lazy_client("s3", SIGNING), setting("RECORDINGS_BUCKET")),
        links=DynamoLinks(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE")),
        link_tokens=link_tokens(),
        retention=Retention(_days("KEEP_RECORDINGS_DAYS"), _days("RECORDING_LINK_DAYS")),
        random_bytes=secrets.token_bytes,
    )


def _days(name: str) -> timedelta:
    return timedelta(days=int(setting(name)))

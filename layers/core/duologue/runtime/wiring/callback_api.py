"""Dependencies of callback_api."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial

from duologue.adapters.aws import NORMAL
from duologue.adapters.aws_clients import client
from duologue.adapters.dynamo_acceptance import DynamoAcceptance
from duologue.adapters.dynamo_app_events import DynamoAppEvents
from duologue.adapters.dynamo_histories import DynamoHistories
from duologue.adapters.dynamo_inbound_calls import DynamoInboundCalls
from duologue.adapters.dynamo_memories import DynamoMemories
from duologue.adapters.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.jittered_pause import pause
from duologue.adapters.libphonenumber_plan import LibphonenumberPlan
from duologue.adapters.system_clock import SystemClock
from duologue.domain.dialling_policy import ORDINARY, NumberKind, prefixes_in_use
from duologue.runtime.carriers import network
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, dynamo_auth_attempts, link_tokens
from duologue.runtime.wiring.calls import dynamo_calls, flows, keep_calls
from duologue.runtime.wiring.memories import memory_seal
from duologue.runtime.wiring.recordings import dynamo_links, retention, s3_recordings
from duologue.runtime.wiring.sp_urls import sp_urls
from duologue.usecases.authenticate import Authenticate
from duologue.usecases.change_app import SetNotificationUrls
from duologue.usecases.delete_recording import DeleteRecording
from duologue.usecases.fetch_events import FetchEvents
from duologue.usecases.find_audio import FindAudio
from duologue.usecases.find_memory import FindMemory
from duologue.usecases.forget_memory import ForgetMemory
from duologue.usecases.link_recording import LinkRecording
from duologue.usecases.list_memories import ListMemories
from duologue.usecases.look_up_callback import LookUpCallback
from duologue.usecases.look_up_memory import LookUpMemory
from duologue.usecases.place_callback import DiallingRules, PlaceCallback, RingTimeouts
from duologue.usecases.ports.notifying import AppEvents
from duologue.usecases.replay_notifications import ReplayNotifications
from duologue.usecases.repoint_memory import RepointMemory
from duologue.usecases.stop_callback import StopCallback
from duologue.wire.huawei.field_names import FIELDS
from duologue.wire.huawei.records import Records
from duologue.wire.huawei.session_id import new_call_id


@dataclass(frozen=True, slots=True)
class Dependencies:
    authenticate: Authenticate
    place: PlaceCallback
    stop: StopCallback
    look_up: LookUpCallback
    fetch_events: FetchEvents
    app_events: AppEvents
    replay: ReplayNotifications
    records: Records
    """Of CDRs; its base is that of each request."""
    link_recording: LinkRecording
    delete_recording: DeleteRecording
    set_notification_urls: SetNotificationUrls
    look_up_memory: LookUpMemory
    list_memories: ListMemories
    repoint_memory: RepointMemory
    forget_memory: ForgetMemory
    host: str


@cache
def dependencies() -> Dependencies:
    accounts, calls, flow, clock = dynamo_accounts(), dynamo_calls(), flows(), SystemClock()
    dynamodb, endpoints, recordings = client("dynamodb", NORMAL), sp_urls(), s3_recordings()
    kinds = ORDINARY | {NumberKind(kind) for kind in setting("ALSO_DIAL").split(",") if kind}
    in_use = partial(prefixes_in_use, setting("PREFIXES_IN_USE"))
    rules, seal = DiallingRules(LibphonenumberPlan(in_use), kinds, FIELDS), memory_seal()
    memories = DynamoMemories(dynamodb, setting("ACCOUNTS_TABLE"), keep_calls())
    inbound = DynamoInboundCalls(dynamodb, setting("ACCOUNTS_TABLE"), setting("CALLS_TABLE"), calls)
    find_memory = FindMemory(inbound, memories, seal, clock, FIELDS.display)
    events, histories = (
        DynamoAppEvents(dynamodb, setting("CALLS_TABLE")),
        DynamoHistories(dynamodb, setting("CALLS_TABLE")),
    )
    log = DynamoNotificationLog(dynamodb, setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"), accounts, keep_calls())
    return Dependencies(
        authenticate=Authenticate(accounts, accounts, dynamo_auth_attempts(), clock),
        place=PlaceCallback(
            calls,
            DynamoAcceptance(dynamodb, setting("ACCOUNTS_TABLE"), calls),
            flow,
            endpoints,
            seal,
            rules,
            clock,
            partial(new_call_id, random_bits=secrets.randbits),
            _ring_timeouts(),
            pause,
        ),
        stop=StopCallback(calls, network(), flow, clock, pause),
        look_up=LookUpCallback(histories),
        fetch_events=FetchEvents(events, clock),
        app_events=events,
        replay=ReplayNotifications(histories, events, log, clock),
        records=Records("", link_tokens().token_of),
        link_recording=LinkRecording(
            calls, FindAudio(recordings, retention()), dynamo_links(), clock, secrets.token_bytes
        ),
        delete_recording=DeleteRecording(calls, recordings, clock, pause),
        set_notification_urls=SetNotificationUrls(accounts, endpoints, FIELDS),
        look_up_memory=LookUpMemory(find_memory),
        list_memories=ListMemories(memories, seal, clock, FIELDS.display),
        repoint_memory=RepointMemory(find_memory, rules, pause),
        forget_memory=ForgetMemory(find_memory, pause),
        host=setting("HOST_NAME"),
    )


def _ring_timeouts() -> RingTimeouts:
    return RingTimeouts(
        callee_ring=timedelta(seconds=int(setting("CALLEE_RING_SECONDS"))),
        caller_ring=timedelta(seconds=int(setting("CALLER_RING_SECONDS"))),
    )

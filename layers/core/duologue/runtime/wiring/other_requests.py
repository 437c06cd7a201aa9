"""What callback_api needs for requests that place no callback."""

import secrets
from dataclasses import dataclass
from functools import cache, partial

from duologue.adapters.access.dynamo_request_limits import DynamoRequestLimits
from duologue.adapters.accounting.dynamo_call_lists import DynamoCallLists, DynamoUsages
from duologue.adapters.accounting.sealed_cursors import SealedCursors
from duologue.adapters.basics.aws import NORMAL
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.basics.threads import at_once
from duologue.adapters.calls.dynamo_histories import DynamoHistories
from duologue.adapters.memory.dynamo_memories import DynamoMemories
from duologue.adapters.notifying.dynamo_app_events import DynamoAppEvents
from duologue.adapters.notifying.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.notifying.http_sp_endpoints import HttpSpEndpoints
from duologue.runtime.carriers import network_of_api
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, link_tokens
from duologue.runtime.wiring.audit import audit
from duologue.runtime.wiring.calls import dynamo_calls, flows, keep_calls
from duologue.runtime.wiring.dialling import dialling_rules
from duologue.runtime.wiring.inbound_calls import inbound_calls
from duologue.runtime.wiring.memories import memory_seal
from duologue.runtime.wiring.recordings import cdr_archive, dynamo_links, retention, s3_recordings
from duologue.runtime.wiring.seals import seal as cursor_seal
from duologue.runtime.wiring.seals import sealed_rows
from duologue.runtime.wiring.sp_urls import sp_urls
from duologue.runtime.wiring.webhooks import webhooks
from duologue.usecases.access.change_app import SetNotificationUrls
from duologue.usecases.access.limit_requests import LimitRequests
from duologue.usecases.accounting.list_own_calls import ListOwnCalls
from duologue.usecases.calls.look_up_callback import LookUpCallback
from duologue.usecases.calls.stop_callback import StopCallback
from duologue.usecases.media.delete_recording import DeleteRecording
from duologue.usecases.media.find_audio import FindAudio
from duologue.usecases.media.link_recording import LinkRecording
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.memory.forget_memory import ForgetMemory
from duologue.usecases.memory.list_memories import ListMemories
from duologue.usecases.memory.look_up_memory import LookUpMemory
from duologue.usecases.memory.repoint_memory import RepointMemory
from duologue.usecases.notifying.fetch_events import FetchEvents
from duologue.usecases.notifying.ping_sp import PingSp
from duologue.usecases.notifying.replay_notifications import ReplayNotifications
from duologue.usecases.ports.audit import AuditLog
from duologue.usecases.ports.call_lists import Usages
from duologue.usecases.ports.cdr_archive import ArchivedCdrs
from duologue.usecases.ports.notifying import AppEvents
from duologue.wire.huawei.field_names import FIELDS
from duologue.wire.huawei.records import Records
from duologue.wire.huawei.session_id import new_call_id


@dataclass(frozen=True, slots=True)
class OtherRequests:
    limit: LimitRequests
    """Called before each of them but a stop."""
    stop: StopCallback
    look_up: LookUpCallback
    fetch_events: FetchEvents
    app_events: AppEvents
    replay: ReplayNotifications
    ping: PingSp
    records: Records
    """Of CDRs; its base is that of each request."""
    link_recording: LinkRecording
    delete_recording: DeleteRecording
    set_notification_urls: SetNotificationUrls
    look_up_memory: LookUpMemory
    list_memories: ListMemories
    repoint_memory: RepointMemory
    forget_memory: ForgetMemory
    archive: ArchivedCdrs
    list_calls: ListOwnCalls
    usages: Usages
    audit: AuditLog


@cache
def other_requests() -> OtherRequests:
    rows = sealed_rows()
    accounts, calls, clock = dynamo_accounts(), dynamo_calls(rows), SystemClock()
    dynamodb, recordings, seal = client("dynamodb", NORMAL), s3_recordings(), memory_seal()
    memories = DynamoMemories(dynamodb, setting("ACCOUNTS_TABLE"), keep_calls())
    find_memory = FindMemory(inbound_calls(calls), memories, seal, clock, FIELDS.display)
    events = DynamoAppEvents(dynamodb, setting("CALLS_TABLE"), rows)
    histories = DynamoHistories(dynamodb, setting("CALLS_TABLE"), rows)
    log = DynamoNotificationLog(
        dynamodb, setting("CALLS_TABLE"), setting("ACCOUNTS_TABLE"), accounts, keep_calls(), rows
    )
    records = Records("", link_tokens().token_of)
    limits = DynamoRequestLimits(dynamodb, setting("ACCOUNTS_TABLE"))
    return OtherRequests(
        limit=LimitRequests(limits, clock),
        stop=StopCallback(calls, network_of_api(), flows(), clock, pause),
        look_up=LookUpCallback(histories),
        fetch_events=FetchEvents(events, clock),
        app_events=events,
        replay=ReplayNotifications(histories, events, log, clock),
        ping=PingSp(
            limits,
            log,
            webhooks(records),
            HttpSpEndpoints(sp_urls()),
            clock,
            at_once,
            partial(new_call_id, random_bits=secrets.randbits),
            FIELDS,
        ),
        records=records,
        link_recording=LinkRecording(
            calls, FindAudio(recordings, retention()), dynamo_links(), clock, secrets.token_bytes
        ),
        delete_recording=DeleteRecording(calls, recordings, clock, pause),
        set_notification_urls=SetNotificationUrls(accounts, sp_urls(), FIELDS),
        look_up_memory=LookUpMemory(find_memory),
        list_memories=ListMemories(memories, seal, clock, FIELDS.display),
        repoint_memory=RepointMemory(find_memory, dialling_rules(), pause),
        forget_memory=ForgetMemory(find_memory, pause),
        archive=cdr_archive(),
        list_calls=ListOwnCalls(
            DynamoCallLists(dynamodb, setting("CALLS_TABLE"), setting("LISTS_TABLE"), rows),
            SealedCursors(cursor_seal()),
        ),
        usages=DynamoUsages(dynamodb, setting("LISTS_TABLE")),
        audit=audit(),
    )

"""Dependencies of notify_sp."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import SystemRandom

from duologue.adapters.aws import NORMAL, PATIENT
from duologue.adapters.aws_clients import client
from duologue.adapters.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.http_sp_endpoints import HttpSpEndpoints
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.system_clock import SystemClock
from duologue.domain.delivery import delays_of
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, link_tokens
from duologue.runtime.wiring.calls import keep_calls
from duologue.runtime.wiring.sp_urls import sp_urls
from duologue.runtime.wiring.webhooks import webhooks
from duologue.usecases.notify_sp import NotifySp
from duologue.wire.huawei.records import Records


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`give_back`: the queue's ARN, the receipt handle, and how often the message was received."""

    notify_sp: NotifySp
    give_back: Callable[[str, str, int], None]


@cache
def dependencies() -> Dependencies:
    notices = SqsNotices(client("sqs", PATIENT), setting("FIRST_QUEUE"), setting("RETRY_QUEUE"))
    notify_sp = NotifySp(
        log=DynamoNotificationLog(
            client("dynamodb", NORMAL),
            setting("CALLS_TABLE"),
            setting("ACCOUNTS_TABLE"),
            dynamo_accounts(),
            keep_calls(),
        ),
        webhooks=webhooks(Records(setting("API_URL"), link_tokens().token_of)),
        endpoints=HttpSpEndpoints(sp_urls()),
        notices=notices,
        clock=SystemClock(),
        chance=SystemRandom().random,
        delays=delays_of(setting("RETRY_DELAYS")),
    )
    return Dependencies(notify_sp, notices.give_back)

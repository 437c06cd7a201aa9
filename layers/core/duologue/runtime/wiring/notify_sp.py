"""Dependencies of notify_sp."""

from dataclasses import dataclass
from functools import cache
from random import SystemRandom

from duologue.adapters.basics.aws import NORMAL, PATIENT
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.basics.sqs_messages import SqsMessages
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.notifying.call_metrics import CallMetrics
from duologue.adapters.notifying.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.notifying.http_sp_endpoints import HttpSpEndpoints
from duologue.adapters.notifying.sqs_notices import SqsNotices
from duologue.domain.notifying.delivery import delays_of
from duologue.runtime.given_back import GiveBack
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, link_tokens
from duologue.runtime.wiring.calls import keep_calls
from duologue.runtime.wiring.seals import sealed_rows
from duologue.runtime.wiring.sp_urls import sp_urls
from duologue.runtime.wiring.webhooks import webhooks
from duologue.usecases.notifying.notify_sp import NotifySp
from duologue.wire.huawei.records import Records


@dataclass(frozen=True, slots=True)
class Dependencies:
    notify_sp: NotifySp
    give_back: GiveBack


@cache
def dependencies() -> Dependencies:
    sqs = client("sqs", PATIENT)
    notify_sp = NotifySp(
        log=DynamoNotificationLog(
            client("dynamodb", NORMAL),
            setting("CALLS_TABLE"),
            setting("ACCOUNTS_TABLE"),
            dynamo_accounts(),
            keep_calls(),
            sealed_rows(),
        ),
        webhooks=webhooks(Records(setting("API_URL"), link_tokens().token_of)),
        endpoints=HttpSpEndpoints(sp_urls()),
        notices=SqsNotices(sqs, setting("FIRST_QUEUE"), setting("RETRY_QUEUE")),
        clock=SystemClock(),
        chance=SystemRandom().random,
        delays=delays_of(setting("RETRY_DELAYS")),
        measurements=CallMetrics(),
    )
    messages = SqsMessages(sqs, (setting("FIRST_QUEUE"), setting("RETRY_QUEUE")))
    return Dependencies(notify_sp, messages.give_back)

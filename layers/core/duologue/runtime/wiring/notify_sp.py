"""Dependencies of notify_sp."""

import secrets
from functools import cache
from random import SystemRandom

from duologue.adapters.aws import NORMAL, PATIENT
from duologue.adapters.aws_clients import client
from duologue.adapters.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.http_sp_endpoints import HttpSpEndpoints
from duologue.adapters.sqs_notices import SqsNotices
from duologue.adapters.system_clock import SystemClock
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, link_tokens
from duologue.runtime.wiring.calls import keep_calls
from duologue.runtime.wiring.sp_urls import sp_urls
from duologue.usecases.notify_sp import NotifySp
from duologue.wire.huawei.notifications import HuaweiWebhooks
from duologue.wire.huawei.records import Records

_NONCE_BYTES = 16


@cache
def dependencies() -> NotifySp:
    return NotifySp(
        log=DynamoNotificationLog(
            client("dynamodb", NORMAL),
            setting("CALLS_TABLE"),
            setting("ACCOUNTS_TABLE"),
            dynamo_accounts(),
            keep_calls(),
        ),
        webhooks=HuaweiWebhooks(
            setting("HOST_NAME"),
            lambda: secrets.token_hex(_NONCE_BYTES),
            Records(setting("RECORDINGS_BUCKET"), setting("API_URL"), link_tokens().token_of),
        ),
        endpoints=HttpSpEndpoints(sp_urls()),
        notices=SqsNotices(client("sqs", PATIENT), retry=setting("RETRY_QUEUE"), undelivered=setting("UNDELIVERED")),
        clock=SystemClock(),
        chance=SystemRandom().random,
    )

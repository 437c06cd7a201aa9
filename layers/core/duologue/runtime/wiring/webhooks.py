"""The format of notifications, for those who post them."""

import secrets

from duologue.runtime.settings import setting
from duologue.wire.huawei.notifications import HuaweiWebhooks
from duologue.wire.huawei.records import Records

_NONCE_BYTES = 16


def webhooks(records: Records) -> HuaweiWebhooks:
    return HuaweiWebhooks(setting("HOST_NAME"), lambda: secrets.token_hex(_NONCE_BYTES), records)

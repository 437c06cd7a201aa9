"""The adapter of SPs' URLs, with one policy for saving them and for posting to them."""

from duologue.adapters.notifying.dns_names import addresses_of
from duologue.adapters.notifying.sp_urls import ResolvedSpUrls
from duologue.runtime.settings import flag


def sp_urls() -> ResolvedSpUrls:
    return ResolvedSpUrls(
        addresses_of, allow_loopback=flag("ALLOW_LOOPBACK"), allow_plain_http=flag("ALLOW_PLAIN_HTTP")
    )

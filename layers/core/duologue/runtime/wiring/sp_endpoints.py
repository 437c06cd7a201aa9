"""The adapter of SPs' endpoints, with one policy for checking URLs and for posting."""

from duologue.adapters.dns_names import addresses_of
from duologue.adapters.http_sp_endpoints import HttpSpEndpoints
from duologue.runtime.settings import flag


def sp_endpoints() -> HttpSpEndpoints:
    return HttpSpEndpoints(
        addresses_of, allow_loopback=flag("ALLOW_LOOPBACK"), allow_plain_http=flag("ALLOW_PLAIN_HTTP")
    )

"""A recording on the wire: its file name, which the CDR tells, and the request for it.

The name is the call's id with `.wav`, so that the call is found by it. The domain of a record is the platform's host.
"""

from collections.abc import Mapping

from duologue.domain.errors import InvalidField, UnknownCall, UnknownRecording
from duologue.wire.huawei.session_id import call_id_of, session_id

_ENDING = ".wav"
_LONGEST = 128
_LONGEST_LOCATION = 512


def record_name(call_id: str) -> str:
    return call_id + _ENDING


def read_record_request(query: Mapping[str, str], host: str) -> str:
    """The call whose recording is asked for.

    Raises:
        InvalidField: a parameter is missing or too long.
        UnknownRecording: the name or the domain is none that this platform gave out.
    """
    name, domain = _required(query, "fileName"), _required(query, "recordDomain")
    if domain != host or not name.endswith(_ENDING):
        raise UnknownRecording("the name or the domain is not one of this platform")
    try:
        return call_id_of(session_id(name.removesuffix(_ENDING), host), host)
    except UnknownCall as error:
        raise UnknownRecording("the name is not one of this platform") from error


def read_link_token(path: Mapping[str, str]) -> str:
    return path["token"]


def link_url(base: str, token: str) -> str:
    """Where a link is followed: `base` is the API's own address without a path's slash at the end.

    Raises:
        InvalidField: it does not fit the wire's 512 characters; only a made-up Host header is so long.
    """
    url = f"{base}/r/{token}"
    if len(url) > _LONGEST_LOCATION:
        raise InvalidField("Host", "is too long")
    return url


def _required(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if not value:
        raise InvalidField(name, "is required")
    if len(value) > _LONGEST:
        raise InvalidField(name, f"must have 1 to {_LONGEST} characters")
    return value

"""A recording on the wire: its file name, which the CDR tells, the requests for it, and the links to it.

The name is the call's id with `.wav`, so that the call is found by it. The domain of a record is the platform's host.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from duologue.domain.errors import InvalidField, UnknownCall, UnknownLink, UnknownRecording
from duologue.wire.huawei.session_id import call_id_of, session_id

_ENDING = ".wav"
_LONGEST = 128
_LONGEST_LOCATION = 512


@dataclass(frozen=True, slots=True)
class Records:
    """Where recordings are, as the CDR tells it.

    `base`: the API's own address, without a slash at the end. `token_of`: of an app and a call's id, the link's token.
    """

    bucket: str
    base: str
    token_of: Callable[[str, str], str]

    def link(self, app: str, call_id: str) -> str:
        """Ends with the file's name, by which whoever downloads it saves it. Raises OutsideUnavailable."""
        return f"{self.base}/r/{self.token_of(app, call_id)}/{record_name(call_id)}"


def record_name(call_id: str) -> str:
    return call_id + _ENDING


def read_record_request(query: Mapping[str, str], host: str) -> str:
    """The call whose recording is asked for.

    Raises:
        InvalidField: a parameter is missing or too long.
        UnknownRecording: the name or the domain is none that this platform gave out.
    """
    name, domain = _required(query, "fileName"), _required(query, "recordDomain")
    if domain != host:
        raise UnknownRecording("the domain is not this platform's")
    return _call_id_of(name, host)


def read_link_token(path: Mapping[str, str]) -> str:
    return path["token"]


def read_cdr_link(path: Mapping[str, str], host: str) -> tuple[str, str]:
    """The call and the token of a link that a CDR told. Raises UnknownLink."""
    try:
        return _call_id_of(path["fileName"], host), path["token"]
    except UnknownRecording as error:
        raise UnknownLink("its name is not one of this platform") from error


def link_url(base: str, token: str) -> str:
    """Where a link is followed: `base` is the API's own address without a path's slash at the end.

    Raises:
        InvalidField: it does not fit the wire's 512 characters; only a made-up Host header is so long.
    """
    url = f"{base}/r/{token}"
    if len(url) > _LONGEST_LOCATION:
        raise InvalidField("Host", "is too long")
    return url


def _call_id_of(name: str, host: str) -> str:
    if not name.endswith(_ENDING):
        raise UnknownRecording("the name is not one of this platform")
    try:
        return call_id_of(session_id(name.removesuffix(_ENDING), host), host)
    except UnknownCall as error:
        raise UnknownRecording("the name is not one of this platform") from error


def _required(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if not value:
        raise InvalidField(name, "is required")
    if len(value) > _LONGEST:
        raise InvalidField(name, f"must have 1 to {_LONGEST} characters")
    return value

"""Recordings in the format: the file name in the CDR, requests for a recording, and links.

The name is the call's id with `.wav`, so it identifies the call. The domain of a record is the platform's host.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from duologue.domain.errors import InvalidField, UnknownCall, UnknownLink, UnknownRecording
from duologue.domain.media.recording_link import AudioRequest
from duologue.wire.huawei.session_id import call_id_of, session_id

PLATFORM_NOTICE = "recording-notice"
"""The platform's own recording notice; an app's is named by its file, which ends in .wav."""

BUCKET = "recordings"
"""What SPs are given as the bucket's name. They have no use for the real one, which only an attacker would have."""

_ENDING = ".wav"
_LONGEST = 128
_LONGEST_LOCATION = 512


@dataclass(frozen=True, slots=True)
class Records:
    """What a CDR says about recordings.

    `base`: the API's base URL without a trailing slash. `token_of`: the link's token for an app and a call id.
    """

    base: str
    token_of: Callable[[str, str], str]

    def link(self, app: str, call_id: str) -> str:
        """Ends with the file name, so that downloads are saved under it. Raises OutsideUnavailable."""
        return f"{self.base}/r/{self.token_of(app, call_id)}/{record_name(call_id)}"


def record_name(call_id: str) -> str:
    return call_id + _ENDING


def read_record_request(query: Mapping[str, str], host: str) -> str:
    """The call whose recording is requested.

    Raises:
        InvalidField: a parameter is missing or too long.
        UnknownRecording: the name or the domain is not one of this platform.
    """
    name, domain = _required(query, "fileName"), _required(query, "recordDomain")
    if domain != host:
        raise UnknownRecording("the domain is not this platform's")
    return _call_id_of(name, host)


def read_audio_request(method: str, headers: Mapping[str, str]) -> AudioRequest:
    """`Range` counts for GET only (RFC 9110 §14.2).

    `If-Range` names a version by a validator; links have none, so the whole is wanted (§13.1.5).
    """
    sent = {name.lower(): value for name, value in headers.items()}
    is_whole = method != "GET" or "if-range" in sent
    return AudioRequest(None if is_whole else sent.get("range"), is_head=method == "HEAD")


def read_link_token(path: Mapping[str, str]) -> str:
    return path["token"]


def read_cdr_link(path: Mapping[str, str], host: str) -> tuple[str, str]:
    """Call and token of a CDR's link. Raises UnknownLink."""
    try:
        return _call_id_of(path["fileName"], host), path["token"]
    except UnknownRecording as error:
        raise UnknownLink("its name is not one of this platform") from error


def link_url(base: str, token: str) -> str:
    """The URL of a link. `base`: the API's base URL without a trailing slash.

    Raises:
        InvalidField: longer than the format's 512 characters, which takes a forged Host header.
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

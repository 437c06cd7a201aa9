"""Authentication by a digest in the headers, in both generations; clients differ in how they write them.

    Authorization: AKSK realm="SDP",profile="UsernameToken",type="Appkey"
    X-AKSK: UsernameToken Username="<app key>",PasswordDigest="…",Nonce="…",Created="2026-01-15T09:30:00Z"

The older generation has WSSE in both places, and computes its digest differently, in two encodings. Accepted: attribute
names in any order and case, any separator, values without quotes, and the scheme of one generation with the header of
the other. If both headers are present, X-AKSK is used.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from duologue.domain.access.accounts import Scheme
from duologue.domain.access.credentials import AppDigest
from duologue.domain.errors import InvalidField, RequestStale, UnknownApp
from duologue.wire.huawei.digests import aksk_digest, may_sign_push, same, wsse_digests
from duologue.wire.huawei.header_faults import Fault, HeaderFault

_SCHEME = re.compile(r"\s*(?:AKSK|WSSE)(?![^\s,])", re.IGNORECASE)
_USERNAME_TOKEN = re.compile(r"\s*UsernameToken(?![^\s,])", re.IGNORECASE)
# The lookbehind keeps the search linear: otherwise each letter of a long run would be tried as a start.
_ATTRIBUTE = re.compile(r"""(?<![A-Za-z])([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))""")
# RFC 3339 §5.6 with the variants of its notes (small letters, a space for T), and offsets without their colon.
_CREATED = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))", re.ASCII | re.IGNORECASE
)
_LONGEST_HEADER = 2048
"""Twice the maximum length of all parts. Anyone can send a header, so longer ones are not parsed."""
_LONGEST_NONCE = 128
_CHINA = timedelta(hours=8)

Attributes = Mapping[str, str]

_AUTHORIZATION = (
    ("realm", "SDP", Fault.NO_REALM, Fault.WRONG_REALM),
    ("profile", "UsernameToken", Fault.NO_PROFILE, Fault.WRONG_PROFILE),
    ("type", "Appkey", Fault.NO_TYPE, Fault.WRONG_TYPE),
)


def brings_digest(headers: Mapping[str, str]) -> bool:
    """Whether a request has digest headers, complete or not. Header names are in lower case."""
    return "x-aksk" in headers or "x-wsse" in headers or bool(_SCHEME.match(headers.get("authorization", "")))


def read_digest(headers: Mapping[str, str]) -> AppDigest:
    """Parse the headers, whose names are in lower case.

    Raises:
        HeaderFault: a header or a part is missing or wrong; the first fault in the table's order, Authorization first.
        UnknownApp: the user name cannot be an app key.
        InvalidField: a header or the nonce is too long, or the nonce is not printable or begins like a URL.
        RequestStale: the time is malformed.
    """
    authorization = headers.get("authorization", "")
    for name in ("Authorization", "X-AKSK", "X-WSSE"):
        if len(headers.get(name.lower(), "")) > _LONGEST_HEADER:
            raise InvalidField(name, f"is longer than {_LONGEST_HEADER} characters")
    _check_authorization(authorization)
    newer = "x-aksk" in headers or ("x-wsse" not in headers and authorization.lstrip()[:4].upper() == "AKSK")
    sent = headers.get("x-aksk" if newer else "x-wsse", "").strip()
    if not sent:
        raise HeaderFault(Fault.AKSK_MISSING if newer else Fault.WSSE_MISSING)
    if not _USERNAME_TOKEN.match(sent):
        raise HeaderFault(Fault.NO_USERNAME_TOKEN)
    attributes = _attributes(sent)
    app_key = _required(attributes, "username", Fault.AKSK_NO_USERNAME if newer else Fault.WSSE_NO_USERNAME)
    digest = _required(attributes, "passworddigest", Fault.NO_DIGEST)
    nonce = _required(attributes, "nonce", Fault.AKSK_NO_NONCE if newer else Fault.WSSE_NO_NONCE)
    created = _required(attributes, "created", Fault.AKSK_NO_CREATED if newer else Fault.WSSE_NO_CREATED)
    if not is_app_key(app_key):
        raise UnknownApp("it can be no app key")
    if len(nonce) > _LONGEST_NONCE or not nonce.isprintable():
        raise InvalidField("Nonce", f"must have 1 to {_LONGEST_NONCE} printable characters")
    if may_sign_push(nonce):
        raise InvalidField("Nonce", "must not begin with http:// or https://")

    def proves(secret: str) -> bool:
        expected = (aksk_digest(secret, nonce, created),) if newer else wsse_digests(secret, nonce, created)
        return any([same(digest, one) for one in expected])  # a list, so that both are always compared

    return AppDigest(app_key, nonce, _moments(created), proves, Scheme.HMAC if newer else Scheme.HASH)


def is_app_key(text: str) -> bool:
    """Whether this could be an app key; others are not looked up."""
    return 1 <= len(text) <= 512 and text.isascii() and text.isprintable()


def _check_authorization(sent: str) -> None:
    if not sent.strip():
        raise HeaderFault(Fault.NO_AUTHORIZATION)
    if not _SCHEME.match(sent):
        raise HeaderFault(Fault.NO_SCHEME)
    attributes = _attributes(sent)
    for name, expected, missing, wrong in _AUTHORIZATION:
        if _required(attributes, name, missing).lower() != expected.lower():
            raise HeaderFault(wrong)


def _attributes(sent: str) -> Attributes:
    return {name.lower(): quoted or bare for name, quoted, bare in _ATTRIBUTE.findall(sent)}


def _required(attributes: Attributes, name: str, missing: Fault) -> str:
    value = attributes.get(name, "")
    if not value:
        raise HeaderFault(missing)
    return value


def _moments(created: str) -> tuple[datetime, ...]:
    """The possible readings, to the second. An offset means one moment; Z is UTC, or UTC+8 as some pages have it."""
    match = _CREATED.fullmatch(created)
    if match is None:
        raise RequestStale("Created is not written as 2026-01-15T09:30:00Z")
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    sign, hours, minutes = match.group(7, 8, 9)
    try:
        if second > 60 or int(hours or 0) > 23 or int(minutes or 0) > 59:  # 60 is a leap second
            raise ValueError(created)
        as_written = datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=second)
        if sign is None:
            return as_written, as_written - _CHINA
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return (as_written + offset if sign == "-" else as_written - offset,)
    except (ValueError, OverflowError) as error:  # February 30; the first hours of the year 1
        raise RequestStale("Created is no time") from error

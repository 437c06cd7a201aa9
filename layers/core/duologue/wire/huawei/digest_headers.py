"""A request that proves itself by a digest in its headers, in either generation; clients differ in how they write them.

    Authorization: AKSK realm="SDP",profile="UsernameToken",type="Appkey"
    X-AKSK: UsernameToken Username="<app key>",PasswordDigest="…",Nonce="…",Created="2026-01-15T09:30:00Z"

The older generation says WSSE in both places, and puts together and encodes its digest in two other ways. Tolerated:
any order and case of the attributes' names, any separator, values without quotes, and the one word of `Authorization`
beside the other header. X-AKSK is read if both are there.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from duologue.domain.credentials import AppDigest
from duologue.domain.errors import InvalidField, RequestStale, UnknownApp
from duologue.wire.huawei.digests import aksk_digest, same, wsse_digests
from duologue.wire.huawei.header_faults import Fault, HeaderFault

_SCHEME = re.compile(r"\s*(?:AKSK|WSSE)(?![^\s,])", re.IGNORECASE)
_USERNAME_TOKEN = re.compile(r"\s*UsernameToken(?![^\s,])", re.IGNORECASE)
# A name begins where no letter stands before it: else each letter of a long run would be tried as a beginning.
_ATTRIBUTE = re.compile(r"""(?<![A-Za-z])([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))""")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_LONGEST_HEADER = 2048
"""Twice what the longest of all parts come to. Anybody may send one, so a longer one is not looked at."""
_LONGEST_NONCE = 128
_CHINA = timedelta(hours=8)

Attributes = Mapping[str, str]

_AUTHORIZATION = (
    ("realm", "SDP", Fault.NO_REALM, Fault.WRONG_REALM),
    ("profile", "UsernameToken", Fault.NO_PROFILE, Fault.WRONG_PROFILE),
    ("type", "Appkey", Fault.NO_TYPE, Fault.WRONG_TYPE),
)


def brings_digest(headers: Mapping[str, str]) -> bool:
    """Whether a request means to prove itself by a digest. Header names are in lower case."""
    return "x-aksk" in headers or "x-wsse" in headers or bool(_SCHEME.match(headers.get("authorization", "")))


def read_digest(headers: Mapping[str, str]) -> AppDigest:
    """Read the headers, whose names are in lower case.

    Raises:
        HeaderFault: one is missing or lacks something; the first fault in the order of the table, Authorization first.
        UnknownApp: the user name can be no app key.
        InvalidField: a header or the nonce is too long, or the nonce is not printable or has a colon.
        RequestStale: the time cannot be read, so nobody can say that it is near.
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
    # A push of `--push-signature joined` is signed over URL, nonce and time, with AKSK's key and function: its receiver
    # could send URL and nonce here as one nonce. Every URL has a colon; no Base64, hexadecimal or UUID has one.
    if len(nonce) > _LONGEST_NONCE or not nonce.isprintable() or ":" in nonce:
        raise InvalidField("Nonce", f"must have 1 to {_LONGEST_NONCE} printable characters, none of them a colon")

    def proves(secret: str) -> bool:
        expected = (aksk_digest(secret, nonce, created),) if newer else wsse_digests(secret, nonce, created)
        return any([same(digest, one) for one in expected])  # a list: both are compared, whichever it is

    return AppDigest(app_key, nonce, _moments(created), proves)


def is_app_key(text: str) -> bool:
    """Whether an app could have this key: no other is looked up."""
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
    """What the time can mean: UTC as its Z says, or UTC+8 as some pages and the samples have it, Z or not."""
    if not _CREATED.fullmatch(created):
        raise RequestStale("Created is not written as 2026-01-15T09:30:00Z")
    try:
        as_utc = datetime.fromisoformat(created.removesuffix("Z").partition(".")[0]).replace(tzinfo=UTC)
        return as_utc, as_utc - _CHINA
    except (ValueError, OverflowError) as error:  # the 30th of February; the first hours of the year 1
        raise RequestStale("Created is no time") from error

"""SIP messages parsed and built, for what the SIP library does not do: RFC 3261 §7, §8.2.6.

Parsing is lenient: missing values are empty, and the caller answers 400 if it needs one.
"""

import ipaddress
import re
from dataclasses import dataclass, field, replace

REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
}
COPIED = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
Headers = tuple[tuple[str, str], ...]
SHORT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "k": "supported",
}
FOLD = re.compile(r"\r\n[ \t]+")
ONE_VALUE = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,])+')
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')


@dataclass(frozen=True)
class _Message:
    """`headers`: in their order, with long names in lower case."""

    headers: Headers
    body: bytes = field(default=b"", kw_only=True)

    def value(self, name: str) -> str:
        """The first header of that name, unparsed."""
        return next((value for each, value in self.headers if each == name), "")

    def values(self, name: str) -> list[str]:
        """A list may be in one header, in several, or both (§7.3.1)."""
        found = [ONE_VALUE.findall(value) for each, value in self.headers if each == name]
        return [one.strip() for values in found for one in values if one.strip()]


@dataclass(frozen=True)
class Request(_Message):
    method: str
    uri: str


@dataclass(frozen=True)
class Response(_Message):
    status: int
    reason: str


def parsed(data: bytes) -> Request | None:
    """None: it is not a request, but a response, a keep-alive (RFC 5626: CR LF) or noise."""
    first, headers, body = lines_of(data)
    method, _, rest = first.partition(" ")
    if not method or not rest.endswith(" SIP/2.0"):
        return None
    return Request(headers, method, rest.removesuffix(" SIP/2.0").strip(), body=body)


def parsed_response(data: bytes) -> Response | None:
    """None: it is not a response."""
    first, headers, body = lines_of(data)
    match = re.fullmatch(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", first)
    return Response(headers, int(match[1]), match[2] or "", body=body) if match else None


def lines_of(data: bytes) -> tuple[str, Headers, bytes]:
    """First line, headers, body of any message."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = FOLD.sub(" ", head.decode("utf-8", "replace")).split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, tuple((_long(name), value.strip()) for name, _, value in pairs), body


def written(first: str, headers: Headers, body: bytes = b"") -> bytes:
    lines = [first, *(f"{COPIED.get(name) or name.title()}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8", "replace") + body


def _long(name: str) -> str:
    name = name.strip().lower()
    return SHORT.get(name, name)


def address(value: str) -> tuple[str, str]:
    """URI and parameters of From, To or Contact; without < > the parameters belong to the header (§20.10)."""
    bare = QUOTED.sub("", value)
    if "<" in bare:
        uri, _, parameters = bare.partition("<")[2].partition(">")
    else:
        uri, semicolon, parameters = bare.partition(";")
        parameters = semicolon + parameters
    return uri.strip(), parameters.strip()


def from_source(request: Request, source: tuple[str, int]) -> Request:
    """Note its source in the topmost Via (§18.2.1; RFC 3581 §4, as if every softphone had requested rport)."""
    headers = list(request.headers)
    at = next((index for index, (name, _) in enumerate(headers) if name == "via"), None)
    if at is None:
        return request
    top, comma, more = headers[at][1].partition(",")
    top = re.sub(r";\s*(received|rport)\s*(=[^;]*)?(?=;|$)", "", top, flags=re.IGNORECASE)
    headers[at] = "via", f"{top};received={source[0]};rport={source[1]}{comma}{more}"
    return replace(request, headers=tuple(headers))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def response(code: int, request: Request, tag: str | None, *more: tuple[str, str], reason: str | None = None) -> bytes:
    """`tag`: our tag of the dialogue, added to To unless the request has one. `more`: further headers."""
    copied = []
    for name, value in request.headers:
        if name in COPIED:
            own = f";tag={tag}" if name == "to" and tag and ";tag=" not in value else ""
            copied.append((name, value + own))
    return written(
        f"SIP/2.0 {code} {reason or REASONS.get(code, 'Refused')}", (*copied, *more, ("Content-Length", "0"))
    )

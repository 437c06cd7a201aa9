"""SIP requests read and answered, for what the SIP library cannot do: `refuser` and `registrar`. RFC 3261 §7, §8.2.6.

Lenient in what it reads: what is not there is empty, and whoever needs it says 400.
"""

import re
from dataclasses import dataclass

REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    302: "Moved Temporarily",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    410: "Gone",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
}
COPIED = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact"}
FOLD = re.compile(r"\r\n[ \t]+")
ONE_VALUE = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,])+')
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')


@dataclass(frozen=True)
class Request:
    """`headers`: in their order, names long and in lower case."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        """The first header of that name, as it stands."""
        return next((value for each, value in self.headers if each == name), "")

    def values(self, name: str) -> list[str]:
        """A list may stand in one header, in many, or both (§7.3.1)."""
        found = [ONE_VALUE.findall(value) for each, value in self.headers if each == name]
        return [one.strip() for values in found for one in values if one.strip()]


def parsed(data: bytes) -> Request | None:
    """None: no request, as a response, a keep-alive (RFC 5626: CR LF) and noise are none."""
    head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    first, *lines = FOLD.sub(" ", head).split("\r\n")
    method, _, rest = first.partition(" ")
    if not method or not rest.endswith(" SIP/2.0"):
        return None
    pairs = (line.partition(":") for line in lines)
    headers = tuple((_long(name), value.strip()) for name, _, value in pairs)
    return Request(method, rest.removesuffix(" SIP/2.0").strip(), headers)


def _long(name: str) -> str:
    name = name.strip().lower()
    return SHORT.get(name, name)


def address(value: str) -> tuple[str, str]:
    """URI and parameters of a From, To or Contact; without < > what follows ; belongs to the header (§20.10)."""
    bare = QUOTED.sub("", value)
    if "<" in bare:
        uri, _, parameters = bare.partition("<")[2].partition(">")
    else:
        uri, semicolon, parameters = bare.partition(";")
        parameters = semicolon + parameters
    return uri.strip(), parameters.strip()


def from_source(request: Request, source: tuple[str, int]) -> Request:
    """Its topmost Via says where it came from (§18.2.1; RFC 3581 §4: rport)."""
    headers = list(request.headers)
    at = next((index for index, (name, _) in enumerate(headers) if name == "via"), None)
    if at is None:
        return request
    top, comma, more = headers[at][1].partition(",")
    top = re.sub(r";\s*rport\s*(?=;|$)", f";rport={source[1]}", top) + f";received={source[0]}"
    headers[at] = "via", top + comma + more
    return Request(request.method, request.uri, tuple(headers))


def response(code: int, request: Request, tag: str | None, *more: tuple[str, str], reason: str | None = None) -> bytes:
    """`tag`: of our end of the dialogue, in To, unless the request has one. `more`: headers of this response's own."""
    lines = [f"SIP/2.0 {code} {reason or REASONS.get(code, 'Refused')}"]
    for name, value in request.headers:
        if name in COPIED:
            own = f";tag={tag}" if name == "to" and tag and ";tag=" not in value else ""
            lines.append(f"{COPIED[name]}: {value}{own}")
    lines += [f"{name}: {value}" for name, value in more]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode("utf-8", "replace")

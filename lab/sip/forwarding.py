"""A stateless proxy, RFC 3261 §16.11: forwards requests to one address, and responses back the way they came.

A redirect (302) would be simpler, but baresip does not follow one, nor does PJSIP by default.
"""

import hashlib
import re

from pstn.lines.sip.line import LEG_HEADER
from pstn.sip_messages import ONE_VALUE, Request, from_source, is_loopback, lines_of, written

MAX_FORWARDS = 70
COOKIE = "z9hG4bK"
SENT_BY = re.compile(r"SIP\s*/\s*2\.0\s*/\s*UDP\s+([^;:\s]+)(?::([0-9]{1,5}))?", re.IGNORECASE)


def hops_left(request: Request) -> int:
    given = request.value("max-forwards")
    return int(given) if re.fullmatch("[0-9]{1,3}", given) else MAX_FORWARDS


def has_been_at(request: Request, own: str) -> bool:
    return any(_sent_by(via) == own for via in request.values("via"))


def onward(request: Request, uri: str, source: tuple[str, int], own: str, leg: str | None = None) -> bytes:
    """The request forwarded to `uri`, with responses to come back to `own` (host:port).

    `leg`: by which a scripted phone knows this call (LEG_HEADER).

    The branch is computed from what CANCEL and the ACK of a refusal share with their INVITE, so that they match
    (§16.11).
    """
    same = (request.value("via"), request.value("call-id"), request.value("cseq").split()[0])
    branch = COOKIE + hashlib.sha256(repr(same).encode()).hexdigest()[:20]
    dropped = ("max-forwards", "route", LEG_HEADER.lower())
    kept = [(name, value) for name, value in from_source(request, source).headers if name not in dropped]
    headers = (
        ("via", f"SIP/2.0/UDP {own};branch={branch};rport"),
        ("max-forwards", str(hops_left(request) - 1)),
        *kept,
        *([(LEG_HEADER, leg)] if leg else []),
    )
    return written(f"{request.method} {uri} SIP/2.0", headers, request.body)


def back(data: bytes, own: str) -> tuple[bytes, tuple[str, int]] | None:
    """A response without our Via, and the address in the next Via, to send it to; None if it is not for us."""
    first, headers, body = lines_of(data)
    vias = [one.strip() for name, value in headers if name == "via" for one in ONE_VALUE.findall(value)]
    if not first.startswith("SIP/2.0 ") or len(vias) < 2 or _sent_by(vias[0]) != own:
        return None
    received = re.search(r";received=([^;]+)", vias[1])
    port = re.search(r";rport=([0-9]{1,5})", vias[1])
    if not received or not port or not is_loopback(received[1]) or not 0 < int(port[1]) < 65536:
        return None
    others = tuple(("via", via) for via in vias[1:])
    rest = tuple(header for header in headers if header[0] != "via")
    return written(first, (*others, *rest), body), (received[1], int(port[1]))


def _sent_by(via: str) -> str:
    match = SENT_BY.match(via)
    return f"{match[1]}:{match[2] or 5060}" if match else ""

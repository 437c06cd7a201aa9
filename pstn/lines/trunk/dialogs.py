"""What the gateway knows of a call, and how a SIP message of it is rewritten for the other side.

To the trunk, this station is one user agent at the trunk's interface: no address of loopback, no header of ours and no
trace of the gateway reaches it. To the SIP library, the trunk is a user agent on loopback.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from pstn.lines.trunk.outside import Peer, TrunkRows
from pstn.sip_messages import Headers, Request, Response, address, written

LOOPBACK = "127.0.0.1"
COOKIE = "z9hG4bK"
LEG_HEADER = "x-leg"
PRODUCT = "duologue"
HOP_BY_HOP = frozenset(
    ("via", "route", "record-route", "contact", "content-length", "user-agent", "server", LEG_HEADER)
)
"""Written anew on each side."""
DIALOG_METHODS = ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER")
"""Those whose Contact is the new target of a dialog (RFC 3261 §12.2)."""
_ADDRESS = re.compile(rb"IN IP4 127\.0\.0\.1(?=\r?$)", re.MULTILINE)
_AUDIO = re.compile(rb"^m=audio ([0-9]{1,5})", re.MULTILINE)
_CONNECTION = re.compile(rb"^c=IN IP4 ([0-9.]+)", re.MULTILINE)


@dataclass
class Dialog:
    """One call over a trunk. `peer`: where its requests go; None: until the first one is sent.

    `target`, `routes`: the far end's Contact, and the proxies on the way to it. `contact`: the library's own.
    """

    call_id: str
    leg: str
    trunk: TrunkRows
    host: tuple[str, int]
    peer: Peer | None = None
    target: str = ""
    routes: list[str] = field(default_factory=list)
    record_route: list[str] = field(default_factory=list)
    """Of an incoming INVITE: its answers must repeat it."""
    contact: str = ""
    rtp_port: int = 0
    hears: set[IPv4Network] = field(default_factory=set)
    """Where its audio comes from."""
    refusal: int = 0
    """The status with which an incoming call is refused, in place of the library's 486."""
    final: dict[str, str | int] = field(default_factory=dict)
    """What the final answer to our INVITE told beside its status: `trunk`, `refused_us`; `why` it is ours, in words."""
    removal: asyncio.TimerHandle | None = None


@dataclass
class Client:
    """A request of the library that was sent to a trunk, until its final answer."""

    request: Request
    branch: str
    trunk: TrunkRows
    dialog: Dialog | None
    peer: Peer | None = None
    sent: Request | None = None
    """As it was written to the trunk."""
    answered: bool = False
    final: bool = False
    given_up: bool = False
    """The library has got a final answer from the gateway; whatever the trunk answers now is ended."""
    cancelled: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def stop_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


@dataclass(frozen=True)
class OwnAddress:
    """Ours as one trunk sees it."""

    host: str
    port: int
    transport: str

    def contact(self, user: str) -> str:
        more = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{user}@{self.host}:{self.port}{more}"

    def via(self, branch: str) -> str:
        return f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch={branch};rport"


def branch_of(message: Request | Response) -> str:
    """Of the topmost Via, with its sent-by: the name of a transaction (RFC 3261 §17.2.3)."""
    top = next(iter(message.values("via")), "")
    found = re.search(r";\s*branch=([^;\s]+)", top)
    return f"{top.partition(';')[0].split()[-1:]}{found[1] if found else top}"


def own_branch(*of: str) -> str:
    return COOKIE + hashlib.sha256(repr(of).encode()).hexdigest()[:24]


def seen_in(answer: Response) -> tuple[str, int] | None:
    """Our address as the far end saw it, in the topmost Via (RFC 3581 §4); None: it does not say."""
    top = next(iter(answer.values("via")), "")
    received, port = re.search(r";\s*received=([0-9.]+)", top), re.search(r";\s*rport=([0-9]{1,5})", top)
    try:
        return (str(IPv4Address(received[1])), int(port[1])) if received and port else None
    except ValueError:
        return None


def tag_of(header: str) -> str:
    found = re.search(r";\s*tag=([^;\s]+)", address(header)[1])
    return found[1] if found else ""


def user_in(header: str) -> str:
    found = re.match(r"sips?:([^@;>]+)@", address(header)[0])
    return found[1] if found else "anonymous"


def to_trunk(request: Request, own: OwnAddress, branch: str, uri: str, routes: list[str]) -> Request:
    kept = tuple(header for header in request.headers if header[0] not in HOP_BY_HOP)
    more: list[tuple[str, str]] = [("route", each) for each in routes]
    if contact := request.value("contact"):
        uri_only, parameters = address(contact)
        expires = "".join(re.findall(r";\s*expires=[0-9]+", parameters))
        star = uri_only == "*"
        more.append(("contact", "*" if star else f"<{own.contact(user_in(request.value('from')))}>{expires}"))
    body = outward_sdp(request.body, own.host)
    headers: Headers = (
        ("via", own.via(branch)),
        *kept,
        *more,
        ("user-agent", PRODUCT),
        ("content-length", str(len(body))),
    )
    return Request(headers, request.method, uri, body=body)


def from_trunk(request: Request, gateway: str, branch: str, uri: str, dialog: Dialog) -> Request:
    """A request of a trunk, with its Via headers kept below ours, so that the answer finds its way back."""
    vias: Headers = tuple(("via", each) for each in request.values("via"))
    kept = tuple(header for header in request.headers if header[0] not in HOP_BY_HOP)
    more = [("contact", f"<sip:{gateway}>")] if request.value("contact") else []
    if not dialog.contact:  # the library has not answered yet
        more.append((LEG_HEADER, dialog.leg))
    headers = (
        ("via", f"SIP/2.0/UDP {gateway};branch={branch};rport"),
        *vias,
        *kept,
        *more,
        ("content-length", str(len(request.body))),
    )
    return Request(headers, request.method, uri, body=request.body)


def answer_from_trunk(answer: Response, asked: Request, gateway: str) -> Response:
    """To the request `asked` of the library."""
    kept = tuple(header for header in answer.headers if header[0] not in HOP_BY_HOP)
    more: list[tuple[str, str]] = []
    if answer.value("contact"):
        if asked.method == "REGISTER":
            granted = re.search(r";\s*expires=([0-9]+)", answer.value("contact"))
            expires = f";expires={granted[1]}" if granted else ""
            more.append(("contact", f"<{address(asked.value('contact'))[0]}>{expires}"))
        else:
            more.append(("contact", f"<sip:{gateway}>"))
    vias: Headers = tuple(("via", each) for each in asked.values("via"))
    return Response(
        (*vias, *kept, *more, ("content-length", str(len(answer.body)))), answer.status, answer.reason, body=answer.body
    )


def answer_to_trunk(answer: Response, own: OwnAddress, dialog: Dialog) -> Response:
    """Without the gateway's Via."""
    kept = tuple(header for header in answer.headers if header[0] not in HOP_BY_HOP)
    more: list[tuple[str, str]] = []
    if answer.value("contact"):
        more.append(("contact", f"<{own.contact(user_in(answer.value('to')))}>"))
    if 100 < answer.status < 300:
        more += [("record-route", each) for each in dialog.record_route]
    body = outward_sdp(answer.body, own.host)
    vias: Headers = tuple(("via", each) for each in answer.values("via")[1:])
    rest = (("server", PRODUCT), ("content-length", str(len(body))))
    return Response((*vias, *kept, *more, *rest), answer.status, answer.reason, body=body)


def bare_request(method: str, uri: str, like: Request, headers: Headers) -> Request:
    """CANCEL, the ACK of a refusal, or a BYE: with the call's headers of `like`, and these."""
    names = {name for name, _ in headers}
    kept = [
        (name, value)
        for name, value in like.headers
        if name in ("via", "from", "to", "call-id", "max-forwards", "route") and name not in names
    ]
    return Request((*kept, *headers, ("content-length", "0")), method, uri)


def outward_sdp(body: bytes, host: str) -> bytes:
    return _ADDRESS.sub(b"IN IP4 " + host.encode(), body)


def rtp_port(body: bytes) -> int:
    """Of the audio in a session description; 0: there is none."""
    found = _AUDIO.search(body)
    return int(found[1]) if found else 0


def audio_from(body: bytes) -> set[IPv4Network]:
    """The addresses in a session description."""
    found: set[IPv4Network] = set()
    for each in _CONNECTION.findall(body):
        try:
            found.add(IPv4Network(IPv4Address(each.decode())))
        except ValueError:  # no IPv4 address
            continue
    return found


def text(message: Request | Response) -> bytes:
    first = (
        f"{message.method} {message.uri} SIP/2.0"
        if isinstance(message, Request)
        else f"SIP/2.0 {message.status} {message.reason}"
    )
    return written(first, message.headers, message.body)

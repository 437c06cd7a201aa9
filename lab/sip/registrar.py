"""A registrar for ordinary softphones, which need an account and send REGISTER (RFC 3261 §10): bytes in, bytes out.

Each binding is an entry of the directory file, so the SIP line needs no knowledge of the registrar. A number has one
address: of two telephones that register the same number, the later one wins, also over an entry written by hand; the
other one is not in force until it registers again. If a lab is killed, its entries stay until their telephones register
again or somebody removes them, since they cannot be distinguished from entries written by hand.

Any password is accepted, because none is requested: only this machine reaches loopback, and anyone on it can edit the
file anyway. Any domain in a request counts as ours.

Telephones send their calls here too (`forwarding`): a call to a number of the account is forwarded to the telephone
network, one to another telephone directly to it, so that its own refusals reach the caller.
"""

import hashlib
import math
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.sip.forwarding import back, has_been_at, hops_left, onward
from pstn.lines.sip.child import LOOPBACK
from pstn.lines.sip.directory import ADDRESS, SIP_PORT, Directory, e164, number_in, port_of
from pstn.sip_messages import REASONS, Request, address, from_source, is_loopback, lines_of, parsed, response

Address = tuple[str, int]
ALLOW = ("Allow", "REGISTER, OPTIONS, INVITE, ACK, CANCEL, BYE")
KNOWN = ("INFO", "MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "REFER", "SUBSCRIBE", "UPDATE")
LEAST_S, USUAL_S = 60, 3600
"""Shorter is refused (§10.2.8), longer is shortened, so that a telephone that crashed does not keep its number for
days."""
REPEATS_S = 32.0
"""For how long a repeated request gets the same response (§17.2.2, timer J)."""
TRANSPORTS = ("", "udp", "tcp")


@dataclass(frozen=True)
class Binding:
    """`contact`: as the telephone wrote it; `uri`: where it is called. `until`: on the registrar's clock."""

    contact: str
    uri: str
    call_id: str
    cseq: int
    until: float


WHY = {404: "Nobody has this number", 480: "Nobody can be reached at this number now"}
MOST_CALLS = 1000
"""So many calls' ways are remembered, since CANCEL and ACK take the way of their INVITE."""


class Exchange(Protocol):
    """Where calls go (`pstn.lines.sip.line.SipLine`). `leg`: the call's LEG_HEADER."""

    def route(self, leg: str, caller: str, called: str) -> str | int:
        """The SIP URI for a call, or the code with which it is refused."""

    def refusal(self, leg: str) -> int | None:
        """The code with which the account refused a call, where the network's SIP library could only send 486."""


class Refused(Exception):
    """A final response other than 200. `reason`: a phrase for the softphone's log, instead of the usual one."""

    def __init__(self, code: int, reason: str | None = None, *more: tuple[str, str]) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.more = code, reason, more


class Registrar:
    """Not thread-safe.

    Args:
        directory: where bindings are written.
        network: host:port of the telephone network.
        own: host:port of this registrar.
        clock: monotonic seconds.
        report: called with a message for each change.
        exchange: without it, every call goes to the telephone network.
    """

    def __init__(
        self,
        directory: Directory,
        network: str,
        own: str,
        clock: Callable[[], float],
        report: Callable[[str], None] = lambda text: None,
        exchange: Exchange | None = None,
    ) -> None:
        self._exchange = exchange
        self._ways: OrderedDict[str, str | int] = OrderedDict()
        self._directory, self._clock, self._report = directory, clock, report
        self._network_address, self._own = network, own
        host, _, port = network.partition(":")
        self._network = host, int(port)
        self._reached = {self._network}
        """The addresses to which something was forwarded, so that responses may come from there."""
        self._bindings: dict[str, Binding] = {}
        self._answered: dict[tuple[str, str, str], tuple[float, bytes]] = {}

    def received(self, data: bytes, source: Address) -> tuple[bytes, Address] | None:
        """What to send, and where: a response to the source address (whatever Via says), or a forwarded message."""
        request = parsed(data)
        if request is None:
            return back(self._as_meant(data, source), self._own) if source in self._reached else None
        self.expire()
        try:
            cseq = _well_formed(request)
            uri = self._way(request)
            to = self._destination(uri) if uri else None
        except Refused as refused:
            return None if request.method == "ACK" else (self._refusal(refused, from_source(request, source)), source)
        if uri and to:
            leg = _leg(request.value("call-id")) if request.method == "INVITE" else None
            return onward(request, uri, source, self._own, leg), to
        if request.method == "ACK":
            return None
        return self._once(request, cseq, source), source

    def expire(self) -> float | None:
        """Remove expired bindings; returns the seconds until the next one expires."""
        now = self._clock()
        for key, (until, _) in list(self._answered.items()):
            if until > now:
                break
            del self._answered[key]
        for number, binding in list(self._bindings.items()):
            if binding.until <= now:
                self._release(number, "its registration expired")
        return min((binding.until - now for binding in self._bindings.values()), default=None)

    def close(self) -> None:
        """Remove all bindings."""
        for number in list(self._bindings):
            self._release(number, "the registrar stops")

    # -- responses
    def _once(self, request: Request, cseq: int, source: Address) -> bytes:
        key = _identity(request)
        if key not in self._answered:
            self._answered[key] = self._clock() + REPEATS_S, self._response(from_source(request, source), cseq, source)
        return self._answered[key][1]

    def _response(self, request: Request, cseq: int, source: Address) -> bytes:
        try:
            return response(200, request, _tag(request), *self._answer(request, cseq, source))
        except Refused as refused:
            return self._refusal(refused, request)
        except (OSError, ValueError) as error:  # of the directory file; §10.3 step 7
            self._report(f"a telephone could not register: {error}")
            return response(500, request, _tag(request), reason="The directory file cannot be changed")

    @staticmethod
    def _refusal(refused: Refused, request: Request) -> bytes:
        return response(refused.code, request, _tag(request), *refused.more, reason=refused.reason)

    def _answer(self, request: Request, cseq: int, source: Address) -> list[tuple[str, str]]:
        """The headers of 200. Raises: Refused; OSError and ValueError of the directory file."""
        if request.method in ("REGISTER", "OPTIONS") and (required := request.values("require")):
            raise Refused(420, None, ("Unsupported", ", ".join(required)))  # §8.2.2.3
        match request.method:
            case "REGISTER":
                return self._register(request, cseq, source)
            case "OPTIONS":
                return [ALLOW]
            case "INVITE":
                raise Refused(404, "Not Found: no telephone number")
            case "CANCEL" | "BYE":
                raise Refused(481)
            case known if known in KNOWN:
                raise Refused(405, None, ALLOW)
            case _:
                raise Refused(501)

    def _way(self, request: Request) -> str | None:
        """The URI to which the request is forwarded: a call to a number, or a request within a call.

        Raises: Refused.
        """
        match = ADDRESS.fullmatch(request.uri)
        if match is None or request.method in ("REGISTER", "OPTIONS"):
            return None
        number = e164(match["user"] or "")
        there = f"{match['host']}:{match['port'] or SIP_PORT}"
        way = self._ways.get(request.value("call-id"))
        # Within a call between telephones, a request's URI is the other telephone's own address.
        within = (
            way is not None and ";tag=" in request.value("to") and is_loopback(match["host"]) and there != self._own
        )
        as_it_is = within or there == self._network_address
        if not as_it_is and number is None:
            return None
        if has_been_at(request, self._own):
            raise Refused(482)
        if hops_left(request) < 1:
            raise Refused(483)
        return request.uri if as_it_is or number is None else self._call(request, number)

    def _call(self, request: Request, number: str) -> str:
        """Where a call to a number goes, or what belongs to such a call. Raises: Refused."""
        call_id, invites = request.value("call-id"), request.method == "INVITE"
        if invites and self._exchange and call_id not in self._ways:
            caller = number_in(request.value("from")) or "anonymous"
            self._ways[call_id] = self._exchange.route(_leg(call_id), caller, number)
            if len(self._ways) > MOST_CALLS:
                self._ways.popitem(last=False)
        way = self._ways.get(call_id, f"sip:{number}@{self._network_address}")
        if isinstance(way, int):
            raise Refused(way, WHY.get(way)) if invites else Refused(481)
        return way

    def _as_meant(self, response: bytes, source: Address) -> bytes:
        """The network's refusal with the code that the account chose."""
        status, _, rest = response.partition(b"\r\n")
        if not self._exchange or source != self._network or not status.startswith(b"SIP/2.0 486 "):
            return response
        call_id = next((value for name, value in lines_of(response)[1] if name == "call-id"), "")
        code = self._exchange.refusal(_leg(call_id))
        return response if code is None else f"SIP/2.0 {code} {WHY.get(code) or REASONS[code]}\r\n".encode() + rest

    def _destination(self, uri: str) -> Address:
        """Where a URI's telephone listens. Raises: Refused: not over UDP on this machine."""
        match = ADDRESS.fullmatch(uri)
        host = (match["host"] if match else "").replace("localhost", LOOPBACK)
        port = port_of(match) if match else None
        if not match or not port or not is_loopback(host) or "transport=tcp" in (match["more"] or "").lower():
            raise Refused(480, "Temporarily Unavailable: this telephone takes no calls over UDP")
        destination = host, port
        self._reached.add(destination)
        return destination

    def _register(self, request: Request, cseq: int, source: Address) -> list[tuple[str, str]]:
        match = ADDRESS.fullmatch(address(request.value("to"))[0])
        number = e164(match["user"] or "") if match else None
        if number is None:
            raise Refused(404, "Not Found: the user must be a number such as +12025550111")
        contacts = request.values("contact")
        if contacts:
            call_id, known = request.value("call-id"), self._in_force(number)
            if known and known.call_id == call_id and cseq <= known.cseq:
                raise Refused(500, "Overtaken by a later request of the same telephone")
            self._bind(number, self._wanted(known, contacts, request, cseq, source))
        bound = self._in_force(number)
        return [("Contact", f"<{bound.contact}>;expires={math.ceil(bound.until - self._clock())}")] if bound else []

    def _wanted(
        self, known: Binding | None, contacts: list[str], request: Request, cseq: int, source: Address
    ) -> Binding | None:
        """The binding after all contacts were applied in order. Raises: Refused; then none of them is applied."""
        usual = _seconds(request.value("expires"))
        if "*" in contacts:
            if len(contacts) > 1 or request.value("expires") != "0":
                raise Refused(400, "Bad Request: Contact * goes alone, with Expires: 0")
            return None
        wanted = known
        for contact in contacts:
            named, parameters = address(contact)
            own = re.search(r";\s*expires\s*=\s*([^;\s]*)", parameters, re.IGNORECASE)
            seconds = _seconds(own[1]) if own else usual
            if seconds == 0:
                wanted = None if wanted and _same(wanted.contact, named) else wanted
                continue
            uri = self._called_at(named, source)
            if seconds < LEAST_S:
                raise Refused(423, None, ("Min-Expires", str(LEAST_S)))
            until = self._clock() + min(seconds, USUAL_S)
            wanted = Binding(named, uri, request.value("call-id"), cseq, until)
        return wanted

    def _called_at(self, contact: str, source: Address) -> str:
        """The URI at which the network calls the telephone of a contact.

        A contact on loopback is what it says. Any other names the address that a telephone has in its LAN, or a host
        name; as behind a NAT, it is called where its request came from (RFC 3581), which only this machine can be.

        Raises: Refused, if the network cannot call there.
        """
        if not contact.isascii() or not contact.isprintable() or re.search(r'[\s<>"]', contact) or ":" not in contact:
            raise Refused(400, "Bad Request: Contact is no address")
        if not contact.lower().startswith("sip:"):
            raise Refused(403, "Forbidden: Contact must be a sip: address")
        transport = re.search(r";transport=([^;?]*)", contact, re.IGNORECASE)
        if transport and transport[1].lower() not in TRANSPORTS:
            raise Refused(403, "Forbidden: the telephone network speaks UDP and TCP")
        match = ADDRESS.fullmatch(contact)
        if not match or not is_loopback(match["host"]):
            user, at, _ = contact[len("sip:") :].partition("@")
            contact = f"sip:{user if at else ''}{at}{source[0]}:{source[1]}"
            match = ADDRESS.fullmatch(contact)
        port = port_of(match) if match else None
        if not match or port is None or f"{match['host']}:{port}" in (self._network_address, self._own):
            raise Refused(403, "Forbidden: no telephone can be at this port")
        return contact

    # -- bindings
    def _in_force(self, number: str) -> Binding | None:
        """The number's binding, unless the file has been changed to another address since."""
        binding = self._bindings.get(number)
        if binding is None or self._directory.address(number) == binding.uri:
            return binding
        del self._bindings[number]
        return None

    def _bind(self, number: str, wanted: Binding | None) -> None:
        """Raises: OSError, ValueError; then nothing has changed."""
        known = self._in_force(number)
        if wanted:
            self._directory.set(number, wanted.uri)
            self._bindings[number] = wanted
            if known is None or known.uri != wanted.uri:
                self._report(f"{number} is now the telephone at {wanted.uri}")
        elif known:
            self._directory.remove(number)
            del self._bindings[number]
            self._report(f"{number} is a built-in phone again: its telephone unregistered")

    def _release(self, number: str, why: str) -> None:
        if self._in_force(number) is None:
            return
        del self._bindings[number]
        try:
            self._directory.remove(number)
            self._report(f"{number} is a built-in phone again: {why}")
        except (OSError, ValueError) as error:
            self._report(f"{number} could not be removed: {error}")


def _identity(request: Request) -> tuple[str, str, str]:
    return request.value("via"), request.value("call-id"), request.value("cseq")


def _tag(request: Request) -> str:
    """The same for a repeat (§8.2.7)."""
    return f"{zlib.crc32(request.value('call-id').encode()):08x}"


def _leg(call_id: str) -> str:
    return "local-" + hashlib.sha256(call_id.encode()).hexdigest()[:16]


def _well_formed(request: Request) -> int:
    """Its sequence number. Raises: Refused."""
    for name in ("Via", "From", "To", "Call-ID"):
        if not request.value(name.lower()):
            raise Refused(400, f"Bad Request: no {name}")
    cseq = re.fullmatch(r"([0-9]{1,10})\s+(\S+)", request.value("cseq"))
    if not cseq or cseq[2] != request.method or int(cseq[1]) >= 2**31:
        raise Refused(400, "Bad Request: CSeq")
    scheme, colon, _ = request.uri.partition(":")
    if not colon:
        raise Refused(400, "Bad Request: the Request-URI")
    if scheme != "sip":
        raise Refused(416)
    return int(cseq[1])


def _seconds(expires: str) -> int:
    """§10.2.1.1: what is malformed counts as the default."""
    return int(expires) if re.fullmatch("[0-9]{1,10}", expires) else USUAL_S


def _same(one: str, other: str) -> bool:
    """By the parts of a URI that say whose telephone it is."""
    matches = [ADDRESS.fullmatch(uri) for uri in (one, other)]
    first, second = (match and match.group("user", "host", "port") for match in matches)
    return one == other or (first is not None and first == second)

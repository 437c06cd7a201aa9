"""A registrar for ordinary softphones, which want an account and send REGISTER (RFC 3261 §10): bytes in, bytes out.

What it binds is a line of the numbers file, so the line needs to know nothing of it. A number is one address here: of
two telephones that register the same one, the last wins, as it does over a line that was written by hand, and the
other one's account is simply not in force until it registers again. A line that a killed lab leaves behind stands
until its telephone registers again, or somebody takes it out: it cannot be told from one that was written by hand.

Any password is right, because none is asked for: only this machine reaches loopback, and whoever is on it can write
the file anyway. Whatever domain a request names is ours, since it came here.

A softphone sends its calls to its registrar too; from here they go on to the telephone network (`sip_forwarding`).
"""

import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from lab.sip.forwarding import back, has_been_at, hops_left, onward
from lab.sip.messages import Request, address, from_source, is_loopback, parsed, response
from pstn.lines.sip.directory import ADDRESS, Directory, e164

Address = tuple[str, int]
ALLOW = ("Allow", "REGISTER, OPTIONS, INVITE, ACK, CANCEL, BYE")
KNOWN = ("INFO", "MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "REFER", "SUBSCRIBE", "UPDATE")
LEAST_S, USUAL_S = 60, 3600
"""Shorter is refused (§10.2.8), longer is shortened: a telephone that crashed must not keep its number for days."""
REPEATS_S = 32.0
"""So long a request may come again, and gets the same answer (§17.2.2, timer J)."""
SIP_PORT = 5060
"""Of an address that names none (§19.1.2)."""
TRANSPORTS = ("", "udp", "tcp")


@dataclass(frozen=True)
class Binding:
    """`until`: on the registrar's clock."""

    uri: str
    call_id: str
    cseq: int
    until: float


class Refused(Exception):
    """A final response other than 200. `reason`: beside its usual phrase, for whoever reads the softphone's log."""

    def __init__(self, code: int, reason: str | None = None, *more: tuple[str, str]) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.more = code, reason, more


class Registrar:
    """Not for several threads at once.

    Args:
        numbers: where bindings stand.
        station: host:port of the telephone network.
        own: host:port of this registrar.
        clock: seconds that only grow.
        told: what changed, in words.
    """

    def __init__(
        self,
        numbers: Directory,
        station: str,
        own: str,
        clock: Callable[[], float],
        told: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._numbers, self._clock, self._told = numbers, clock, told
        self._station, self._own = station, own
        host, _, port = station.partition(":")
        self._network = host, int(port)
        self._bindings: dict[str, Binding] = {}
        self._answered: dict[tuple[str, str, str], tuple[float, bytes]] = {}

    def received(self, data: bytes, source: Address) -> tuple[bytes, Address] | None:
        """What to send and where: a response to the source address whatever Via says, or something that goes on."""
        request = parsed(data)
        if request is None:
            return back(data, self._own) if source == self._network else None
        self.expire()
        try:
            cseq = _well_formed(request)
            uri = self._in_the_network(request)
        except Refused as refused:
            return None if request.method == "ACK" else (self._refusal(refused, from_source(request, source)), source)
        if uri:
            return onward(request, uri, source, self._own), self._network
        if request.method == "ACK":
            return None
        return self._once(request, cseq, source), source

    def expire(self) -> float | None:
        """Take out what is due; gives the seconds until the next is."""
        now = self._clock()
        for key, (until, _) in list(self._answered.items()):
            if until > now:
                break
            del self._answered[key]
        for number, binding in list(self._bindings.items()):
            if binding.until <= now:
                self._release(number, "its registration ended")
        return min((binding.until - now for binding in self._bindings.values()), default=None)

    def close(self) -> None:
        """Take out all of them."""
        for number in list(self._bindings):
            self._release(number, "the registrar stops")

    # -- what is answered
    def _once(self, request: Request, cseq: int, source: Address) -> bytes:
        key = _identity(request)
        if key not in self._answered:
            self._answered[key] = self._clock() + REPEATS_S, self._response(from_source(request, source), cseq)
        return self._answered[key][1]

    def _response(self, request: Request, cseq: int) -> bytes:
        try:
            return response(200, request, _tag(request), *self._answer(request, cseq))
        except Refused as refused:
            return self._refusal(refused, request)
        except (OSError, ValueError) as error:  # the numbers file; §10.3 step 7
            self._told(f"a telephone could not register: {error}")
            return response(500, request, _tag(request), reason="The file of numbers cannot be changed")

    @staticmethod
    def _refusal(refused: Refused, request: Request) -> bytes:
        return response(refused.code, request, _tag(request), *refused.more, reason=refused.reason)

    def _answer(self, request: Request, cseq: int) -> list[tuple[str, str]]:
        """The headers of 200. Raises: Refused; OSError and ValueError of the numbers file."""
        if request.method in ("REGISTER", "OPTIONS") and (required := request.values("require")):
            raise Refused(420, None, ("Unsupported", ", ".join(required)))  # §8.2.2.3
        match request.method:
            case "REGISTER":
                return self._register(request, cseq)
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

    def _in_the_network(self, request: Request) -> str | None:
        """The URI there of what goes on: calls of a telephone number, and what belongs to them. Raises: Refused."""
        match = ADDRESS.fullmatch(request.uri)
        if match is None or request.method in ("REGISTER", "OPTIONS"):
            return None
        number = e164(match["user"] or "")
        there = f"{match['host']}:{match['port'] or SIP_PORT}" == self._station
        if not there and number is None:
            return None
        if has_been_at(request, self._own):
            raise Refused(482)
        if hops_left(request) < 1:
            raise Refused(483)
        return request.uri if there else f"sip:{number}@{self._station}"

    def _register(self, request: Request, cseq: int) -> list[tuple[str, str]]:
        match = ADDRESS.fullmatch(address(request.value("to"))[0])
        number = e164(match["user"] or "") if match else None
        if number is None:
            raise Refused(404, "Not Found: the user must be a number such as +12025550111")
        contacts = request.values("contact")
        if contacts:
            call_id, known = request.value("call-id"), self._in_force(number)
            if known and known.call_id == call_id and cseq <= known.cseq:
                raise Refused(500, "Overtaken by a later request of the same telephone")
            self._bind(number, self._wanted(known, contacts, request, cseq))
        bound = self._in_force(number)
        return [("Contact", f"<{bound.uri}>;expires={math.ceil(bound.until - self._clock())}")] if bound else []

    def _wanted(self, known: Binding | None, contacts: list[str], request: Request, cseq: int) -> Binding | None:
        """What is to be in force after all of them, in their order. Raises: Refused, and then none counts."""
        usual = _seconds(request.value("expires"))
        if "*" in contacts:
            if len(contacts) > 1 or request.value("expires") != "0":
                raise Refused(400, "Bad Request: Contact * goes alone, with Expires: 0")
            return None
        wanted = known
        for contact in contacts:
            uri, parameters = address(contact)
            own = re.search(r";\s*expires\s*=\s*([^;\s]*)", parameters, re.IGNORECASE)
            seconds = _seconds(own[1]) if own else usual
            if seconds == 0:
                wanted = None if wanted and _same(wanted.uri, uri) else wanted
                continue
            self._reachable(uri)
            if seconds < LEAST_S:
                raise Refused(423, None, ("Min-Expires", str(LEAST_S)))
            until = self._clock() + min(seconds, USUAL_S)
            wanted = Binding(uri, request.value("call-id"), cseq, until)
        return wanted

    def _reachable(self, uri: str) -> None:
        """Raises: Refused, unless the telephone network could call there."""
        if ":" not in uri or not uri.isascii() or not uri.isprintable() or re.search(r'[\s<>"]', uri):
            raise Refused(400, "Bad Request: Contact is no address")
        match = ADDRESS.fullmatch(uri)
        if not match or not is_loopback(match["host"]):
            raise Refused(403, "Forbidden: Contact must be a sip: address on 127.0.0.1")
        transport = re.search(r";transport=([^;?]*)", match["more"] or "", re.IGNORECASE)
        if transport and transport[1].lower() not in TRANSPORTS:
            raise Refused(403, "Forbidden: the telephone network speaks UDP and TCP")
        port = int(match["port"] or SIP_PORT) if len(match["port"] or "") < 6 else 0
        if not 0 < port < 65536 or f"{match['host']}:{port}" in (self._station, self._own):
            raise Refused(403, "Forbidden: no telephone can be at this port")

    # -- what is bound
    def _in_force(self, number: str) -> Binding | None:
        """The file may have been given to another telephone meanwhile, and then that one has the number."""
        binding = self._bindings.get(number)
        if binding is None or self._numbers.address(number) == binding.uri:
            return binding
        del self._bindings[number]
        return None

    def _bind(self, number: str, wanted: Binding | None) -> None:
        """Raises: OSError, ValueError; then nothing changed."""
        known = self._in_force(number)
        if wanted:
            self._numbers.set(number, wanted.uri)
            self._bindings[number] = wanted
            if known is None or known.uri != wanted.uri:
                self._told(f"{number} is the telephone at {wanted.uri} now")
        elif known:
            self._numbers.remove(number)
            del self._bindings[number]
            self._told(f"{number} is a built-in phone again: it signed off")

    def _release(self, number: str, why: str) -> None:
        if self._in_force(number) is None:
            return
        del self._bindings[number]
        try:
            self._numbers.remove(number)
            self._told(f"{number} is a built-in phone again: {why}")
        except (OSError, ValueError) as error:
            self._told(f"{number} could not be taken out: {error}")


def _identity(request: Request) -> tuple[str, str, str]:
    return request.value("via"), request.value("call-id"), request.value("cseq")


def _tag(request: Request) -> str:
    """The same for a repeat (§8.2.7)."""
    return f"{zlib.crc32(request.value('call-id').encode()):08x}"


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
    """The parts of a URI that say whose telephone it is."""
    matches = [ADDRESS.fullmatch(uri) for uri in (one, other)]
    first, second = (match and match.group("user", "host", "port") for match in matches)
    return first is not None and first == second
